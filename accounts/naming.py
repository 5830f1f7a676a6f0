"""What codes are called that rows carry: requests, acts, jobs, e-mails. The shell, which knows every floor, says it."""

from collections.abc import Iterator, Mapping

from django.utils.functional import Promise


class Names:
    """Codes of one sort with their names; a code that nobody has named is told in its own words."""

    def __init__(self) -> None:
        self._names: dict[str, str | Promise] = {}

    def add(self, names: Mapping[str, str | Promise]) -> None:
        """Say what codes are called."""
        self._names.update(names)

    def of(self, code: str) -> str:
        """Return what a code is called, in the language in force."""
        named = self._names.get(code)
        return str(named) if named is not None else code.replace("-", " ").replace("_", " ").capitalize()

    def choices(self) -> list[tuple[str, str]]:
        """Return the codes that are named, with their names, in the order of these."""
        return sorted(((code, str(name)) for code, name in self._names.items()), key=lambda choice: choice[1])

    def meaning(self, words: str) -> list[str]:
        """Return the codes whose names hold `words`."""
        return [code for code, name in self._names.items() if words.casefold() in str(name).casefold()]

    def __contains__(self, code: object) -> bool:
        return code in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)


REQUESTS = Names()
"""Kinds of requests that a second person decides."""

ACTS = Names()
"""What goes on record."""

JOBS = Names()
"""Kinds of jobs, those that come round among them."""

LETTERS = Names()
"""Kinds of e-mails and of messages in the inbox."""
