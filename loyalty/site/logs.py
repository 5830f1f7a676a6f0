"""Structured logs: one event a line, with the request's id, and without secrets.

Production writes JSON to standard output, the demo the same events for a person to read.
"""

import logging
import re
from collections.abc import MutableMapping
from functools import lru_cache
from time import perf_counter
from typing import Any, cast
from uuid import uuid4

import structlog
from django.http import HttpRequest, HttpResponse
from django_structlog.middlewares import RequestMiddleware

HIDDEN = "***"

_NAMES = re.compile(r"pass(word|wd|phrase)|token|secret|authorization|cookie|credential|api_?key|signature", re.I)
_CARRIERS = (
    re.compile(r"(?P<kept>\b(?:Bearer|Basic)\s+)[^\s\"',]+", re.I),
    re.compile(r"(?P<kept>[?&][^=&\s]+=)[^&\s\"']+"),
    re.compile(
        r"(?P<kept>(?:\b|_)(?:password|token|secret|key|code|signature)[\"']?\s*[=:]\s*[\"']?)[^\s\"',&}]+", re.I
    ),
    re.compile(r"(?P<kept>\w+://[^:/@\s]+:)[^@/\s]+(?=@)"),
    re.compile(r"(?P<kept>/)(?=[^/\s]*[0-9])(?=[^/\s]*[A-Za-z])[\w:.=~-]{20,}(?=[/?\s]|$)"),
)
"""What carries a secret in a text: credentials of a header or an address, parameters, and long words of a path."""

_MARKS = re.compile(r"[\s/:=]")
"""One of these stands in whatever a carrier matches: most texts of a line hold none, and need not be looked through."""


def hide_secrets(logger: object, name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Blank what could be a secret, by the name it stands under and by how it looks; a processor of structlog."""
    for key, value in event.items():
        event[key] = _without_secrets(key, value)
    return event


def _without_secrets(key: str, value: Any) -> Any:
    if _names_a_secret(key) and value not in (None, ""):
        return HIDDEN
    if isinstance(value, dict):
        return {inner: _without_secrets(str(inner), content) for inner, content in value.items()}
    if isinstance(value, list | tuple):
        return [_without_secrets("", content) for content in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else repr(value)  # as it would be written: a request with its query string
    for carrier in _CARRIERS if _MARKS.search(text) else ():
        text = carrier.sub(rf"\g<kept>{HIDDEN}", text)
    return text


@lru_cache(maxsize=1_000)
def _names_a_secret(key: str) -> bool:
    return _NAMES.search(key) is not None


class RequestLogMiddleware(RequestMiddleware):
    """Gives every request an id, binds it to all that is logged meanwhile, and answers it as `X-Request-ID`."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request under its id, and write the one line that says how it ended."""
        began = perf_counter()
        request_id = str(uuid4())
        structlog.contextvars.bind_contextvars(request_id=request_id)
        response = cast(HttpResponse, self.get_response(request))
        structlog.contextvars.bind_contextvars(milliseconds=round((perf_counter() - began) * 1000))
        self.handle_response(request, response)
        response["X-Request-ID"] = request_id
        return response

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        """Method and path; a query string may hold anything that somebody typed or was sent."""
        return f"{request.method} {request.path}"


_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
]


def logging_settings(*, as_json: bool) -> dict[str, Any]:
    """Return Django's LOGGING, and set structlog up to go the same way."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    renderer = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=False)
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "processors": [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            hide_secrets,
            renderer,
        ],
        "foreign_pre_chain": _SHARED,
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"event": formatter},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "event"}},
        "root": {"handlers": ["console"], "level": "WARNING"},
        "loggers": {
            name: {"level": logging.INFO if as_json else logging.WARNING}
            for name in ("accounts", "loyalty", "rewards", "surveys", "django_structlog")
        },
    }
