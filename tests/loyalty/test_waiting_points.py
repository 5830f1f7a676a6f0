"""Points that wait: for a day, or to be confirmed; what a return takes of them, and from when they last."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from accounts import laws
from accounts.models import User
from loyalty.activities import ActivityItem, Confirmed, confirm_activities, waiting_points
from loyalty.figures import totals
from loyalty.ledger import Owner, release_points
from loyalty.models import Activity, Confirmation, Lot, Membership, Posting, Program, Transaction, Wallet
from loyalty.statement import Balance, WaitingLot, balances_of, statement
from loyalty.terms import terms_in_words
from tests.factories.canaries import fingerprint
from tests.factories.world import (
    NOW,
    a_company,
    a_member,
    a_program,
    a_purchase,
    a_rule_set,
    a_source,
    a_user,
    an_employee,
    balance,
    consent_to,
    record,
)
from tests.loyalty.racing import race
from tests.loyalty.test_expiry import spend

PENDING, DEBT, ISSUED = Wallet.Kind.PENDING, Wallet.Kind.DEBT, Wallet.Kind.ISSUED
DAY = timedelta(days=1)


@pytest.fixture
def _laws_hold(db: None) -> Iterator[None]:
    yield
    assert {finding.law.code: finding.examples for finding in laws.verify() if finding.count} == {}


database = pytest.mark.usefixtures("_laws_hold")


def a_waiting_member(**fields: object) -> Membership:
    """A member of a program that gives 1 point for each full 1, to be spent ten days later."""
    terms = {"release": "AFTER_DAYS", "release_days": 10, "expiry_months": 2, **fields}
    program = a_program(**terms)  # type: ignore[arg-type]
    a_rule_set(program)
    return a_member(program)


def a_confirmed_member(**fields: object) -> Membership:
    return a_waiting_member(release="CONFIRMED", release_days=None, **fields)


def confirm(*purchases: ActivityItem, now: datetime = NOW, by: User | None = None) -> list[Confirmed]:
    known = dict(Activity.objects.values_list("external_id", "pk"))
    ids = [known[purchase.external_id] for purchase in purchases]
    came = confirm_activities(ids, by_user_id=(by or a_user()).pk, now=now)
    return [came[pk] for pk in ids]


def lots(kind: str) -> list[tuple[str, str, int]]:
    rows = Lot.objects.filter(wallet__kind=kind, remaining__gt=0).order_by("available_on", "expires_on")
    return [(str(lot.available_on), str(lot.expires_on), lot.remaining) for lot in rows]


def shown(member: Membership, at: datetime = NOW) -> Balance:
    owner = Owner(member.program_id, member.company_id)
    [found] = balances_of([owner], today=at.astimezone(member.program.zone).date())
    return found


@database
def test_points_wait_for_their_day_and_last_from_then_on() -> None:
    member = a_waiting_member()

    [outcome] = record(a_purchase(member.company, 80))

    assert outcome.points == 80
    assert (balance(member), balance(member, kind=PENDING)) == (0, 80)
    assert lots("PENDING") == [("2026-06-25", "2026-08-25", 80)]
    assert shown(member) == Balance(
        Owner(member.program_id, member.company_id), pending=80, waiting=(WaitingLot(80, date(2026, 6, 25)),)
    )
    assert totals(member.program, now=NOW).outstanding == 80


@database
@pytest.mark.parametrize(
    ("zone", "first_moment"),
    [
        ("Europe/London", datetime(2026, 6, 24, 23, 0, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 6, 25, 4, 0, tzinfo=UTC)),
        ("Asia/Tokyo", datetime(2026, 6, 24, 15, 0, tzinfo=UTC)),
    ],
)
def test_job_releases_at_the_beginning_of_the_local_day_and_once(zone: str, first_moment: datetime) -> None:
    member = a_waiting_member(time_zone=zone)
    record(a_purchase(member.company, 80), a_purchase(member.company, 5, occurred_at=NOW - DAY))

    assert release_points(now=first_moment - DAY).wallets == 1
    assert release_points(now=first_moment - timedelta(seconds=1)).wallets == 0
    assert (balance(member), balance(member, kind=PENDING)) == (5, 80)
    assert release_points(now=first_moment).wallets == 1
    assert release_points(now=first_moment).wallets == 0
    assert (balance(member), balance(member, kind=PENDING)) == (85, 0)
    assert lots("AVAILABLE") == [("2026-06-24", "2026-08-24", 5), ("2026-06-25", "2026-08-25", 80)]
    acts = Transaction.objects.filter(kind="RELEASE").order_by("pk")
    assert [(act.actor, act.created_at) for act in acts] == [(None, first_moment - DAY), (None, first_moment)]


@database
def test_pages_and_use_cases_do_not_wait_for_the_job() -> None:
    member = a_waiting_member()
    record(a_purchase(member.company, 80))
    later = NOW + 10 * DAY

    seen = shown(member, later)
    spend(member, 30, now=later)

    assert (seen.available, seen.pending, seen.waiting) == (80, 0, ())
    assert (balance(member), balance(member, kind=PENDING)) == (50, 0)
    assert Transaction.objects.get(kind="RELEASE").actor is None


@database
def test_what_arrives_after_its_day_does_not_wait() -> None:
    member = a_waiting_member()

    record(a_purchase(member.company, 80, occurred_at=NOW - 10 * DAY))

    assert (balance(member), balance(member, kind=PENDING)) == (80, 0)
    assert lots("AVAILABLE") == [("2026-06-15", "2026-08-15", 80)]


@database
def test_release_is_no_line_of_the_statement_whose_lines_add_up_to_all_one_has() -> None:
    member = a_waiting_member()
    record(a_purchase(member.company, 80))
    release_points(now=NOW + 10 * DAY)

    lines = statement(Owner(member.program_id, member.company_id))

    assert [(line.kind, line.points) for line in lines] == [("EARN", 80)]


@database
def test_return_takes_what_waits_before_anything_else() -> None:
    member = a_waiting_member()
    old = a_purchase(member.company, 100, occurred_at=NOW - 20 * DAY)
    new = a_purchase(member.company, 40)
    other = a_purchase(member.company, 7)
    record(old, new, other)

    record(a_purchase(member.company, 30, reverses=new.external_id))

    assert (balance(member), balance(member, kind=PENDING)) == (100, 17)
    assert waiting_points(Activity.objects.get(external_id=new.external_id).pk) == 10


@database
def test_return_of_spent_points_becomes_debt_and_leaves_alone_what_other_purchases_wait_for() -> None:
    member = a_waiting_member()
    old = a_purchase(member.company, 100, occurred_at=NOW - 20 * DAY)
    record(old, a_purchase(member.company, 40))
    spend(member, 90)

    record(a_purchase(member.company, 100, reverses=old.external_id))
    assert (balance(member), balance(member, kind=PENDING), balance(member, kind=DEBT)) == (0, 40, -90)

    assert release_points(now=NOW + 10 * DAY).wallets == 1
    assert (balance(member), balance(member, kind=PENDING), balance(member, kind=DEBT)) == (0, 0, -50)


@database
def test_confirmation_releases_one_purchase_of_a_day_and_leaves_the_others() -> None:
    member = a_waiting_member()
    first, second = a_purchase(member.company, 40), a_purchase(member.company, 7)
    record(first, second)
    by = a_user()

    assert confirm(first, now=NOW + DAY, by=by) == [Confirmed(40, was_before=False)]
    assert confirm(first, now=NOW + DAY, by=by) == [Confirmed(0, was_before=True)]

    assert lots("AVAILABLE") == [("2026-06-16", "2026-08-25", 40)]
    assert lots("PENDING") == [("2026-06-25", "2026-08-25", 7)]
    kept = Confirmation.objects.get()
    assert (kept.confirmed_by, kept.transaction.kind, kept.transaction.actor) == (by, "RELEASE", by)


@database
def test_points_that_wait_to_be_confirmed_last_from_the_confirmation() -> None:
    member = a_confirmed_member()
    purchase = a_purchase(member.company, 40, occurred_at=NOW - 300 * DAY)
    record(purchase)
    assert shown(member).waiting == (WaitingLot(40, None),)
    assert release_points(now=NOW + 900 * DAY).wallets == 0

    [came] = confirm(purchase, now=datetime(2028, 12, 31, 23, 30, tzinfo=UTC))

    assert came == Confirmed(40, was_before=False)
    assert lots("AVAILABLE") == [("2028-12-31", "2029-02-28", 40)]


@database
def test_partly_returned_purchase_is_confirmed_for_what_is_left_and_a_later_return_takes_that() -> None:
    member = a_confirmed_member()
    purchase, other = a_purchase(member.company, 40), a_purchase(member.company, 9)
    record(purchase, other)
    record(a_purchase(member.company, 30, reverses=purchase.external_id))

    assert confirm(purchase) == [Confirmed(10, was_before=False)]
    record(a_purchase(member.company, 10, reverses=purchase.external_id))

    assert (balance(member), balance(member, kind=PENDING), balance(member, kind=DEBT)) == (0, 9, 0)
    assert balance(member, kind=ISSUED) == -9


@database
def test_purchase_that_came_back_has_nothing_to_confirm() -> None:
    member = a_confirmed_member()
    purchase = a_purchase(member.company, 40)
    record(purchase)
    record(a_purchase(member.company, None, reverses=purchase.external_id))
    by = a_user()
    before = fingerprint()

    assert confirm(purchase, by=by) == [Confirmed(0, was_before=False)]

    assert fingerprint() == before


@database
def test_purchase_and_return_of_one_call_are_settled_while_they_wait() -> None:
    member = a_confirmed_member()
    purchase = a_purchase(member.company, 40)

    record(purchase, a_purchase(member.company, 15, reverses=purchase.external_id))

    assert (balance(member), balance(member, kind=PENDING), balance(member, kind=ISSUED)) == (0, 25, -25)


@database
def test_company_and_person_wait_alike_and_are_confirmed_together() -> None:
    program = a_program(release="CONFIRMED")
    a_rule_set(program, [{"beneficiary": "BOTH"}])
    member = a_member(program)
    consent_to(member)
    buyer = an_employee(member.company)
    purchase = a_purchase(member.company, 40, employee_id=buyer.pk)
    record(purchase)

    assert (balance(member, kind=PENDING), balance(member, buyer, PENDING)) == (40, 40)
    assert confirm(purchase) == [Confirmed(80, was_before=False)]

    assert (balance(member), balance(member, buyer)) == (40, 40)
    assert lots("AVAILABLE") == [("2026-06-15", "None", 40), ("2026-06-15", "None", 40)]


@database
def test_terms_that_change_leave_what_waits_as_it_was_given() -> None:
    member = a_confirmed_member()
    purchase = a_purchase(member.company, 40)
    record(purchase)
    Program.objects.filter(pk=member.program_id).update(release="AT_ONCE")

    record(a_purchase(member.company, 5))

    assert (balance(member), balance(member, kind=PENDING)) == (5, 40)
    assert confirm(purchase) == [Confirmed(40, was_before=False)]


@database
def test_program_that_lets_nothing_wait_asks_the_database_no_more_than_before() -> None:
    def statements(member: Membership) -> int:
        record(a_purchase(member.company, 5))
        connection.force_debug_cursor = True
        start = len(connection.queries_log)
        record(a_purchase(member.company, 5))
        connection.force_debug_cursor = False
        return len(connection.queries_log) - start

    at_once = statements(a_waiting_member(release="AT_ONCE", release_days=None))

    assert statements(a_waiting_member()) == at_once


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("release", "days"), [("AFTER_DAYS", None), ("AFTER_DAYS", 0), ("AT_ONCE", 3), ("CONFIRMED", 3)]
)
def test_days_stand_where_points_wait_for_days_alone(release: str, days: int | None) -> None:
    program = a_program()
    program.release, program.release_days = release, days

    with pytest.raises(ValidationError):
        program.full_clean()
    with pytest.raises(IntegrityError, match="program_release_after_days"), transaction.atomic():
        program.save()


def test_terms_are_said_in_words() -> None:
    said = [
        terms_in_words(
            Program(release=release, release_days=days, expiry="MONTHS" if months else "NEVER", expiry_months=months)
        )
        for release, days, months in (("AT_ONCE", None, None), ("AFTER_DAYS", 1, 1), ("CONFIRMED", None, 12))
    ]

    assert said == [
        ["Points can be spent at once.", "Points do not expire."],
        [
            "Points can be spent 1 day after what they were earned for, or as soon as we confirm it.",
            "They last 1 month from the day they can be spent, that day of the month counted in.",
        ],
        [
            "Points wait until we confirm what they were earned for; from then on they can be spent.",
            "They last 12 months from the day they can be spent, that day of the month counted in.",
        ],
    ]


def _locked(member: Membership) -> object:
    return list(Membership.objects.select_for_update().filter(pk=member.pk))


@pytest.mark.django_db(transaction=True)
def test_two_who_confirm_at_once_release_the_points_once() -> None:
    member = a_confirmed_member()
    purchase = a_purchase(member.company, 40)
    record(purchase)
    people = [a_user(), a_user()]

    results = race([partial(confirm, purchase, by=by) for by in people], held=partial(_locked, member))

    assert sorted(came.points for [came] in results) == [0, 40]
    assert (balance(member), Confirmation.objects.count()) == (40, 1)
    assert [finding.law.code for finding in laws.verify() if finding.count] == []


@pytest.mark.django_db(transaction=True)
def test_return_and_confirmation_at_once_leave_what_either_order_leaves() -> None:
    member = a_confirmed_member()
    purchase = a_purchase(member.company, 40)
    record(purchase)
    source, by = a_source(), a_user()
    back = a_purchase(member.company, 30, reverses=purchase.external_id)

    race(
        [partial(record, back, source=source), partial(confirm, purchase, by=by)],
        held=partial(_locked, member),
    )

    assert (balance(member), balance(member, kind=PENDING), balance(member, kind=ISSUED)) == (10, 0, -10)
    assert [finding.law.code for finding in laws.verify() if finding.count] == []


@pytest.mark.django_db(transaction=True)
def test_two_jobs_and_a_purchase_at_once_release_every_point_once() -> None:
    program = a_waiting_member().program
    members = [a_member(program, a_company()) for _ in range(3)]
    record(*(a_purchase(member.company, 10 + n) for n, member in enumerate(members)))
    later, source = NOW + 10 * DAY, a_source()

    def locked() -> object:
        return list(Wallet.objects.select_for_update().order_by("pk"))

    results = race(
        [
            partial(release_points, now=later),
            partial(release_points, now=later),
            partial(record, a_purchase(members[1].company, 5, occurred_at=later), now=later, source=source),
        ],
        held=locked,
    )

    assert [result for result in results if isinstance(result, Exception)] == []
    assert [balance(member) for member in members] == [10, 11, 12]
    assert [balance(member, kind=PENDING) for member in members] == [0, 5, 0]
    assert Posting.objects.filter(transaction__kind="RELEASE").count() == 3
    assert [finding.law.code for finding in laws.verify() if finding.count] == []
