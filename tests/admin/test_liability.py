"""The manager's page of what a program owes: numbers that lead to their rows, a past day's close, and the file."""

import csv
import re
from datetime import date, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.groups import VIEWER, ensure_groups
from accounts.models import AuditEntry
from loyalty.books import close_books
from loyalty.by_hand import extend
from loyalty.models import CohortMonth, Membership, Program
from tests.factories.signing_in import signed_in_long_ago
from tests.factories.world import a_manager, a_member, a_program, a_purchase, a_rule_set, a_user, record

pytestmark = pytest.mark.django_db


@pytest.fixture
def member(db: None) -> Membership:
    """A company with 200 points that it got 40 days ago, and 50 of today, in a program where a point costs 0.04."""
    program = a_program(point_value=Decimal("0.04"), expiry_months=6, adjustment_limit=10**6, time_zone="UTC")
    a_rule_set(program)
    membership = a_member(program)
    now = timezone.now()
    for points, at in ((200, now - timedelta(days=40)), (50, now)):
        record(a_purchase(membership.company, points, occurred_at=at), now=at)
    return membership


def page_of(program: Program) -> str:
    return reverse("admin:loyalty_program_liability", args=[program.pk])


def text_of(desk: Client, address: str) -> str:
    return re.sub(r"\s+", " ", desk.get(address).content.decode())


def lines_of(answer: Any) -> dict[str, list[tuple[str, int]]]:
    return {heading: [(line.label, line.points) for line in lines] for heading, lines in answer.context["sections"]}


def test_page_says_what_is_owed_and_each_number_leads_to_its_rows(desk: Client, member: Membership) -> None:
    change = reverse("admin:loyalty_program_change", args=[member.program_id])
    assert page_of(member.program) in text_of(desk, change)

    answer = desk.get(page_of(member.program))

    sections = dict(answer.context["sections"])
    assert [(line.points, line.money) for line in sections["Outstanding"]] == [
        (250, Decimal("10.00")), (0, Decimal(0)), (250, Decimal("10.00")), (0, Decimal(0)),
    ]  # fmt: skip
    assert "There is too little history to say how many of the outstanding points will expire." in (
        answer.content.decode()
    )
    for heading in ("By age: the month from which they can be spent", "By last day"):
        assert sum(line.points for line in sections[heading]) == 250
        for line in sections[heading]:
            rows = desk.get(line.url).context["cl"].queryset
            assert sum(lot.remaining for lot in rows) == line.points


def test_past_day_is_shown_as_it_closed(desk: Client, member: Membership) -> None:
    close_books(now=timezone.now())
    then = (timezone.now() - timedelta(days=40)).date()

    closed = desk.get(page_of(member.program), {"day": then.isoformat()})
    today = desk.get(page_of(member.program), {"day": timezone.now().date().isoformat()})
    tomorrow = desk.get(page_of(member.program), {"day": (timezone.now().date() + timedelta(days=1)).isoformat()})
    nonsense = desk.get(page_of(member.program), {"day": "x"})

    [told] = [lines for heading, lines in lines_of(closed).items() if heading.endswith(" closed")]
    assert told[0] == ("At the beginning of the day", 0)
    assert told[1] == ("Earned", 200)
    assert told[-3:] == [("At the end of the day", 200), ("Of it outstanding", 200), ("Of it debt", 0)]
    [(_heading, lines)] = [one for one in closed.context["sections"] if one[0].endswith(" closed")]
    assert [act.kind for act in desk.get(lines[1].url).context["cl"].queryset] == ["EARN"]
    [stands] = [lines for heading, lines in lines_of(today).items() if "not closed yet" in heading]
    assert stands[-3] == ("At the end of the day", 250)
    assert (tomorrow.status_code, nonsense.status_code) == (422, 200)
    assert "This day is still to come." in tomorrow.content.decode()


def test_expected_loss_is_a_number_where_there_is_history(desk: Client, member: Membership) -> None:
    month = timezone.now().date().replace(day=1)

    def back(months: int) -> date:
        year, index = divmod(month.year * 12 + month.month - 1 - months, 12)
        return date(year, index + 1, 1)

    for number in range(20, 24):
        CohortMonth.objects.create(
            program=member.program, cohort=back(number), month=back(number - 6), used=750, expired=250
        )

    page = text_of(desk, page_of(member.program))

    assert "62 points (2.48 GBP) are expected to expire unused." in page  # a quarter of 200 and of 50


def test_file_holds_the_page_and_goes_on_record(desk: Client, member: Membership, manager: Any) -> None:
    answer = desk.post(page_of(member.program))

    rows = list(csv.reader(StringIO(answer.content.decode().removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}"))))
    assert rows[0] == ["Section", "What", "Points", "Money", "Currency"]
    assert rows[1] == ["Outstanding", "Available", "250", "10.00", "GBP"]
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="liability-')
    assert AuditEntry.objects.get(action="exported").actor == manager
    signed_in_long_ago(desk)
    assert desk.post(page_of(member.program)).status_code == 302


def test_who_may_look(client: Client, member: Membership) -> None:
    ensure_groups()
    viewer = a_user(is_staff=True)
    viewer.groups.set([Group.objects.get(name=VIEWER)])
    client.force_login(viewer)
    assert client.get(page_of(member.program)).status_code == 200
    assert client.get(reverse("admin:loyalty_program_liability", args=[987654])).status_code == 404

    viewer.groups.clear()

    assert client.get(page_of(member.program)).status_code in {302, 403}


def test_home_counts_idle_wallets_and_extended_lots_among_what_expires_soon(desk: Client) -> None:
    now = timezone.now()
    idle = a_program(expiry="INACTIVITY", expiry_months=1, time_zone="UTC")
    a_rule_set(idle)
    before = now - timedelta(days=10)
    record(a_purchase(a_member(idle).company, 70, occurred_at=before), now=before)
    extended = a_program(expiry_months=1, adjustment_limit=10**6, time_zone="UTC")
    a_rule_set(extended)
    member = a_member(extended)
    then = now - timedelta(days=26)
    for points in (30, 5):
        record(a_purchase(member.company, points, occurred_at=then), now=then)
    today = now.date()
    extend(membership=member, employee=None, until=today + timedelta(days=7), to=today + timedelta(days=12),
           reason="Late", by=a_manager(), now=now)  # fmt: skip

    for program, points in ((idle, 70), (extended, 35)):
        home = desk.get("/admin/", {"program": program.code})
        [notice] = [one for one in home.context["notices"] if "within 30 days" in one.sentence]
        assert notice.sentence == f"{points} points expire within 30 days."
        assert sum(lot.remaining for lot in desk.get(notice.url).context["cl"].queryset) == points


def test_lots_whose_address_says_no_days_are_none(desk: Client, member: Membership) -> None:
    lots = reverse("admin:loyalty_lot_changelist")

    answers = [desk.get(lots, {"ends": asked}).context["cl"].result_count for asked in ("x", "2026..", "never")]

    assert answers == [0, 0, 0]
