"""Reading pages as people do: words without markup."""

import html
import re

from django.http import HttpResponseBase


def source_of(response: HttpResponseBase) -> str:
    """The HTML of an answer."""
    return b"".join(response).decode()


def words_of(response: HttpResponseBase) -> str:
    """What stands on the page, between `<main>` and its end where there is one, with single spaces."""
    page = source_of(response)
    main = re.search(r"<main.*</main>", page, re.DOTALL)
    text = html.unescape(re.sub(r"<[^>]+>", " ", main[0] if main else page))
    return re.sub(r"\s+", " ", text).strip()


def links_of(response: HttpResponseBase, pattern: str) -> list[str]:
    """The addresses that the page links to and that match `pattern` as a whole, in their order."""
    found = [html.unescape(link) for link in re.findall(r'href="([^"]*)"', source_of(response))]
    return [link for link in found if re.fullmatch(pattern, link)]


def hidden_of(response: HttpResponseBase) -> dict[str, str]:
    """The hidden fields of the forms on the page, but for the token and the language switch's address."""
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', source_of(response)))
    return {name: value for name, value in fields.items() if name not in ("csrfmiddlewaretoken", "next")}
