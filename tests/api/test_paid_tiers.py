"""`/paid-tiers/`: taken, paid and cancelled by another system; each once, whatever is sent again."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import AuditEntry, Employee, Scope
from loyalty.models import Membership, Tier, TierAssignment, TierPayment, TierTitle
from tests.factories.callers import Caller, a_caller
from tests.factories.world import a_company, a_member, a_program, an_admin, an_employee

pytestmark = pytest.mark.django_db

FEE = {"is_paid": True, "fee": Decimal(500), "fee_currency": "GBP", "fee_months": 12, "fee_grace_days": 30}


@pytest.fixture
def member() -> Membership:
    """A company in a club whose tier "vip" is 500 GBP a year."""
    program = a_program(code="club", tiers={"basic": 0, "vip": 10_000})
    Tier.objects.filter(code="vip").update(**FEE)
    member = a_member(program, a_company(external_id="C-1"))
    an_admin(member.company, external_id="E-1")
    an_employee(member.company, external_id="E-2")
    return member


@pytest.fixture
def erp() -> Caller:
    return a_caller()


def sent(caller: Caller, path: str, key: str, **body: Any) -> Any:
    return caller.post(path, body, **{"Idempotency-Key": key})


def taken(caller: Caller, key: str = "T-1", **fields: Any) -> Any:
    body = {"program": "club", "tier": "vip", "company": "C-1", "employee": "E-1", **fields}
    return sent(caller, "/paid-tiers/", key, **body)


def paid(caller: Caller, title: int, key: str = "P-1", **fields: Any) -> Any:
    body = {"amount": "500.00", "currency": "GBP", "reference": "INV-1", **fields}
    return sent(caller, f"/paid-tiers/{title}/payments/", key, **body)


def tier_of(member: Membership) -> str:
    rows = TierAssignment.objects.filter(membership=member).order_by("-pk")
    return str(rows.values_list("tier__code", flat=True).first())


def test_tier_is_taken_paid_and_cancelled_each_once_whatever_is_sent_again(member: Membership, erp: Caller) -> None:
    first, again = taken(erp), taken(erp)
    title = first.json()["paid_tier"]
    pays = [paid(erp, title), paid(erp, title), paid(erp, title, "P-2"), paid(erp, title, "P-3", reference="INV-2")]
    cancels = [sent(erp, f"/paid-tiers/{title}/cancel/", "C-1", employee="E-1") for _ in range(2)]
    later = [taken(erp), paid(erp, title)]

    assert [answer.status_code for answer in (first, again, *pays, *cancels, *later)] == [201] * 6 + [200] * 2 + [
        201
    ] * 2
    assert first.json() == again.json()
    assert (first.json()["tier"], first.json()["fee"], first.json()["payments"]) == ("vip", "500.00", [])
    assert pays[0].json() == pays[1].json() == pays[2].json() == later[1].json()
    assert pays[3].json()["paid_from"] == pays[0].json()["paid_to"]
    assert TierPayment.objects.count() == 2
    assert TierTitle.objects.count() == 1
    row = TierTitle.objects.get()
    shown = erp.get(f"/paid-tiers/{title}/").json()
    assert [payment["reference"] for payment in shown["payments"]] == ["INV-1", "INV-2"]
    assert shown["paid_to"] == pays[3].json()["paid_to"] == row.paid_through.isoformat()  # type: ignore[union-attr]
    assert shown["cancelled_at"] is not None
    assert row.ends_at is not None
    assert row.ends_at.date() == row.paid_through
    assert later[0].json()["paid_tier"] == title
    assert erp.get("/paid-tiers/?is_cancelled=true&tier=vip").json()["items"] == [shown]
    assert tier_of(member) == "vip"
    for action in ("tier-taken-for-a-fee", "tier-fee-cancelled"):
        assert AuditEntry.objects.get(action=action).actor == erp.client.user


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"amount": "499.99"}, "not_possible"),
        ({"currency": "EUR"}, "not_possible"),
        ({"reference": "INV-0", "amount": "1.00"}, "not_possible"),
    ],
)
def test_a_payment_of_another_sum_changes_nothing_and_leaves_the_key_free(
    member: Membership, erp: Caller, fields: dict[str, Any], code: str
) -> None:
    title = taken(erp).json()["paid_tier"]
    before = TierTitle.objects.values().get()

    refused = paid(erp, title, **fields)

    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (409, code)
    assert TierTitle.objects.values().get() == before
    assert not TierPayment.objects.exists()
    assert paid(erp, title).status_code == 201
    assert paid(erp, title, amount="500.01").json()["code"] == "key_used_for_another"


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"employee": "E-2"}, 409, "may_not_decide"),
        ({"tier": "basic"}, 409, "not_possible"),
        ({"tier": "none"}, 409, "not_possible"),
        ({"program": "none"}, 409, "not_a_member"),
        ({"employee": "E-9"}, 422, "unknown_employee"),
    ],
)
def test_what_nobody_may_take_is_refused(
    member: Membership, erp: Caller, fields: dict[str, Any], status: int, code: str
) -> None:
    refused = taken(erp, **fields)

    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (status, code)
    assert not TierTitle.objects.exists()


def test_conditions_of_a_tier_hold_for_other_systems_too(member: Membership, erp: Caller) -> None:
    condition = {"fact": "company.kind", "op": "eq", "value": "DEALER"}
    Tier.objects.filter(code="vip").update(condition=condition)

    assert taken(erp).json()["errors"][0]["code"] == "conditions_not_met"
    assert not TierTitle.objects.exists()


def test_a_cancelled_or_ended_tier_takes_no_payment(member: Membership, erp: Caller) -> None:
    title = taken(erp).json()["paid_tier"]
    by_another = sent(erp, f"/paid-tiers/{title}/cancel/", "C-0", employee="E-2")
    cancelled = sent(erp, f"/paid-tiers/{title}/cancel/", "C-1", employee="E-1")

    assert by_another.json()["errors"][0]["code"] == "may_not_decide"
    assert cancelled.json()["ends_at"] is not None
    assert paid(erp, title).json()["errors"][0]["code"] == "not_possible"
    assert not TierPayment.objects.exists()
    assert tier_of(member) == "basic"


def test_a_foreign_tier_looks_like_none_and_the_scope_is_needed(member: Membership, erp: Caller) -> None:
    title = taken(erp).json()["paid_tier"]
    rival = a_member(member.program, a_company(external_id="C-2"))
    stranger, reader = a_caller(companies=[rival.company]), a_caller(Scope.READ)

    for answer in (
        stranger.get(f"/paid-tiers/{title}/"),
        paid(stranger, title),
        sent(stranger, f"/paid-tiers/{title}/cancel/", "C-1", employee="E-1"),
    ):
        assert answer.status_code == 404
    assert taken(stranger, "T-9").json()["errors"][0]["code"] == "unknown_employee"
    assert stranger.get("/paid-tiers/").json()["items"] == []
    assert reader.get(f"/paid-tiers/{title}/").status_code == 200
    assert paid(reader, title).json()["code"] == "scope_missing"
    assert not TierPayment.objects.exists()
    Employee.objects.filter(external_id="E-1").update(is_active=False)
    assert taken(erp).json()["paid_tier"] == title
    assert TierTitle.objects.get().ends_at - TierTitle.objects.get().starts_at <= timedelta(days=31)  # type: ignore[operator]
