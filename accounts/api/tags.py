"""ETags: what a row looked like when it was read, so that nobody overwrites what they have not seen."""

import hashlib
from collections.abc import Mapping
from typing import Any

from django.utils.http import parse_etags
from rest_framework.renderers import JSONRenderer

from accounts.api.problems import Problem


def tag_of(shown: Mapping[str, Any]) -> str:
    """Return the ETag of what a row looks like in answers."""
    content: bytes = JSONRenderer().render(shown)
    return f'"{hashlib.blake2b(content, digest_size=12).hexdigest()}"'


def is_unchanged(header: str | None, tag: str) -> bool:
    """Whether an `If-None-Match` names the tag: whoever asks has it already."""
    return header is not None and _names(header, tag)


def check_if_match(headers: Mapping[str, str], shown: Mapping[str, Any] | None) -> None:
    """Raise Problem unless the row (None: there is none) is as `If-Match` and `If-None-Match` want it."""
    wanted, unwanted = headers.get("If-Match"), headers.get("If-None-Match")
    if wanted is not None and (shown is None or not _names(wanted, tag_of(shown))):
        raise Problem("changed_meanwhile")
    if unwanted is not None and shown is not None and _names(unwanted, tag_of(shown)):
        raise Problem("changed_meanwhile")


def _names(header: str, tag: str) -> bool:
    named = parse_etags(header)
    return "*" in named or tag in named or f"W/{tag}" in named
