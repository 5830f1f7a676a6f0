"""What a browser would send of a page: every field as it stands, but for buttons."""

from html.parser import HTMLParser


class _Fields(HTMLParser):
    """Reads fields with their values; a select without a chosen option sends its first."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: dict[str, list[str]] = {}
        self._select: tuple[str, list[tuple[str, bool]]] | None = None
        self._text: tuple[str, list[str]] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        name, kind = told.get("name", ""), told.get("type", "")
        if tag == "select":
            self._select = name, []
        elif tag == "option" and self._select:
            self._select[1].append((told.get("value", ""), "selected" in told))
        elif tag == "textarea":
            self._text = name, []
        elif tag == "input" and name and _is_sent(kind, is_checked="checked" in told):
            self._add(name, told.get("value", ""))

    def handle_data(self, data: str) -> None:
        if self._text:
            self._text[1].append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "select" and self._select:
            name, options = self._select
            chosen = [value for value, is_chosen in options if is_chosen] or [value for value, _chosen in options[:1]]
            for value in chosen:
                self._add(name, value)
            self._select = None
        elif tag == "textarea" and self._text:
            self._add(self._text[0], "".join(self._text[1]))
            self._text = None

    def _add(self, name: str, value: str) -> None:
        self.sent.setdefault(name, []).append(value)


def fields_of(page: str) -> dict[str, list[str]]:
    """Return the values under each name, in the order of the page."""
    reader = _Fields()
    reader.feed(page)
    return reader.sent


def _is_sent(kind: str, *, is_checked: bool) -> bool:
    return is_checked if kind in ("checkbox", "radio") else kind not in ("submit", "button")
