"""Names as the system's own resolver would know them."""

import socket
from collections.abc import Mapping
from typing import Any

import pytest


def names_lead(monkeypatch: pytest.MonkeyPatch, known: Mapping[str, str]) -> list[str]:
    """Let `known` names lead to their addresses, and no other name anywhere; gives the names that are asked for.

    Addresses lead to themselves, as ever.
    """
    asked: list[str] = []
    really = socket.getaddrinfo

    def answer(host: Any, port: Any, *rest: Any, **how: Any) -> Any:
        if host not in known:
            how["flags"] = how.get("flags", 0) | socket.AI_NUMERICHOST
            return really(host, port, *rest, **how)
        asked.append(host)
        return really(known[host], port, *rest, **how)

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return asked
