"""Personal promotions: what they add to whom, within a budget; asked for, approved, ended, refused, explained."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.db import Error, connection, transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from accounts import laws
from accounts.actors import actor_of
from accounts.approvals import AlreadyDecidedError, OwnRequestError, ReasonMissingError
from accounts.models import Approval, AuditEntry, Employee, Message
from loyalty import promotions
from loyalty.earning import PROMOTIONS
from loyalty.explaining import verdicts_of
from loyalty.models import (
    Activity,
    Award,
    CapUsage,
    Consent,
    Evaluation,
    Membership,
    PersonalPromotion,
    Program,
    PromotedAward,
)
from loyalty.promotions import promotions_told
from loyalty.rulesets import draft_from
from tests.factories.world import (
    NOW,
    a_manager,
    a_member,
    a_program,
    a_promotion,
    a_purchase,
    a_rule_set,
    a_waiting_promotion,
    an_admin,
    an_agreement,
    an_employee,
    balance,
    consent_to,
    record,
)

pytestmark = pytest.mark.django_db
IN_ONE_CALL_OR_SEVERAL = pytest.mark.parametrize("at_once", [True, False], ids=["one call", "several calls"])
TWICE_IN_SPRING = {
    "kind": "per",
    "points": 1,
    "step": "1",
    "of": "activity.amount",
    "multipliers": {"campaigns": ["spring"]},
}
BADGE = {"kind": "badge", "badge": "first"}


@pytest.fixture(autouse=True)
def _laws_hold() -> Iterator[None]:
    yield
    assert {finding.law.code: finding.examples for finding in laws.verify() if finding.count} == {}


def a_world(*rules: dict[str, Any], **fields: Any) -> Membership:
    """A company in a program whose rules give 1 point for each full 1 unless they say otherwise."""
    program = a_program(tiers={"basic": 0, "gold": 10_000})
    a_rule_set(program, rules or ({},), **fields)
    return a_member(program)


def a_person(membership: Membership) -> Employee:
    consent_to(membership)
    return an_employee(membership.company)


def bought(membership: Membership, amount: int, **fields: Any) -> int:
    [outcome] = record(a_purchase(membership.company, amount, **fields))
    return outcome.points


def spent(promotion: PersonalPromotion) -> int:
    return CapUsage.objects.get(rule_code=f"promotion:{promotion.pk}").used


def reasons(reader: Employee | None = None) -> list[str]:
    evaluation = Evaluation.objects.select_related("activity__type", "program").latest("pk")
    user = a_manager() if reader is None else reader.user
    assert user is not None
    return [verdict.reason for verdict in verdicts_of(evaluation, actor_of(user, now=NOW))]


@contextmanager
def refused_by(constraint: str) -> Iterator[None]:
    """The block is refused by the constraint of that name, and nothing has changed."""
    before = sorted(PersonalPromotion.objects.values_list())
    with pytest.raises(Error) as refusal, transaction.atomic():
        yield
    cause = refusal.value.__cause__
    assert isinstance(cause, psycopg.Error)
    assert cause.diag.constraint_name == constraint
    assert sorted(PersonalPromotion.objects.values_list()) == before


@pytest.mark.parametrize(
    ("occurred_at", "given"),
    [
        (datetime(2026, 6, 14, 22, 59, tzinfo=UTC), 10),
        (datetime(2026, 6, 14, 23, 0, tzinfo=UTC), 20),
        (datetime(2026, 6, 30, 22, 59, tzinfo=UTC), 20),
        (datetime(2026, 6, 30, 23, 0, tzinfo=UTC), 10),
    ],
)
def test_promotion_begins_and_ends_with_the_days_of_the_program(occurred_at: datetime, given: int) -> None:
    membership = a_world()
    a_promotion(membership)

    [outcome] = record(a_purchase(membership.company, 10, occurred_at=occurred_at), now=occurred_at)

    assert outcome.points == given


def test_promotion_of_a_company_is_for_all_of_its_people_and_for_nobody_elses() -> None:
    membership = a_world({"beneficiary": "BOTH"})
    other = a_member(membership.program)
    person = a_person(membership)
    promotion = a_promotion(membership)

    assert bought(membership, 60, employee_id=person.pk) == 240
    assert bought(other, 60) == 60

    assert (balance(membership), balance(membership, person)) == (120, 120)
    assert sorted(PromotedAward.objects.values_list("promotion", "points")) == [(promotion.pk, 60), (promotion.pk, 60)]
    assert [*Evaluation.objects.order_by("pk").values_list(f"facts__{PROMOTIONS}", flat=True)] == [[promotion.pk], None]


def test_promotion_of_a_person_is_for_that_persons_own_points_alone() -> None:
    membership = a_world({"beneficiary": "BOTH"})
    person, colleague = a_person(membership), an_employee(membership.company)
    a_promotion(membership, employee=person, factor="1.5")

    bought(membership, 60, employee_id=person.pk)
    bought(membership, 60, employee_id=colleague.pk)

    assert (balance(membership), balance(membership, person), balance(membership, colleague)) == (120, 90, 60)


def test_promotion_speaks_of_the_rules_that_it_names_alone() -> None:
    membership = a_world({}, {"code": "extra", "name": "Extra"})
    a_promotion(membership, rule_codes=["extra"])

    assert bought(membership, 50) == 50 + 100


def test_promotion_and_agreement_multiply_each_other() -> None:
    membership = a_world()
    an_agreement(membership, factor="1.5")
    a_promotion(membership)

    assert bought(membership, 50) == 150


@IN_ONE_CALL_OR_SEVERAL
def test_budget_counts_what_the_promotion_adds_and_returns_give_it_back(at_once: bool) -> None:
    membership = a_world()
    promotion = a_promotion(membership, budget=50)
    purchase = a_purchase(membership.company, 60)
    items = [
        purchase,
        a_purchase(membership.company, 20, reverses=purchase.external_id),
        a_purchase(membership.company, 30),
        a_purchase(membership.company, 40, reverses=purchase.external_id),
    ]

    outcomes = record(*items) if at_once else [record(item)[0] for item in items]

    # As with a campaign: 110 of which 50 were added; a third goes back, and 16 of the budget with it.
    assert [outcome.points for outcome in outcomes] == [110, 73 - 110, 30 + 16, -73]
    assert spent(promotion) == 16
    assert balance(membership) == 46
    assert promotions.added_by([promotion.pk]) == {promotion.pk: 16}


@pytest.mark.parametrize(
    ("combining", "budget", "given", "used"),
    [
        ("MULTIPLY", None, 240, None),
        ("MULTIPLY", 60, 240, 60),
        ("MULTIPLY", 30, 60 + 30 + 90, 30),
        ("HIGHEST", None, 120, None),
    ],
)
def test_promotion_is_counted_before_a_campaign_which_gives_its_own_beside_it(
    combining: str, budget: int | None, given: int, used: int | None
) -> None:
    membership = a_world(
        {"formula": TWICE_IN_SPRING}, campaigns=[{"code": "spring", "budget": 1_000}], combining=combining
    )
    promotion = a_promotion(membership, budget=budget)

    assert bought(membership, 60) == given
    award = Award.objects.get()
    assert award.from_campaign == given - 60 - PromotedAward.objects.get().points
    if used is not None:
        assert spent(promotion) == used


def test_spent_budgets_of_both_leave_what_the_rule_gives_by_itself() -> None:
    membership = a_world({"formula": TWICE_IN_SPRING}, campaigns=[{"code": "spring", "budget": 10}])
    a_promotion(membership, budget=10)
    purchase = a_purchase(membership.company, 60)

    [first] = record(purchase)
    assert (first.points, bought(membership, 60)) == (80, 60)

    record(a_purchase(membership.company, 60, reverses=purchase.external_id))
    assert sorted(CapUsage.objects.values_list("used", flat=True)) == [0, 0]


@pytest.mark.parametrize(("limit", "granted", "used"), [(200, 120, 60), (119, 119, 59), (60, 60, 0), (0, 0, 0)])
def test_budget_pays_only_for_what_limits_let_through(limit: int, granted: int, used: int) -> None:
    membership = a_world({"caps": [("COMPANY", "MONTH", limit)]})
    promotion = a_promotion(membership, budget=100)

    assert bought(membership, 60) == granted
    assert spent(promotion) == used


def test_above_the_consents_limit_the_company_gets_the_rest_without_the_persons_promotion() -> None:
    membership = a_world({"beneficiary": "EMPLOYEE"})
    consent_to(membership, monthly_limit=80, unearned=Consent.Unearned.COMPANY)
    person = an_employee(membership.company)
    promotion = a_promotion(membership, employee=person, budget=100)

    bought(membership, 60, employee_id=person.pk)
    bought(membership, 60, employee_id=person.pk)

    # 120, of which 80 are the person's and 40 the promotion's; then 60 go to the company by no promotion.
    assert (balance(membership, person), balance(membership), spent(promotion)) == (80, 60, 20)


def test_without_consent_the_promotion_of_a_person_does_nothing_and_says_why() -> None:
    membership = a_world({"beneficiary": "EMPLOYEE"})
    person = an_employee(membership.company)
    a_promotion(membership, employee=person, budget=100)

    assert bought(membership, 60, employee_id=person.pk) == 0

    assert not PromotedAward.objects.exists()
    assert reasons(person) == [
        "No points: the company's management had not agreed that its people earn points. From June 15, 2026 through "
        "June 30, 2026 you get twice the points, at most 100 points more in all. It added nothing: the person earned "
        "no points of their own by this."
    ]


def test_explanation_tells_the_promotion_and_what_it_added_to_whoever_sees_the_points() -> None:
    membership = a_world({"beneficiary": "BOTH"})
    person = a_person(membership)
    colleague, admin = an_employee(membership.company), an_admin(membership.company)
    a_promotion(membership, employee=person, rule_codes=["rule-0"], factor="1.5", budget=40)
    bought(membership, 60, employee_id=person.pk)

    of_person, of_admin, of_us = (reasons(reader) for reader in (person, admin, None))
    [of_colleague] = reasons(colleague)

    told = (
        "From June 15, 2026 through June 30, 2026 {} 1.5 times the points of “Rule 0”, at most 40 points more in all. "
        "It added 30 points."
    )
    assert of_person[0].endswith(told.format("you get"))
    assert of_admin[0].endswith(told.format(f"{person.name} gets"))
    assert of_us[0].endswith(told.format(f"{person.name} gets"))
    assert "June" not in of_colleague

    bought(membership, 60, employee_id=person.pk)
    assert "what was left of the budget made it 130" in reasons(admin)[0].replace("\xa0", " ")


def test_explanation_and_returns_stay_true_after_the_promotion_was_ended() -> None:
    membership = a_world()
    promotion = a_promotion(membership, budget=100)
    purchase = a_purchase(membership.company, 60)
    record(purchase)
    before = reasons()

    promotions.end(promotion=promotion, by=a_manager(), now=NOW + timedelta(days=1))
    [later] = record(
        a_purchase(membership.company, 60, occurred_at=NOW + timedelta(days=1)), now=NOW + timedelta(days=2)
    )

    assert later.points == 60
    record(a_purchase(membership.company, 30, reverses=purchase.external_id))
    assert (balance(membership), spent(promotion)) == (120, 30)
    evaluation = Evaluation.objects.select_related("activity__type", "program").earliest("pk")
    [verdict] = verdicts_of(evaluation, actor_of(a_manager(), now=NOW))
    assert before[0].replace("June 30", "June 16") == verdict.reason


def test_promotion_is_asked_for_and_approved_by_a_second_person_and_the_people_concerned_are_told() -> None:
    membership = a_world()
    admin, person = an_admin(membership.company), an_employee(membership.company)
    waiting = a_waiting_promotion(membership, employee=person, budget=500)

    assert bought(membership, 10) == 10
    with pytest.raises(OwnRequestError):
        promotions.decide(promotion_id=waiting.pk, by=waiting.asked_by, is_approved=True, now=NOW)
    with pytest.raises(ReasonMissingError):
        promotions.decide(promotion_id=waiting.pk, by=a_manager(), is_approved=False, now=NOW)
    assert PersonalPromotion.objects.get().state == "WAITING"

    approved = promotions.decide(promotion_id=waiting.pk, by=a_manager(), is_approved=True, now=NOW)

    # Approved at noon, it holds from then on, and up to the end of its last day in London.
    assert (approved.starts_at, approved.ends_at) == (NOW, datetime(2026, 6, 30, 23, tzinfo=UTC))
    assert [*Message.objects.values_list("employee", "kind")] == [(person.pk, "promotion-holds")]
    assert admin.pk not in Message.objects.values_list("employee", flat=True)
    approval = Approval.objects.get()
    assert (approval.kind, approval.points, approval.note) == ("personal-promotion", 500, "Opened a second plant")
    actions = AuditEntry.objects.filter(action__startswith="promotion").order_by("pk")
    assert [*actions.values_list("action", flat=True)] == ["promotion-asked", "promotion-approved"]
    with pytest.raises(AlreadyDecidedError):
        promotions.decide(promotion_id=waiting.pk, by=a_manager(), is_approved=True, now=NOW)


def test_refused_and_withdrawn_promotions_add_nothing() -> None:
    membership = a_world()
    first = a_waiting_promotion(membership)
    promotions.decide(promotion_id=first.pk, by=a_manager(), is_approved=False, reason="Too much", now=NOW)
    second = a_waiting_promotion(membership)
    promotions.withdraw(promotion=second, by=second.asked_by, now=NOW)

    assert bought(membership, 10) == 10
    assert [*PersonalPromotion.objects.order_by("pk").values_list("state", "starts_at")] == [
        ("REJECTED", None),
        ("WITHDRAWN", None),
    ]
    with pytest.raises(AlreadyDecidedError):
        promotions.withdraw(promotion=second, by=second.asked_by, now=NOW)
    with pytest.raises(promotions.NotInForceError):
        promotions.end(promotion=first, by=a_manager(), now=NOW)


def test_promotion_that_has_not_begun_can_be_ended_and_never_holds() -> None:
    membership = a_world()
    promotion = a_promotion(membership, starts_on=date(2026, 6, 20), now=NOW)

    ended = promotions.end(promotion=promotion, by=a_manager(), now=NOW)

    assert ended.starts_at == ended.ends_at
    [outcome] = record(
        a_purchase(membership.company, 10, occurred_at=NOW + timedelta(days=6)), now=NOW + timedelta(days=6)
    )
    assert outcome.points == 10
    with pytest.raises(promotions.NotInForceError):
        promotions.end(promotion=promotion, by=a_manager(), now=NOW + timedelta(days=6))
    a_promotion(membership, starts_on=date(2026, 6, 20), now=NOW)


@pytest.mark.parametrize(
    ("error", "asked"),
    [
        (promotions.FactorError, {"factor": "1"}),
        (promotions.FactorError, {"factor": "0.5"}),
        (promotions.FactorError, {"factor": "100.5"}),
        (promotions.FactorError, {"budget": 0}),
        (promotions.DaysError, {"starts_on": date(2026, 6, 20), "ends_on": date(2026, 6, 19)}),
        (promotions.DaysError, {"starts_on": date(2026, 6, 14)}),
        (promotions.DaysError, {"ends_on": date(2046, 6, 14)}),
        (promotions.UnknownRuleError, {"rule_codes": ["nothing"]}),
        (promotions.UnknownRuleError, {"rule_codes": ["a-badge"]}),
        (promotions.UnknownRuleError, {"rule_codes": [f"rule-{number}" for number in range(21)]}),
    ],
)
def test_promotion_that_makes_no_sense_is_refused(error: type[Exception], asked: dict[str, Any]) -> None:
    membership = a_world({}, {"code": "a-badge", "formula": BADGE})

    with pytest.raises(error):
        a_waiting_promotion(membership, **asked)

    assert not PersonalPromotion.objects.exists()
    assert not Approval.objects.exists()


def test_promotion_where_nobody_takes_part_or_earns_is_refused() -> None:
    membership = a_world()
    program = membership.program
    Program.objects.filter(pk=program.pk).update(last_earn_on=date(2026, 6, 29), last_spend_on=date(2026, 12, 31))
    with pytest.raises(promotions.ClosedError, match=r"up to June 29, 2026\. Let the promotion end by then"):
        a_waiting_promotion(membership)
    Program.objects.filter(pk=program.pk).update(last_earn_on=None, last_spend_on=None, is_active=False)
    with pytest.raises(promotions.ClosedError):
        a_waiting_promotion(membership)
    Program.objects.filter(pk=program.pk).update(is_active=True)
    Membership.objects.filter(pk=membership.pk).update(ends_at=NOW)
    with pytest.raises(promotions.ClosedError):
        a_waiting_promotion(membership)

    assert not PersonalPromotion.objects.exists()


def test_promotion_of_a_stranger_or_of_somebody_who_left_is_refused() -> None:
    membership = a_world()
    stranger = an_employee(a_member(membership.program).company)
    gone = an_employee(membership.company, is_active=False)
    for nobody in (stranger, gone):
        with pytest.raises(promotions.NotOfTheCompanyError):
            a_waiting_promotion(membership, employee=nobody)

    person = an_employee(membership.company)
    waiting = a_waiting_promotion(membership, employee=person)
    Employee.objects.filter(pk=person.pk).update(is_active=False)
    with pytest.raises(promotions.NotOfTheCompanyError):
        promotions.decide(promotion_id=waiting.pk, by=a_manager(), is_approved=True, now=NOW)

    assert PersonalPromotion.objects.get().state == "WAITING"
    assert Approval.objects.get().state == "WAITING"
    with refused_by("promotion_person_of_the_company"), transaction.atomic():
        PersonalPromotion.objects.bulk_create([_copy(waiting, employee=stranger)])


def _copy(promotion: PersonalPromotion, **fields: Any) -> PersonalPromotion:
    """Another of the same, around the use case."""
    names = [field.attname for field in PersonalPromotion._meta.concrete_fields if field.name not in ("id", "approval")]
    copy = PersonalPromotion(**{name: getattr(promotion, name) for name in names})
    copy.approval = Approval.objects.create(
        kind="other", subject_id=1, audience="VENDOR", asked_by=promotion.asked_by, asked_at=NOW
    )
    for name, value in fields.items():
        setattr(copy, name, value)
    return copy


@pytest.mark.parametrize(
    ("first", "second", "is_refused"),
    [
        ({}, {}, True),
        ({}, {"rule_codes": ["extra"]}, True),
        ({"rule_codes": ["rule-0"]}, {"rule_codes": ["extra"]}, False),
        ({"rule_codes": ["rule-0", "extra"]}, {"rule_codes": ["extra"]}, True),
        ({}, {"employee": "anna"}, True),
        ({"employee": "anna"}, {}, True),
        ({"employee": "anna"}, {"employee": "anna"}, True),
        ({"employee": "anna"}, {"employee": "ben"}, False),
        ({"ends_on": date(2026, 6, 20)}, {"starts_on": date(2026, 6, 20)}, True),
        ({"ends_on": date(2026, 6, 20)}, {"starts_on": date(2026, 6, 21)}, False),
    ],
)
def test_second_promotion_for_the_same_points_is_refused_by_code_and_database(
    first: dict[str, Any], second: dict[str, Any], is_refused: bool
) -> None:
    membership = a_world({}, {"code": "extra"})
    people = {name: an_employee(membership.company) for name in ("anna", "ben")}
    first, second = (
        {**asked, "employee": people.get(asked.get("employee", "")), "now": NOW} for asked in (first, second)
    )
    held = a_promotion(membership, **first)

    if not is_refused:
        a_promotion(membership, **second)
        assert PersonalPromotion.objects.filter(state="APPROVED").count() == 2
        return
    with pytest.raises(promotions.OverlapError, match="is for the same points"):
        a_waiting_promotion(membership, **second)
    assert [*PersonalPromotion.objects.all()] == [held]
    fields = {name: value for name, value in second.items() if name != "now"}
    copy = _copy(held, **{"rule_codes": [], "employee": None, **fields})
    copy.starts_at, copy.ends_at = promotions.span_of(copy)
    with refused_by("promotion_one_for_the_same_points"):
        copy.save()


def test_approved_promotion_never_changes_and_only_ends_sooner() -> None:
    membership = a_world()
    promotion = a_promotion(membership)
    rows = PersonalPromotion.objects.all()

    for change in (
        {"factor": 3},
        {"budget": 10},
        {"rule_codes": ["rule-0"]},
        {"ends_on": date(2026, 7, 30)},
        {"state": "WAITING", "starts_at": None, "ends_at": None},
        {"starts_at": NOW},
        {"ends_at": F("ends_at") + timedelta(days=1)},
    ):
        with refused_by("promotion_asked_for_is_immutable"):
            rows.update(**change)
    with refused_by("promotion_asked_for_is_immutable"):
        promotion.delete()
    rows.update(reason="erased", ends_at=NOW)


@pytest.mark.parametrize(
    ("constraint", "fields"),
    [
        ("promotion_factor_adds", {"factor": 1}),
        ("promotion_ends_after_start", {"ends_on": date(2026, 6, 14)}),
        ("promotion_budget_positive", {"budget": 0}),
        ("promotion_with_reason", {"reason": ""}),
        ("promotion_approved_has_span", {"starts_at": NOW, "ends_at": NOW}),
    ],
)
def test_database_refuses_promotions_that_mean_nothing(constraint: str, fields: dict[str, Any]) -> None:
    waiting = a_waiting_promotion(a_world())

    with refused_by(constraint):
        _copy(waiting, **fields).save()


def test_promotion_is_seen_by_the_company_or_by_the_person_alone() -> None:
    membership = a_world()
    person, colleague, admin = (
        an_employee(membership.company),
        an_employee(membership.company),
        an_admin(membership.company),
    )
    stranger = an_admin(a_member(membership.program).company)
    july: dict[str, Any] = {"starts_on": date(2026, 7, 1), "ends_on": date(2026, 7, 31)}
    own = a_promotion(membership, employee=person, rule_codes=["rule-0"], now=NOW, **july)
    of_company = a_promotion(membership, budget=1_000)
    waiting = a_waiting_promotion(membership, starts_on=date(2026, 8, 1), ends_on=date(2026, 8, 2))
    bought(membership, 60)

    def seen(reader: Employee) -> list[str]:
        assert reader.user is not None
        return [each.sentence for each in promotions_told(membership, actor_of(reader.user, now=NOW))]

    company_reads = (
        "From June 15, 2026 through June 30, 2026 your company gets twice the points, at most 1,000 points more in all."
    )
    person_reads = "From July 1, 2026 through July 31, 2026 you get twice the points of “Rule 0”."
    assert seen(person) == [company_reads, person_reads]
    assert seen(colleague) == [company_reads]
    assert seen(admin) == [company_reads]
    assert seen(stranger) == []
    first, second, third = promotions_told(membership, actor_of(a_manager(), now=NOW))
    assert (first.id, first.added, first.left, first.holds) == (of_company.pk, 60, 940, True)
    assert (second.id, second.added, second.left, second.holds) == (own.pk, 0, None, False)
    assert (third.id, third.is_waiting, third.holds) == (waiting.pk, True, False)


@pytest.mark.parametrize("change", [1, -1])
def test_counter_that_is_not_what_the_promotion_added_breaks_a_law(change: int) -> None:
    membership = a_world()
    a_promotion(membership, budget=100)
    bought(membership, 50)

    with transaction.atomic():
        CapUsage.objects.update(used=F("used") + change)
        broken = {finding.law.code for finding in laws.verify() if finding.count}
        transaction.set_rollback(True)

    assert broken == {"C3"}


def test_promotion_of_another_company_behind_points_breaks_a_law() -> None:
    membership = a_world()
    other = a_promotion(a_member(membership.program))
    a_promotion(membership)
    bought(membership, 50)

    with transaction.atomic():
        award = Award.objects.get()
        activity = Activity.objects.create(
            source=Activity.objects.get().source,
            external_id="forged",
            type=Activity.objects.get().type,
            company=membership.company,
            occurred_at=NOW,
            recorded_at=NOW,
        )
        Evaluation.objects.create(
            activity=activity,
            company=membership.company,
            program=membership.program,
            rule_set=award.rule.rule_set,
            facts={PROMOTIONS: [other.pk]},
        )
        broken = {finding.law.code for finding in laws.verify() if finding.count}
        transaction.set_rollback(True)

    assert broken == {"G3"}


def test_promotion_costs_a_batch_one_query_to_read_and_one_to_write_and_its_absence_none() -> None:
    membership = a_world({"caps": [("COMPANY", "EVER", 1_000)]})
    bought(membership, 1)
    without = _queries(membership)
    a_promotion(membership, budget=100)

    assert _queries(membership) == without + 2


def _queries(membership: Membership) -> int:
    item = a_purchase(membership.company, 1)
    with CaptureQueriesContext(connection) as captured:
        record(item)
    return len(captured)


def test_version_without_a_rule_that_a_promotion_names_says_so() -> None:
    membership = a_world({}, {"code": "extra"})
    promotion = a_promotion(membership, rule_codes=["extra"])
    draft = draft_from(rule_set=membership.program.rule_sets.get(), by=a_manager(), now=NOW)

    assert promotions.asleep_under(draft, at=NOW) == []
    draft.rules.update(name="Drawn up")
    [plain] = promotions_told(membership, actor_of(a_manager(), now=NOW))
    assert "of “Rule 1”." in plain.sentence
    draft.rules.filter(code="extra").update(code="renamed", name="Renamed")
    assert promotions.asleep_under(draft, at=NOW) == [
        f"The promotion of {membership.company} is on “extra”, which this version does not have: it would add nothing "
        "there."
    ]
    promotions.end(promotion=promotion, by=a_manager(), now=NOW)
    assert promotions.asleep_under(draft, at=NOW) == []
