"""Which addresses are asked or sent to: none inside a network, in whatever spelling and behind whatever name."""

import ipaddress
from collections.abc import Sequence

import pytest

from accounts.outside.addresses import UnknownNameError, UnsafeAddressError, is_outside, locate, read_url

INSIDE = frozenset({"localhost", "10.1.2.3", "receiver.internal"})


class Names:
    """A name server that knows some names, and counts how often it was asked."""

    def __init__(self, **known: Sequence[str]) -> None:
        self.known = {name.replace("_", "."): list(addresses) for name, addresses in known.items()}
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        if host not in self.known:
            raise OSError("no such name")
        return self.known[host]


def found(url: str, names: Names | None = None) -> str:
    """Where a connection for `url` would go."""
    return locate(read_url(url, inside=INSIDE), inside=INSIDE, resolve=names or Names())


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.254",
        "169.254.169.254", "169.254.0.1", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.168.1.1",
        "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255",
        "::", "::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1", "2001:db8::1", "100::1", "5f00::1",
        "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "::10.0.0.1",
        "2002:7f00:1::", "2002:a9fe:a9fe::1", "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::8.8.8.8",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2", "::ffff:0.0.0.0", "::ffff:100.64.0.1",
    ],
)  # fmt: skip
def test_address_inside_a_network_is_not_sent_to(address: str) -> None:
    url = f"https://[{address}]/" if ":" in address else f"https://{address}/"

    assert not is_outside(ipaddress.ip_address(address))
    with pytest.raises(UnsafeAddressError):
        read_url(url, inside=INSIDE)
    with pytest.raises(UnsafeAddressError):
        found("https://receiver.example/", Names(receiver_example=[address]))


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1"]
)
def test_address_of_the_internet_is_sent_to(address: str) -> None:
    names = Names(receiver_example=[address])

    assert found("https://receiver.example/hook?a=b", names) == address
    assert names.asked == ["receiver.example"]


@pytest.mark.parametrize(
    "url",
    [
        # the same machine in the notations of other programs
        "https://2130706433/", "https://0x7f000001/", "https://0x7f.1/", "https://017700000001/", "https://0177.0.0.1/",
        "https://127.1/", "https://127.0.1/", "https://0/", "https://1.2.3.0x4/", "https://0xA9FEA9FE/",
        "https://169.254.43518/", "https://127.0.0.1./", "https://[::1%25lo]/", "https://[::ffff:7f00:1]/",
        # letters that others read as dots and digits
        "https://１２７.0.0.1/", "https://127。0。0。1/", "https://ⓛocalhost/", "https://xn--/../",
        "https://exa mple.com/", "https://example.com\\@127.0.0.1/", "https://example.com\t/",
        "https://example.com\r\nHost: x/",
        "https://\0/",
        # not ours to use
        "http://example.com/", "ftp://example.com/", "file:///etc/passwd", "gopher://example.com/", "//example.com/",
        "https:example.com", "https://", "https:///path", "https://:443/", "https://user:word@example.com/",
        "https://user@example.com/", "https://example.com@127.0.0.1/", "https://example.com/#part", "example.com", "",
        "https://example.com:0/", "https://example.com:22/", "https://example.com:25/", "https://example.com:99999/",
        "https://example.com:-1/", "https://example.com:port/", "https://intranet/", "https://-a.example/",
        "https://a..example/", f"https://{'a' * 64}.example/", f"https://example.com/{'a' * 500}", "https://[::1/",
        "https://metadata/", "HTTP://EXAMPLE.COM/",
    ],
)  # fmt: skip
def test_odd_address_is_refused_before_anybody_is_asked(url: str) -> None:
    with pytest.raises(UnsafeAddressError):
        read_url(url, inside=INSIDE)


def test_parts_of_an_address_are_those_that_are_sent_to() -> None:
    target = read_url("HTTPS://Hooks.Example.com.:8443/in%20box?key=1", inside=INSIDE)

    assert (target.is_secure, target.host, target.port) == (True, "hooks.example.com", 8443)
    assert (target.path, target.authority) == ("/in%20box?key=1", "hooks.example.com:8443")
    assert read_url("https://[2606:4700::1111]", inside=()).authority == "[2606:4700::1111]"
    assert read_url("https://example.com", inside=()).path == "/"


def test_one_inner_address_among_many_is_enough_to_refuse() -> None:
    names = Names(receiver_example=["8.8.8.8", "169.254.169.254"])

    with pytest.raises(UnsafeAddressError, match="leads into an internal network"):
        found("https://receiver.example/", names)


def test_name_that_leads_nowhere_says_so() -> None:
    for names in (Names(), Names(receiver_example=[])):
        with pytest.raises(UnknownNameError):
            found("https://receiver.example/", names)
    with pytest.raises(UnsafeAddressError):
        found("https://receiver.example/", Names(receiver_example=["fe80::1%eth0"]))


def test_installation_allows_inner_addresses_by_name_only() -> None:
    names = Names(localhost=["127.0.0.1", "::1"], receiver_internal=["10.9.8.7"], other_example=["10.1.2.3"])

    assert found("http://localhost:8025/hook", names) == "127.0.0.1"
    assert found("https://receiver.internal:444/", names) == "10.9.8.7"
    assert found("http://10.1.2.3/") == "10.1.2.3"
    for url in ("https://other.example/", "https://10.1.2.4/", "https://127.0.0.1/", "https://x.localhost/"):
        with pytest.raises(UnsafeAddressError):
            found(url, names)


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "::ffff:169.254.169.254", "fe80::1", "0.0.0.0", "::", "224.0.0.1", "240.0.0.1"]
)
def test_name_that_is_allowed_still_leads_to_no_link_local_address(address: str) -> None:
    with pytest.raises(UnsafeAddressError):
        found("http://receiver.internal/", Names(receiver_internal=[address]))
