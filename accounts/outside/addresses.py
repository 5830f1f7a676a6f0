"""Which addresses we send to: none that lies inside a network, however it is written and wherever its name leads.

A name is resolved once, every address that it leads to is looked at, and the connection goes to exactly the one that
was looked at: a name server that answers differently a second time is not asked a second time.
"""

import ipaddress
import re
import socket
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], Sequence[str]]
"""Gives the addresses of a name, as text; raises OSError where there are none."""

_PORTS = {"https": 443, "http": 80}
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_LOOKS_LIKE_A_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_VISIBLE = re.compile(r"[\x21-\x7e]+")
_LONGEST = 500

_SHARED = ipaddress.ip_network("100.64.0.0/10")
_MAPPED, _COMPATIBLE = ipaddress.ip_network("::ffff:0:0/96"), ipaddress.ip_network("::/96")
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
_TRANSLATED_INSIDE, _TUNNELS = ipaddress.ip_network("64:ff9b:1::/48"), ipaddress.ip_network("2001::/32")
_SIX_TO_FOUR = ipaddress.ip_network("2002::/16")


class UnsafeAddressError(Exception):
    """An address that nothing is sent to; `str()` says why, in the language in force."""


class UnknownNameError(UnsafeAddressError):
    """A name that leads nowhere at this moment."""

    def __init__(self, host: str) -> None:
        super().__init__(_("“%(host)s” is not known to the name servers.") % {"host": host})


@dataclass(frozen=True, slots=True)
class Target:
    """Where to send: the parts of an address that was looked at. `host` is in small letters, without brackets."""

    is_secure: bool
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """Host and port as the Host header says them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS["https" if self.is_secure else "http"] else f"{host}:{self.port}"


def system_resolver(host: str, port: int) -> Sequence[str]:
    """Ask the system, once, for the addresses of a name."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(address[0]) for *_rest, address in found))


def read_url(url: str, *, inside: Collection[str]) -> Target:
    """Take an address apart without asking anybody. `inside` are hosts that the installation allows by their name.

    Raises UnsafeAddressError: for anything but https (http, where the host is allowed by name), names and passwords,
    odd ports, names that no name server outside knows, and numbers that some programs read as an address.
    """
    if len(url) > _LONGEST or not _VISIBLE.fullmatch(url) or "\\" in url:
        raise UnsafeAddressError(_("Write the address in plain letters, without spaces and back-slashes."))
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError as error:
        raise UnsafeAddressError(_("This is no address that can be read.")) from error
    if parts.scheme not in _PORTS or not host or parts.fragment:
        raise UnsafeAddressError(_("Write the whole address, such as https://example.com/path."))
    if "@" in parts.netloc:
        raise UnsafeAddressError(_("An address with a user name or a password is refused: anybody could read them."))
    is_allowed = host in inside
    if parts.scheme == "http" and not is_allowed:
        raise UnsafeAddressError(_("Only https is allowed: what is sent must not be read on the way."))
    if port is None:
        port = _PORTS[parts.scheme]
    if port == 0 or (port < 1024 and port not in _PORTS.values() and not is_allowed):
        raise UnsafeAddressError(_("Port %(port)s belongs to another service.") % {"port": port})
    if _literal(host) is None:
        _check_name(host, is_allowed=is_allowed)
    else:
        _check(host, [host], is_allowed=is_allowed)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme == "https", host, port, path)


def locate(target: Target, *, inside: Collection[str], resolve: Resolver) -> str:
    """Return the one address to connect to, as text; the target's name is resolved once.

    Raises UnknownNameError where it leads nowhere, UnsafeAddressError where any address it leads to lies inside.
    """
    if _literal(target.host) is not None:
        found: Sequence[str] = [target.host]
    else:
        try:
            found = resolve(target.host, target.port)
        except (OSError, UnicodeError) as error:
            raise UnknownNameError(target.host) from error
    if not found:
        raise UnknownNameError(target.host)
    _check(target.host, found, is_allowed=target.host in inside)
    return found[0]


def is_outside(address: Address) -> bool:
    """Whether an address belongs to the internet, whatever it is wrapped in."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = _wrapped(address)
        if inner is not None:
            return is_outside(inner)
        if address in _TRANSLATED_INSIDE or address in _TUNNELS or address.is_site_local:
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def _is_inside_a_network(address: Address) -> bool:
    """Whether an address is one that an installation may allow by name: private, shared or this very machine."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = _wrapped(address)
        if inner is not None:
            return _is_inside_a_network(inner)
    if address.is_link_local or address.is_multicast or address.is_unspecified:
        return False
    is_shared = isinstance(address, ipaddress.IPv4Address) and address in _SHARED
    return address.is_loopback or is_shared or (address.is_private and not address.is_reserved)


def _wrapped(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The address of the older kind that this one stands for, if it does."""
    number = int(address)
    if address in _MAPPED or address in _TRANSLATED:
        return ipaddress.IPv4Address(number & 0xFFFFFFFF)
    if address in _SIX_TO_FOUR:
        return ipaddress.IPv4Address(number >> 80 & 0xFFFFFFFF)
    if address in _COMPATIBLE and number > 1:
        return ipaddress.IPv4Address(number & 0xFFFFFFFF)
    return None


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _check_name(host: str, *, is_allowed: bool) -> None:
    labels = host.split(".")
    if _LOOKS_LIKE_A_NUMBER.fullmatch(labels[-1]):
        raise UnsafeAddressError(_("“%(host)s” is an odd way to write an address.") % {"host": host})
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise UnsafeAddressError(_("“%(host)s” is no name of a host.") % {"host": host})
    if len(labels) == 1 and not is_allowed:
        raise UnsafeAddressError(_("“%(host)s” is a name inside a network.") % {"host": host})


def _check(host: str, found: Sequence[str], *, is_allowed: bool) -> None:
    for written in found:
        address = _literal(written)
        if address is None or getattr(address, "scope_id", None) is not None:
            raise UnsafeAddressError(_("“%(host)s” leads to no address that can be read.") % {"host": host})
        if not is_outside(address) and not (is_allowed and _is_inside_a_network(address)):
            text = _("“%(host)s” leads into an internal network, where nothing is sent.")
            raise UnsafeAddressError(text % {"host": host})
