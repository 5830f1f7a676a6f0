"""The benchmark's world: a program with 24 rules, limits, lots, metrics and tiers, and its many members."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from accounts.models import Company, Employee, RoleAssignment, StakeholderRole, User
from loyalty.activities import ActivityItem
from loyalty.ledger import Owner, ensure_wallets
from loyalty.memberships import Joining, enrol
from loyalty.models import ActivityType, Consent, Metric, Program, Rule, RuleCap, RuleSet, Source, Tier

_BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
PLENTY = 10**12
_TIERS = (("bronze", 0), ("silver", 20_000), ("gold", 200_000))
_PRODUCTS = 18


@dataclass(frozen=True, slots=True)
class Member:
    """A company and the person who buys for it, by our ids and by their own numbers."""

    company_id: int
    company: str
    employee_id: int
    employee: str


@dataclass(frozen=True, slots=True)
class Club:
    """Who buys, as which source."""

    source: Source
    members: tuple[Member, ...]

    def purchase(self, client: int, number: int, at: datetime, *, lines: int = 1) -> tuple[Member, ActivityItem]:
        """The purchase with the client's running number: ids in order, members and goods in turn.

        So many `lines` in a row are one member's, as those of an invoice are.
        """
        member = self.members[(number // lines * 8 + client) * 7919 % len(self.members)]
        item = ActivityItem(
            external_id=f"{client:02d}-{number:010d}",
            type="purchase",
            company_id=member.company_id,
            occurred_at=at,
            employee_id=member.employee_id,
            object=f"SKU-{number % (2 * _PRODUCTS)}",
            quantity=Decimal(number % 9 + 1),
            amount=Decimal(number % 400_00 + 100) / 100,
            currency="EUR",
        )
        return member, item


def a_club(*, members: int, limit: int = PLENTY) -> Club:
    """Make the program and its members; `limit` is that of each rule that has one."""
    type_ = ActivityType.objects.create(code="purchase", name="Purchase")
    program = Program.objects.create(
        code="club",
        name="Club",
        currency="EUR",
        time_zone="Europe/Berlin",
        expiry=Program.Expiry.MONTHS,
        expiry_months=24,
        tier_metric="spend",
    )
    for code, measure in (("spend", "AMOUNT"), ("pieces", "QUANTITY"), ("orders", "COUNT"), ("earned", "POINTS")):
        Metric.objects.create(program=program, code=code, name=code, measure=measure, activity_type=type_)
    for rank, (code, threshold) in enumerate(_TIERS, start=1):
        Tier.objects.create(program=program, code=code, name=code.capitalize(), rank=rank, threshold=threshold)
    _make_rules(program, type_, limit)
    companies = Company.objects.bulk_create(
        Company(name=f"Company {number}", external_id=f"C{number}", country="DE") for number in range(members)
    )
    people = Employee.objects.bulk_create(
        Employee(company=company, name="Buyer", external_id=f"E{company.pk}") for company in companies
    )
    role = StakeholderRole.objects.create(code="buyer", name="Buyer")
    RoleAssignment.objects.bulk_create(
        RoleAssignment(employee=person, role=role, starts_at=_BEGIN) for person in people
    )
    signer = User.objects.create_user("bench@service.invalid", name="Bench", is_active=False)
    Consent.objects.bulk_create(
        Consent(membership=member, given_by=signer, starts_at=_BEGIN, monthly_limit=PLENTY)
        for member in enrol(program=program, joinings=[Joining(company.pk, _BEGIN) for company in companies])
    )
    ensure_wallets(Owner(program.pk, person.company_id, person.pk) for person in people)
    source = Source.objects.create(code="shop", name="Shop", kind=Source.Kind.API)
    return Club(
        source,
        tuple(
            Member(company.pk, company.external_id, person.pk, person.external_id)
            for company, person in zip(companies, people, strict=True)
        ),
    )


def _make_rules(program: Program, type_: ActivityType, limit: int) -> None:
    """24 rules: four for every purchase, two by tier, eighteen for one product each; six of them under limits."""
    rule_set = RuleSet.objects.create(program=program, version=1)
    spend = {"kind": "per", "points": 1, "step": "1", "of": "activity.amount"}
    at_least: dict[str, Any] = {"fact": "standing.tier_rank", "op": "gte"}
    rules: list[dict[str, Any]] = [
        {"formula": spend, "cap": ("COMPANY", "MONTH")},
        {"formula": spend, "beneficiary": "BOTH", "cap": ("EMPLOYEE", "MONTH")},
        {"formula": {"kind": "per", "points": 2, "step": "1", "of": "activity.quantity"}},
        {"formula": spend, "condition": {"fact": "company.country", "op": "in", "value": ["DE", "AT", "CH"]}},
        *(
            {
                "formula": {"kind": "percent", "percent": "5", "of": "activity.amount"},
                "condition": {**at_least, "value": rank},
            }
            for rank in (2, 3)
        ),
        *(
            {
                "formula": {"kind": "fixed", "points": 25},
                "condition": {"fact": "activity.object", "op": "eq", "value": f"SKU-{product}"},
                "cap": ("COMPANY", "WEEK") if product < 4 else None,
            }
            for product in range(_PRODUCTS)
        ),
    ]  # fmt: skip
    for position, fields in enumerate(rules):
        cap = fields.pop("cap", None)
        rule = Rule.objects.create(
            rule_set=rule_set, code=f"rule-{position}", name=f"Rule {position}", position=position,
            activity_type=type_, **{"beneficiary": Rule.To.COMPANY, **fields},
        )  # fmt: skip
        if cap is not None:
            RuleCap.objects.create(rule=rule, subject=cap[0], period=cap[1], limit=limit)
    rule_set.status, rule_set.starts_at = RuleSet.Status.ACTIVE, _BEGIN
    rule_set.save()
