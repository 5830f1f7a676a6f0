"""Small makers of lawful rows: each gives what a test needs and nothing else; keyword arguments override."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from itertools import count
from typing import Any

from accounts.models import AccountManagerAssignment, Company, Employee, RoleAssignment, Segment, StakeholderRole, User
from loyalty import agreements, promotions
from loyalty.activities import ActivityItem, Outcome, record_activities
from loyalty.memberships import Joining, enrol, give_consent
from loyalty.models import (
    ActivityType,
    Agreement,
    AgreementLimit,
    AgreementRate,
    Benefit,
    BenefitCell,
    BenefitMatrix,
    Campaign,
    Goal,
    Membership,
    Metric,
    PersonalPromotion,
    ProductList,
    Program,
    ProgramPlan,
    Rule,
    RuleCap,
    RuleSet,
    SharedLimit,
    Source,
    Tier,
    Wallet,
)
from rewards.models import Reward, RewardStock, StockMovement

EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
PASSWORD = "correct horse battery"

_numbers = count(1)


def a_user(**fields: Any) -> User:
    """A user who can sign in with PASSWORD."""
    number = next(_numbers)
    fields = {"email": f"user{number}@example.com", "name": f"User {number}", "password": PASSWORD, **fields}
    return User.objects.create_user(**fields)


def a_manager(**fields: Any) -> User:
    """A program manager who may do everything."""
    return a_user(is_staff=True, is_superuser=True, **fields)


def an_account_manager(*companies: Company, **fields: Any) -> User:
    """An account manager who has looked after `companies` from the start."""
    user = a_user(**fields)
    for company in companies:
        AccountManagerAssignment.objects.create(user=user, company=company, starts_at=EPOCH)
    return user


def a_company(**fields: Any) -> Company:
    """A client company."""
    number = next(_numbers)
    return Company.objects.create(**{"name": f"Company {number}", "external_id": f"C{number}", **fields})


def an_employee(company: Company, *, login: bool = True, **fields: Any) -> Employee:
    """Somebody of the company, by default with a login."""
    number = next(_numbers)
    if login and "user" not in fields:
        fields["user"] = a_user()
    return Employee.objects.create(
        **{"company": company, "name": f"Employee {number}", "external_id": f"E{number}", **fields}
    )


def an_admin(company: Company, **fields: Any) -> Employee:
    """A company admin."""
    return an_employee(company, **{"access": Employee.Access.ADMIN, **fields})


def a_role(employee: Employee, code: str, *, starts_at: datetime = EPOCH) -> RoleAssignment:
    """The employee in a stakeholder role."""
    role, _created = StakeholderRole.objects.get_or_create(code=code, defaults={"name": code.capitalize()})
    return RoleAssignment.objects.create(employee=employee, role=role, starts_at=starts_at)


def a_program(*, tiers: Mapping[str, int | str] | None = None, **fields: Any) -> Program:
    """A program in GBP and London's time; `tiers` maps codes to thresholds of the spend metric.

    With `expiry_months` alone, points last so many months from the day they can be spent.
    """
    number = next(_numbers)
    program = Program.objects.create(
        **{
            "code": f"program-{number}",
            "name": f"Program {number}",
            "currency": "GBP",
            "time_zone": "Europe/London",
            "tier_metric": "spend",
            "expiry": Program.Expiry.MONTHS if fields.get("expiry_months") else Program.Expiry.NEVER,
            **fields,
        }
    )
    Metric.objects.create(
        program=program,
        code="spend",
        name="Spend",
        measure=Metric.Measure.AMOUNT,
        activity_type=a_purchase_type(),
    )
    for rank, (code, threshold) in enumerate((tiers or {}).items(), start=1):
        Tier.objects.create(program=program, code=code, name=code.capitalize(), rank=rank, threshold=Decimal(threshold))
    return program


def a_plan(program: Program, **fields: Any) -> ProgramPlan:
    """A plan of April to December 2026: a tenth of a profit of 1,000."""
    plan = ProgramPlan.objects.create(
        **{
            "program": program,
            "starts_on": date(2026, 4, 1),
            "review_on": date(2026, 12, 31),
            "currency": program.currency,
            "expected_profit": 1_000,
            "budget_percent": 10,
            "expected_return": 200,
            **fields,
        }
    )
    plan.refresh_from_db()  # money as it is kept
    return plan


def a_goal(plan: ProgramPlan, figure: str, **fields: Any) -> Goal:
    """A goal of a plan, from 0 to 100 by its review."""
    metric = plan.program.metrics.get(code="spend") if figure.startswith("METRIC") else None
    common = {"plan": plan, "figure": figure, "metric": metric, "aim": "OTHER", "name": figure.capitalize()}
    return Goal.objects.create(**{**common, "baseline": 0, "target": 100, "by_on": plan.review_on, **fields})


def a_purchase_type() -> ActivityType:
    """The activity type `purchase`."""
    return ActivityType.objects.get_or_create(code="purchase", defaults={"name": "Purchase"})[0]


def a_segment(code: str) -> Segment:
    """The segment of that code."""
    return Segment.objects.get_or_create(code=code, defaults={"name": code.capitalize()})[0]


def a_source(code: str = "shop") -> Source:
    """A source of activities."""
    return Source.objects.get_or_create(code=code, defaults={"name": code, "kind": Source.Kind.API})[0]


def a_rule_set(
    program: Program,
    rules: Sequence[Mapping[str, Any]] = ({},),
    *,
    starts_at: datetime = EPOCH,
    ends_at: datetime | None = None,
    status: str = RuleSet.Status.ACTIVE,
    lists: Mapping[str, Sequence[str]] | None = None,
    campaigns: Sequence[Mapping[str, Any]] = (),
    combining: str = RuleSet.Combine.MULTIPLY,
    shared: Sequence[Mapping[str, Any]] = (),
) -> RuleSet:
    """A rule set with `rules`, `lists` of products by their code, and `campaigns`.

    Each rule overrides "1 point for each full 1 of amount, to the company", each campaign "twice, for ever".
    `caps` of a rule are triples of subject, period and limit, or mappings; `shared` are shared limits.
    """
    version = program.rule_sets.count() + 1
    rule_set = RuleSet.objects.create(program=program, version=version, combining=combining)
    for number, fields in enumerate(campaigns):
        Campaign.objects.create(
            **{
                "rule_set": rule_set,
                "code": f"campaign-{number}",
                "name": f"Campaign {number}",
                "starts_on": EPOCH.date(),
                "ends_on": date(2099, 12, 31),
                "factor": 2,
                **fields,
            }
        )
    for code, products in (lists or {}).items():
        ProductList.objects.create(rule_set=rule_set, code=code, name=code.capitalize(), products=[*products])
    for fields in shared:
        SharedLimit.objects.create(rule_set=rule_set, **{"name": str(fields["code"]).capitalize(), **fields})
    for position, fields in enumerate(rules):
        caps: Iterable[tuple[str, str, int] | Mapping[str, Any]] = fields.get("caps", ())
        rule = Rule.objects.create(
            **{
                "rule_set": rule_set,
                "code": f"rule-{position}",
                "name": f"Rule {position}",
                "position": position,
                "activity_type": a_purchase_type(),
                "formula": {"kind": "per", "points": 1, "step": "1", "of": "activity.amount"},
                **{key: value for key, value in fields.items() if key != "caps"},
            }
        )
        for cap in caps:
            named = cap if isinstance(cap, Mapping) else dict(zip(("subject", "period", "limit"), cap, strict=True))
            RuleCap.objects.create(rule=rule, **named)
    rule_set.status, rule_set.starts_at, rule_set.ends_at = status, starts_at, ends_at
    rule_set.save()
    return rule_set


def a_member(program: Program, company: Company | None = None, *, starts_at: datetime = EPOCH) -> Membership:
    """A company in the program."""
    return enrol(program=program, joinings=[Joining((company or a_company()).pk, starts_at)])[0]


def an_agreement(
    membership: Membership,
    *,
    factor: str = "1",
    rates: Mapping[str, Mapping[str, Any]] | None = None,
    limits: Sequence[Mapping[str, Any]] = (),
    starts_at: datetime = EPOCH,
    until: datetime | None = None,
    reason: str = "Negotiated",
) -> Agreement:
    """An agreement that one manager asked for and another approved, both at its start."""
    agreement = a_draft_agreement(membership, factor=factor, rates=rates, limits=limits, until=until, reason=reason)
    agreements.ask(agreement=agreement, by=agreement.drafted_by, starts_at=starts_at, now=starts_at)
    return agreements.decide(agreement_id=agreement.pk, by=a_manager(), is_approved=True, now=starts_at)


def a_draft_agreement(
    membership: Membership,
    *,
    factor: str = "1",
    rates: Mapping[str, Mapping[str, Any]] | None = None,
    limits: Sequence[Mapping[str, Any]] = (),
    until: datetime | None = None,
    reason: str = "Negotiated",
) -> Agreement:
    """The draft of an agreement, with rates by the code of a rule."""
    draft = Agreement.objects.create(
        membership=membership,
        version=membership.agreements.count() + 1,
        factor=Decimal(factor),
        until=until,
        reason=reason,
        drafted_by=a_manager(),
    )
    for code, formula in (rates or {}).items():
        AgreementRate.objects.create(agreement=draft, rule_code=code, formula=formula)
    for limit in limits:
        AgreementLimit.objects.create(agreement=draft, **limit)
    return draft


def a_promotion(
    membership: Membership,
    *,
    employee: Employee | None = None,
    factor: str = "2",
    rule_codes: Sequence[str] = (),
    budget: int | None = None,
    starts_on: date = date(2026, 6, 15),
    ends_on: date = date(2026, 6, 30),
    now: datetime | None = None,
) -> PersonalPromotion:
    """A promotion that one manager asked for and another approved, both before its first day began."""
    at = now or datetime.combine(starts_on, time(), membership.program.zone)
    asked = a_waiting_promotion(
        membership,
        employee=employee,
        factor=factor,
        rule_codes=rule_codes,
        budget=budget,
        starts_on=starts_on,
        ends_on=ends_on,
        now=at,
    )
    return promotions.decide(promotion_id=asked.pk, by=a_manager(), is_approved=True, now=at)


def a_waiting_promotion(
    membership: Membership,
    *,
    employee: Employee | None = None,
    factor: str = "2",
    rule_codes: Sequence[str] = (),
    budget: int | None = None,
    starts_on: date = date(2026, 6, 15),
    ends_on: date = date(2026, 6, 30),
    reason: str = "Opened a second plant",
    now: datetime = NOW,
) -> PersonalPromotion:
    """A promotion that a manager asked for."""
    terms = promotions.Terms(
        factor=Decimal(factor),
        starts_on=starts_on,
        ends_on=ends_on,
        employee=employee,
        rule_codes=tuple(rule_codes),
        budget=budget,
    )
    return promotions.ask(membership=membership, terms=terms, reason=reason, by=a_manager(), now=now)


def consent_to(membership: Membership, *, by: User | None = None, **fields: Any) -> None:
    """The management's consent, in force from the start."""
    give_consent(membership=membership, by=by or a_user(), now=NOW, **{"starts_at": EPOCH, **fields})


