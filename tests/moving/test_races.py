"""Two files at once, with the same rows: what is in them goes in once."""

from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts import jobs, laws
from accounts.models import Company
from accounts.moving import steps
from accounts.moving.work import job_kinds
from loyalty.models import Adjustment, Membership
from tests.factories.world import a_company, a_manager, a_member, a_program, balance
from tests.loyalty.racing import race
from tests.moving.moves import checked, counts, fresh

pytestmark = pytest.mark.django_db(transaction=True)

CHOSEN: dict[str, Any] = {"settings": {"program": "club", "reason": "Moved in"}}


def take() -> int:
    """One worker does one job; while another one claims its own, it looks again."""
    queue = jobs.queue_of(job_kinds())
    return next(filter(None, (queue.take(timezone.now()) for _look in range(10_000))), 0)


def refuse_inserts() -> None:
    """Let both look at the companies, and neither make one."""
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE accounts_company IN SHARE MODE")


def test_two_files_of_the_same_balances_open_each_once() -> None:
    manager = a_manager()
    program = a_program(code="club", adjustment_limit=10**6)
    members = [a_member(program, a_company(external_id=f"C{number}")) for number in range(50)]
    rows = [["customer_number", "points"], *([f"C{number}", "7"] for number in range(50))]
    imports = [checked("opening-balances", rows, by=manager, **CHOSEN) for _file in range(2)]
    for import_ in imports:
        steps.ask_go(import_id=import_.pk, by=manager, now=timezone.now())

    taken = race([take, take], held=lambda: list(Membership.objects.select_for_update()))

    assert taken == [1, 1]
    fates = [counts(fresh(import_).done) for import_ in imports]
    assert [sum(column) for column in zip(*fates, strict=True)] == [50, 0, 50, 0]
    assert [balance(member) for member in members] == [7] * 50
    assert Adjustment.objects.count() == 50
    assert {finding.law.code: finding.count for finding in laws.verify() if finding.count} == {}


def test_two_files_of_the_same_new_companies_make_each_once() -> None:
    manager = a_manager()
    rows = [["customer_number", "name"], *([f"N{number}", f"Company {number}"] for number in range(200))]
    imports = [checked("companies", rows, by=manager) for _file in range(2)]
    for import_ in imports:
        steps.ask_go(import_id=import_.pk, by=manager, now=timezone.now())

    taken = race([take, take], held=refuse_inserts)

    assert taken == [1, 1]
    fates = [counts(fresh(import_).done) for import_ in imports]
    assert [sum(column) for column in zip(*fates, strict=True)] == [200, 0, 200, 0]
    assert Company.objects.filter(external_id__startswith="N").count() == 200
