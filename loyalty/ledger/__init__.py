"""The ledger: points move between wallets by postings, in lots that expire; nothing moves otherwise."""

from loyalty.ledger.book import Book, InsufficientPointsError
from loyalty.ledger.caps import CapBook, CapKey, Limit
from loyalty.ledger.ending import end_points
from loyalty.ledger.entries import Act, AwardEntry
from loyalty.ledger.expiry import expire_points
from loyalty.ledger.lots import LotEntry
from loyalty.ledger.releasing import release_points
from loyalty.ledger.terms import LotDays, last_day, lot_days, waits
from loyalty.ledger.wallets import Owner, ensure_wallets

__all__ = [
    "Act",
    "AwardEntry",
    "Book",
    "CapBook",
    "CapKey",
    "InsufficientPointsError",
    "Limit",
    "LotDays",
    "LotEntry",
    "Owner",
    "end_points",
    "ensure_wallets",
    "expire_points",
    "last_day",
    "lot_days",
    "release_points",
    "waits",
]