def a_reward(program: Program, *, pieces: int = 10, **fields: Any) -> Reward:
    """A published reward with stock."""
    number = next(_numbers)
    reward = Reward.objects.create(
        **{
            "program": program,
            "code": f"reward-{number}",
            "name": f"Reward {number}",
            "price": 100,
            "is_published": True,
            **fields,
        }
    )
    stock = RewardStock.objects.create(reward=reward)
    if pieces:
        StockMovement.objects.create(stock=stock, pieces=pieces)
    return reward


def a_purchase(company: Company, amount: int | str | None = 100, **fields: Any) -> ActivityItem:
    """A purchase that has not been recorded yet."""
    number = next(_numbers)
    fields = {
        "external_id": f"P{number}",
        "type": "purchase",
        "company_id": company.pk,
        "occurred_at": NOW,
        "amount": None if amount is None else Decimal(amount),
        "currency": "" if amount is None else "GBP",
        **fields,
    }
    return ActivityItem(**fields)


def record(*items: ActivityItem, now: datetime = NOW, source: Source | None = None) -> list[Outcome]:
    """Record items at `now`."""
    return record_activities(items, source=source or a_source(), now=now)


def balance(membership: Membership, employee: Employee | None = None, kind: str = Wallet.Kind.AVAILABLE) -> int:
    """The balance of a wallet of the company, or of one of its people."""
    wallet = Wallet.objects.filter(
        company=membership.company_id, program=membership.program_id, employee=employee, kind=kind
    ).first()
    return 0 if wallet is None else wallet.balance


