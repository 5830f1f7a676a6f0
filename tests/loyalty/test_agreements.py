"""Agreements: laid over the rules as of the activity, taken back as they were given, approved by a second person."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import Error, IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import laws
from accounts.actors import actor_of
from accounts.approvals import AlreadyDecidedError, OwnRequestError, ReasonMissingError
from accounts.models import Approval, AuditEntry, Message
from loyalty import agreements
from loyalty.agreements import (
    DatesError,
    NotADraftError,
    NothingAgreedError,
    NotInForceError,
    OverlapError,
    UnfitError,
    UnknownRuleError,
)
from loyalty.explaining import verdicts_of
from loyalty.models import (
    Activity,
    Agreement,
    AgreementLimit,
    AgreementRate,
    CapUsage,
    Evaluation,
    Membership,
    RuleSet,
)
from loyalty.rulesets import UnfitForAgreementError, activate, draft_from
from tests.factories.world import (
    NOW,
    a_draft_agreement,
    a_manager,
    a_member,
    a_program,
    a_purchase,
    a_rule_set,
    a_user,
    an_account_manager,
    an_admin,
    an_agreement,
    an_employee,
    balance,
    record,
)

pytestmark = pytest.mark.django_db

TWICE = {"kind": "per", "points": 2, "step": "1", "of": "activity.amount"}
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _laws_hold() -> Iterator[None]:
    yield
    assert {finding.law.code: finding.examples for finding in laws.verify() if finding.count} == {}


def a_partner(*rules: dict[str, Any]) -> Membership:
    """A company in a program that gives 1 point for each full 1, unless `rules` say otherwise."""
    program = a_program(tiers={"basic": 0, "gold": 1_000})
    a_rule_set(program, rules or [{"code": "spend"}])
    return a_member(program)


def points(member: Membership, amount: int = 100, **fields: Any) -> int:
    """What a purchase brings the company."""
    return record(a_purchase(member.company, amount, **fields))[0].points


def latest() -> Evaluation:
    return Evaluation.objects.select_related("activity__type", "program").latest("pk")


def states(member: Membership) -> list[tuple[str, bool]]:
    """The status of each version, and whether it has an end."""
    rows = member.agreements.order_by("version")
    return [(row.status, row.ends_at is not None) for row in rows]


def test_own_rate_replaces_the_rule_s_for_the_one_company() -> None:
    member = a_partner()
    other = a_member(member.program)
    agreement = an_agreement(member, rates={"spend": TWICE})

    assert (points(member), points(other)) == (200, 100)
    assert list(Evaluation.objects.order_by("pk").values_list("agreement", flat=True)) == [agreement.pk, None]


def test_factor_multiplies_every_rule_without_a_rate() -> None:
    member = a_partner({"code": "spend"}, {"code": "fixed", "formula": {"kind": "fixed", "points": 10}})
    an_agreement(member, factor="1.5", rates={"spend": TWICE})

    assert points(member) == 200 + 15


def test_activities_are_judged_by_the_agreement_of_their_moment() -> None:
    member = a_partner()
    an_agreement(member, factor="2", starts_at=NOW - 20 * DAY, until=NOW - 5 * DAY)
    an_agreement(member, factor="3", starts_at=NOW - 10 * DAY)

    brought = [points(member, occurred_at=NOW - days * DAY) for days in (21, 20, 11, 10, 1)]

    assert brought == [100, 200, 200, 300, 300]
    assert states(member) == [("ENDED", True), ("ACTIVE", False)]


def test_agreement_ends_by_itself_at_its_last_moment() -> None:
    member = a_partner()
    an_agreement(member, factor="2", starts_at=NOW - 20 * DAY, until=NOW - 5 * DAY)

    assert [points(member, occurred_at=NOW - days * DAY) for days in (6, 5)] == [200, 100]


@pytest.mark.parametrize("at_once", [True, False], ids=["one call", "two calls"])
def test_return_under_another_agreement_takes_back_what_was_given(at_once: bool) -> None:
    member = a_partner({"code": "spend", "caps": [("COMPANY", "MONTH", 50)]})
    limit = {"rule_code": "spend", "subject": "COMPANY", "period": "MONTH", "limit": 150}
    first = an_agreement(member, rates={"spend": TWICE}, limits=[limit], starts_at=NOW - 10 * DAY)
    bought = a_purchase(member.company, 100, occurred_at=NOW - 2 * DAY)
    back = a_purchase(member.company, 50, occurred_at=NOW, reverses=bought.external_id)

    if at_once:
        agreements.end(agreement=first, by=a_manager(), now=NOW - DAY)
        brought = [outcome.points for outcome in record(bought, back)]
    else:
        brought = [outcome.points for outcome in record(bought)]
        agreements.end(agreement=first, by=a_manager(), now=NOW - DAY)
        brought += [outcome.points for outcome in record(back)]

    assert brought == [150, -75]
    assert balance(member) == 75
    assert CapUsage.objects.get(rule_code="spend").used == 75


def test_own_limit_stands_in_the_place_of_the_rule_s_and_goes_on_counting() -> None:
    member = a_partner({"code": "spend", "caps": [("COMPANY", "MONTH", 80)]})

    before = points(member, occurred_at=NOW - DAY)
    limit = {"rule_code": "spend", "subject": "COMPANY", "period": "MONTH", "limit": 130}
    an_agreement(member, limits=[limit], starts_at=NOW)

    assert (before, points(member), points(member)) == (80, 50, 0)


def test_explanation_is_computed_with_the_agreement_that_was_used() -> None:
    member = a_partner()
    agreement = an_agreement(member, rates={"spend": TWICE})
    points(member)
    agreements.end(agreement=agreement, by=a_manager(), now=NOW + DAY)

    [verdict] = verdicts_of(latest(), actor_of(a_manager(), now=timezone.now()))

    assert verdict.points == 200
    assert verdict.sentence == ("Purchase: 2 points for each full 1 GBP of amount to the company, by your agreement.")
    assert verdict.reason.startswith("Applies: 2 points for each full 1 GBP of amount, by your agreement.")


def test_companies_without_an_agreement_cost_no_query_more() -> None:
    member, other = a_partner(), None
    points(member)

    with CaptureQueriesContext(
        connection,
    ) as without:
        points(member)
    other = a_member(member.program)
    an_agreement(other, factor="2")
    with CaptureQueriesContext(connection) as beside:
        points(member)

    assert len(beside) == len(without)
    assert other is not None


def asked(member: Membership, **fields: Any) -> Agreement:
    """An agreement that waits for a second person."""
    draft = a_draft_agreement(member, **{"factor": "2", **fields})
    return agreements.ask(agreement=draft, by=draft.drafted_by, starts_at=NOW, now=NOW)


def test_whoever_asks_never_approves_and_nothing_holds_before() -> None:
    member = a_partner()
    waiting = asked(member)

    with pytest.raises(OwnRequestError):
        agreements.decide(agreement_id=waiting.pk, by=waiting.drafted_by, is_approved=True, now=NOW)

    assert points(member) == 100
    assert states(member) == [("WAITING", False)]
    assert Approval.objects.get().state == "WAITING"


def test_late_approval_holds_from_then_on() -> None:
    member = a_partner()
    waiting = asked(member)

    approved = agreements.decide(agreement_id=waiting.pk, by=a_manager(), is_approved=True, now=NOW + DAY)

    assert approved.starts_at == NOW + DAY
    assert AuditEntry.objects.filter(action="agreement-approved", subject_id=waiting.pk).exists()


def test_refused_and_withdrawn_ones_are_drafts_again() -> None:
    member = a_partner()
    waiting = asked(member)

    with pytest.raises(ReasonMissingError):
        agreements.decide(agreement_id=waiting.pk, by=a_manager(), is_approved=False, now=NOW)
    agreements.decide(agreement_id=waiting.pk, by=a_manager(), is_approved=False, reason="Too much", now=NOW)
    AgreementRate.objects.create(agreement=waiting, rule_code="spend", formula=TWICE)
    again = agreements.ask(agreement=waiting, by=waiting.drafted_by, starts_at=NOW, now=NOW)
    agreements.withdraw(agreement=again, by=waiting.drafted_by, now=NOW)

    assert states(member) == [("DRAFT", False)]
    assert sorted(Approval.objects.values_list("state", flat=True)) == ["REJECTED", "WITHDRAWN"]
    with pytest.raises(AlreadyDecidedError):
        agreements.decide(agreement_id=waiting.pk, by=a_manager(), is_approved=True, now=NOW)


def test_ending_one_that_has_not_begun_lets_the_one_before_go_on_to_its_own_end() -> None:
    member = a_partner()
    first = an_agreement(member, factor="2", starts_at=NOW - DAY, until=NOW + 9 * DAY)
    second = a_draft_agreement(member, factor="3")
    agreements.ask(agreement=second, by=second.drafted_by, starts_at=NOW + 3 * DAY, now=NOW)
    agreements.decide(agreement_id=second.pk, by=a_manager(), is_approved=True, now=NOW)

    agreements.end(agreement=second, by=a_manager(), now=NOW)

    first.refresh_from_db()
    assert not Message.objects.filter(kind="agreement-ended").exists()
    assert (first.status, first.ends_at) == ("ACTIVE", NOW + 9 * DAY)
    with pytest.raises(NotInForceError):
        agreements.end(agreement=second, by=a_manager(), now=NOW)


def _in_the_past(member: Membership) -> None:
    draft = a_draft_agreement(member, factor="2")
    agreements.ask(agreement=draft, by=draft.drafted_by, starts_at=NOW - DAY, now=NOW)


def _asked_twice(member: Membership) -> None:
    waiting = asked(member)
    agreements.ask(agreement=waiting, by=waiting.drafted_by, starts_at=NOW, now=NOW)


def _before_a_later_one(member: Membership) -> None:
    an_agreement(member, factor="3", starts_at=NOW + DAY)
    asked(member)


def _beside_one_that_waits(member: Membership) -> None:
    asked(member)
    asked(member)


REFUSED: list[tuple[Callable[[Membership], object], type[Exception], str]] = [
    (_in_the_past, DatesError, "cannot begin in the past"),
    (lambda member: asked(member, until=NOW - DAY), DatesError, "ends before it begins"),
    (_asked_twice, NotADraftError, "asked for already"),
    (lambda member: asked(member, factor="1"), NothingAgreedError, "says nothing yet"),
    (lambda member: asked(member, rates={"spent": TWICE}), UnknownRuleError, "no rule “spent”.*there is: badge, spend"),
    (lambda member: asked(member, rates={"spend": {"kind": "fixd"}}), UnfitError, "kind: 'fixd' is not one of"),
    (
        lambda member: asked(member, rates={"spend": {**TWICE, "of": "activity.attributes.size"}}),
        UnfitError,
        "does not fit the rule",
    ),
    (
        lambda member: asked(member, rates={"spend": {**TWICE, "multipliers": {"campaigns": ["none"]}}}),
        UnfitError,
        "not a campaign of this version",
    ),
    (_before_a_later_one, OverlapError, "Begin after that, or end that version first"),
    (_beside_one_that_waits, OverlapError, "waits for approval"),
]


@pytest.mark.parametrize(("act", "error", "sentence"), REFUSED)
def test_what_cannot_be_is_refused_with_a_sentence_and_changes_nothing(
    act: Callable[[Membership], object], error: type[Exception], sentence: str
) -> None:
    member = a_partner({"code": "spend"}, {"code": "badge", "formula": {"kind": "fixed", "points": 1}})

    with pytest.raises(error, match=sentence):
        act(member)

    waiting = Agreement.objects.filter(status="WAITING").count()
    assert Approval.objects.filter(state="WAITING").count() == waiting
    assert waiting == (1 if act in (_asked_twice, _beside_one_that_waits) else 0)


def test_new_rules_that_an_agreement_does_not_fit_are_not_put_in_force() -> None:
    program = a_program()
    rules = a_rule_set(
        program,
        [{"code": "spend"}],
        campaigns=[{"code": "spring"}],
    )
    member = a_member(program)
    rate = {**TWICE, "multipliers": {"campaigns": ["spring"]}}
    agreement = an_agreement(member, rates={"spend": rate})
    draft = draft_from(rule_set=rules, by=a_manager(), now=NOW)
    draft.campaigns.all().delete()

    with pytest.raises(UnfitForAgreementError, match=f"agreement with {member.company} would not fit"):
        activate(rule_set=draft, by=a_manager(), starts_at=NOW, now=NOW)
    assert RuleSet.objects.get(pk=draft.pk).status == "DRAFT"
    agreements.end(agreement=agreement, by=a_manager(), now=NOW)
    activate(rule_set=draft, by=a_manager(), starts_at=NOW, now=NOW)


def test_rate_of_a_rule_that_is_gone_sleeps() -> None:
    member = a_partner({"code": "spend"}, {"code": "fixed", "formula": {"kind": "fixed", "points": 10}})
    an_agreement(member, rates={"spend": TWICE})
    draft = draft_from(rule_set=RuleSet.objects.get(), by=a_manager(), now=NOW)
    draft.rules.filter(code="spend").delete()
    activate(rule_set=draft, by=a_manager(), starts_at=NOW, now=NOW)

    assert points(member) == 10


@pytest.mark.parametrize(
    "change",
    [
        lambda agreement: Agreement.objects.filter(pk=agreement.pk).update(factor=Decimal(3)),
        lambda agreement: Agreement.objects.filter(pk=agreement.pk).update(status="DRAFT"),
        lambda agreement: Agreement.objects.filter(pk=agreement.pk).update(starts_at=NOW),
        lambda agreement: Agreement.objects.filter(pk=agreement.pk).delete(),
        lambda agreement: agreement.rates.update(formula={"kind": "fixed", "points": 1}),
        lambda agreement: agreement.rates.all().delete(),
        lambda agreement: AgreementRate.objects.create(agreement=agreement, rule_code="more", formula=TWICE),
        lambda agreement: AgreementLimit.objects.create(
            agreement=agreement, rule_code="spend", subject="COMPANY", period="DAY", limit=1
        ),
    ],
)
def test_database_refuses_to_change_what_was_approved(change: Callable[[Agreement], object]) -> None:
    agreement = an_agreement(a_partner(), factor="2", rates={"spend": TWICE})

    with pytest.raises(Error, match="make a new version"), transaction.atomic():
        change(agreement)

    agreement.refresh_from_db()
    assert (agreement.status, agreement.factor, agreement.rates.count()) == ("ACTIVE", Decimal(2), 1)


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("agreement_has_start_and_approval", {"status": "ACTIVE", "starts_at": NOW}),
        ("agreement_ends_after_start", {"starts_at": NOW, "ends_at": NOW - DAY}),
        ("agreement_factor_range", {"factor": Decimal(0)}),
        ("agreement_with_reason", {"reason": ""}),
        ("agreement_version_unique", {"version": 1}),
    ],
)
def test_database_refuses_agreements_that_must_never_be(name: str, fields: dict[str, Any]) -> None:
    first = an_agreement(a_partner(), factor="2")
    draft = a_draft_agreement(first.membership)

    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        Agreement.objects.filter(pk=draft.pk).update(**fields)


def test_database_refuses_two_agreements_at_once() -> None:
    member = a_partner()
    an_agreement(member, factor="2")
    waiting = asked(member)

    with pytest.raises(IntegrityError, match="agreement_one_in_force"), transaction.atomic():
        Agreement.objects.filter(pk=waiting.pk).update(status="ACTIVE")


def test_database_refuses_two_questions_at_once() -> None:
    waiting = asked(a_partner())
    draft = a_draft_agreement(waiting.membership)
    other = Approval.objects.create(
        kind="agreement", subject_id=draft.pk, audience="VENDOR", asked_by=a_manager(), asked_at=NOW
    )

    with pytest.raises(IntegrityError, match="agreement_asked_one_at_a_time"), transaction.atomic():
        Agreement.objects.filter(pk=draft.pk).update(status="WAITING", starts_at=NOW, approval=other)


def test_database_refuses_a_limit_of_the_whole_program() -> None:
    draft = a_draft_agreement(a_partner())

    with pytest.raises(IntegrityError, match="agreement_limit_of_the_company"), transaction.atomic():
        AgreementLimit.objects.create(agreement=draft, rule_code="spend", subject="PROGRAM", period="DAY", limit=1)


def test_company_and_its_account_manager_see_its_agreements_and_nobody_else_does() -> None:
    member = a_partner()
    agreement = an_agreement(member, rates={"spend": TWICE})
    a_draft_agreement(member)
    stranger = a_member(member.program)

    def seen(user: Any) -> list[int]:
        return list(Agreement.objects.visible_to(actor_of(user, now=NOW)).order_by("pk").values_list("pk", flat=True))

    assert seen(an_employee(member.company).user) == [agreement.pk]
    assert seen(an_admin(stranger.company).user) == []
    assert len(seen(an_account_manager(member.company))) == 2
    assert seen(an_account_manager(stranger.company)) == []
    assert seen(a_user()) == []
    rates = AgreementRate.objects.visible_to(actor_of(an_admin(stranger.company).user, now=NOW))
    assert not rates.exists()


def test_law_finds_an_activity_that_was_judged_by_the_agreement_of_another_company() -> None:
    member = a_partner()
    stranger = an_agreement(a_member(member.program), factor="2")
    record(a_purchase(a_member(a_program()).company))
    activity = Activity.objects.get()

    with transaction.atomic():
        evaluation = Evaluation.objects.create(
            activity=activity, company=member.company, program=member.program, agreement=stranger
        )
        [broken] = [finding for finding in laws.verify() if finding.law.code == "G2"]
        transaction.set_rollback(True)

    assert [tuple(example) for example in broken.examples] == [(evaluation.pk, stranger.pk)]


def test_admins_of_the_company_are_told_when_it_holds_and_when_it_ends() -> None:
    member = a_partner()
    admin, _other, stranger = an_admin(member.company), an_employee(member.company), a_member(member.program)
    an_admin(stranger.company)
    agreement = agreements.decide(agreement_id=asked(member).pk, by=a_manager(), is_approved=True, now=NOW)

    agreements.end(agreement=agreement, by=a_manager(), now=NOW + DAY)

    told = Message.objects.order_by("pk").values_list("employee", "kind", "facts__day")
    assert list(told) == [
        (admin.pk, "agreement-holds", "2026-06-15"),
        (admin.pk, "agreement-ended", "2026-06-16"),
    ]


def test_version_without_a_rule_that_was_agreed_about_names_the_agreement() -> None:
    member = a_partner({"code": "spend"}, {"code": "other"})
    limit = {"rule_code": "other", "subject": "COMPANY", "period": "DAY", "limit": 1}
    agreement = an_agreement(member, rates={"spend": TWICE}, limits=[limit])
    draft = draft_from(rule_set=RuleSet.objects.get(), by=a_manager(), now=NOW)

    assert agreements.asleep_under(draft, at=NOW) == []
    draft.rules.filter(code="spend").update(code="spending")
    draft.rules.filter(code="other").delete()
    assert agreements.asleep_under(draft, at=NOW) == [
        f"The agreement with {member.company} speaks of “other”, “spend”, which this version does not have: those "
        "terms would hold no longer. If a rule has only got another code, give it back the old one."
    ]
    agreements.end(agreement=agreement, by=a_manager(), now=NOW)
    assert agreements.asleep_under(draft, at=NOW) == []


def test_why_nothing_was_given_speaks_of_the_agreement() -> None:
    member = a_partner(
        {"code": "spend", "beneficiary": "EMPLOYEE"},
        {"code": "big", "condition": {"fact": "activity.amount", "op": "gte", "value": 1_000}},
    )
    an_agreement(member, rates={"spend": TWICE, "big": {"kind": "fixed", "points": 99}})

    record(a_purchase(member.company, 10))

    evaluation = Evaluation.objects.select_related("activity__type", "program").get()
    reasons = [verdict.reason for verdict in verdicts_of(evaluation, actor_of(a_manager(), now=NOW))]
    assert reasons[0].startswith("No points: the activity names no employee. By your agreement it would give 2 points")
    assert reasons[1].startswith("Does not apply: ")
    assert reasons[1].endswith(" By your agreement it would give 99 points.")
