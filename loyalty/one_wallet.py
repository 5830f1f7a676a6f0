"""Small companies: one wallet for the company and its people. Whatever people would get, the company gets.

While it is so, points never stay in a person's wallet: what is there when it begins, and what comes there afterwards
from before (points that waited, an order that was cancelled), goes to the company; it takes over their debts, too.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _

from accounts import audit
from loyalty.ledger import Act, Book, Owner
from loyalty.models import Membership, Transaction, Transfer, Wallet


class OneWalletError(Exception):
    """The membership is that way already, or is over; `str()` says so."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """How many points went from people to the company, and how many of their debt it took over."""

    points: int = 0
    debt: int = 0


def begin_one_wallet(*, membership: Membership, by_id: int, reason: str, now: datetime) -> Gathered:
    """Let a company and its people have one wallet from now on: what people have moves to it.

    Raises OneWalletError; then nothing has changed.
    """
    with transaction.atomic():
        row = _locked(membership, now)
        if row.has_one_wallet:
            raise OneWalletError(_("The company and its people have one wallet already."))
        row.has_one_wallet = True
        row.save(update_fields=["has_one_wallet"])
        gathered = _gather(row, by_id=by_id, now=now)
        _on_record("one-wallet-begun", row, by_id, now, reason, points=gathered.points, debt=gathered.debt)
    return gathered


def end_one_wallet(*, membership: Membership, by_id: int, reason: str, now: datetime) -> None:
    """Let people have wallets of their own from now on; what the company has stays the company's.

    Raises OneWalletError; then nothing has changed.
    """
    with transaction.atomic():
        row = _locked(membership, now)
        if not row.has_one_wallet:
            raise OneWalletError(_("Its people have wallets of their own already."))
        row.has_one_wallet = False
        row.save(update_fields=["has_one_wallet"])
        _on_record("one-wallet-ended", row, by_id, now, reason)


def gather_wallets(*, now: datetime) -> int:
    """Move what came to people's wallets since their company has one; return how many companies. Safe to run twice.

    A debt waits until the company has points to take it over.
    """
    own = Wallet.objects.filter(company=OuterRef("company"), program=OuterRef("program"))
    has = Exists(own.filter(employee__isnull=True, kind=Wallet.Kind.AVAILABLE, balance__gt=0))
    people = own.filter(employee__isnull=False)
    holds = Exists(people.filter(kind=Wallet.Kind.AVAILABLE, balance__gt=0))
    owes = Exists(people.filter(kind=Wallet.Kind.DEBT, balance__lt=0))
    due = Membership.objects.filter(Q(holds) | Q(owes) & Q(has), has_one_wallet=True).in_force(now).order_by("pk")
    moved = 0
    for pk in due.values_list("pk", flat=True):
        with transaction.atomic():
            row = Membership.objects.select_for_update(no_key=True, of=("self",)).select_related("program").get(pk=pk)
            if row.has_one_wallet and _gather(row, by_id=None, now=now) != Gathered():
                moved += 1
    return moved


def _locked(membership: Membership, now: datetime) -> Membership:
    rows = Membership.objects.select_for_update(no_key=True, of=("self",)).select_related("program")
    row = rows.get(pk=membership.pk)
    if not row.holds_at(now):
        raise OneWalletError(_("The company does not take part in this program now."))
    return row


def _gather(membership: Membership, *, by_id: int | None, now: datetime) -> Gathered:
    """Pass on what people have, then repay what they owe as far as the company has points."""
    company = Owner(membership.program_id, membership.company_id)
    personal = Wallet.objects.filter(company=membership.company_id, program=membership.program_id)
    ids = personal.filter(employee__isnull=False).order_by("employee").values_list("employee", flat=True).distinct()
    people = [Owner(company.program_id, company.company_id, employee_id) for employee_id in ids]
    if not people:
        return Gathered()
    book = Book(now=now, programs=[membership.program])
    book.open([company, *people], all_lots_of=[company, *people])
    passed = [(person, True, _pass(book, person, company, book.available(person), by_id, now)) for person in people]
    passed += [
        (person, False, _pass(book, company, person, min(book.owed(person), book.available(company)), by_id, now))
        for person in people
    ]
    book.write()
    _write(membership, passed, by_id, now)
    return Gathered(
        sum(act[1] for _person, is_to_company, act in passed if is_to_company and act),
        sum(act[1] for _person, is_to_company, act in passed if not is_to_company and act),
    )


def _pass(
    book: Book, giver: Owner, taker: Owner, points: int, by_id: int | None, now: datetime
) -> tuple[Act, int] | None:
    if points <= 0:
        return None
    act = book.begin(Transaction.Kind.TRANSFER, giver.company, actor_id=by_id)
    book.pass_on(act, giver, taker, points, at=now)
    return act, points


def _write(
    membership: Membership,
    passed: Iterable[tuple[Owner, bool, tuple[Act, int] | None]],
    by_id: int | None,
    now: datetime,
) -> None:
    Transfer.objects.bulk_create(
        Transfer(
            membership=membership,
            employee_id=person.employee_id or 0,
            is_to_company=is_to_company,
            points=act[1],
            reason_code=Transfer.Reason.ONE_WALLET,
            reason=_("One wallet for the company and its people"),
            transaction_id=act[0].id,
            made_by_id=by_id,
            made_at=now,
        )
        for person, is_to_company, act in passed
        if act is not None
    )


def _on_record(action: str, row: Membership, by_id: int, now: datetime, reason: str, **numbers: int) -> None:
    facts: dict[str, int | str | None] = {"program": row.program_id, **numbers}
    audit.record(action, row, actor_id=by_id, now=now, company_id=row.company_id, reason=reason, **facts)