def a_benefit(program: Program, kind: str = Benefit.Kind.CONTACT, **fields: Any) -> Benefit:
    """A benefit of a kind, with what the kind needs."""
    number = next(_numbers)
    return Benefit.objects.create(
        **{
            "program": program,
            "code": f"benefit-{number}",
            "name": f"Benefit {number}",
            "kind": kind,
            "address": "https://example.com/read" if kind == Benefit.Kind.INFORMATION else "",
            "contact": "+44 20 7946 0018" if kind == Benefit.Kind.CONTACT else "",
            "offer_code": "FAIR-2026" if kind == Benefit.Kind.OFFER else "",
            "lead_days": 10 if kind in (Benefit.Kind.SERVICE, Benefit.Kind.GOODS) else None,
            **fields,
        }
    )


def a_cell(matrix: BenefitMatrix, tier: str, benefit: Benefit, role: str = "", **fields: Any) -> BenefitCell:
    """A benefit in a cell of a draft: for the code of a tier and of a role, "" the company."""
    chosen = None
    if role:
        chosen, _created = StakeholderRole.objects.get_or_create(code=role, defaults={"name": role.capitalize()})
    held = Tier.objects.get(program=matrix.program_id, code=tier)
    return BenefitCell.objects.create(matrix=matrix, tier=held, role=chosen, benefit=benefit, **fields)


def a_matrix(
    program: Program,
    *cells: Mapping[str, Any],
    starts_at: datetime = EPOCH,
    ends_at: datetime | None = None,
    status: str = BenefitMatrix.Status.ACTIVE,
) -> BenefitMatrix:
    """A version of the benefit matrix with `cells`, each the arguments of `a_cell`."""
    matrix = BenefitMatrix.objects.create(program=program, version=program.benefit_matrices.count() + 1)
    for fields in cells:
        a_cell(matrix, **fields)
    if status != BenefitMatrix.Status.DRAFT:
        matrix.status, matrix.starts_at, matrix.ends_at = status, starts_at, ends_at
        matrix.save()
    return matrix
