"""Expiry as a job: wallets whose lots are past their last day, a batch at a time."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from loyalty.ledger.book import Book
from loyalty.ledger.wallets import Owner
from loyalty.models import Lot, Program

BATCH = 500


@dataclass(frozen=True, slots=True)
class ExpiryResult:
    """How many wallets lost how many points."""

    wallets: int
    points: int


def expire_points(*, now: datetime) -> ExpiryResult:
    """Expire every lot whose last day, in its program's time zone, is over at `now`; safe to run twice or at once.

    Each batch of wallets is a transaction of its own, so a killed run leaves whole batches.
    """
    wallets = points = 0
    for program in Program.objects.order_by("pk"):
        today = now.astimezone(program.zone).date()
        while True:
            owners = [
                Owner(program.pk, company_id, employee_id)
                for company_id, employee_id in Lot.objects.filter(
                    wallet__program=program, wallet__kind="AVAILABLE", remaining__gt=0, expires_on__lt=today
                )
                .values_list("wallet__company_id", "wallet__employee_id")
                .distinct()[:BATCH]
            ]
            if not owners:
                break
            with transaction.atomic():
                book = Book(now=now, today={program.pk: today})
                points += book.open(owners)
                book.write()
            wallets += len(owners)
    return ExpiryResult(wallets=wallets, points=points)
