"""The way out: a request goes to one address of the internet that was looked at, and never into a network.

Whatever somebody of a company's or of the vendor's has written down as an address is asked through here.
"""

from accounts.outside.addresses import UnknownNameError, UnsafeAddressError, read_url
from accounts.outside.exchanging import Reach, Reply, check_address, exchange

__all__ = [
    "Reach",
    "Reply",
    "UnknownNameError",
    "UnsafeAddressError",
    "check_address",
    "exchange",
    "read_url",
]
