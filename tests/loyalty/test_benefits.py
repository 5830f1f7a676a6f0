"""What people may use, how often, and what becomes of it when the ground under it moves."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.actors import Actor, actor_of, actor_of_employee
from accounts.idempotency import KeyUsedForAnotherRequestError
from accounts.messages import title_of
from accounts.models import (
    AuditEntry,
    Employee,
    FollowUp,
    Message,
    RoleAssignment,
    Segment,
    SegmentMembership,
    ServiceNote,
)
from loyalty.benefits import (
    CannotGiveError,
    Entitlement,
    GrantEndedError,
    NotEntitledError,
    NotYoursToGiveError,
    NotYoursToUseError,
    QuotaUsedUpError,
    StandingAhead,
    Used,
    announce_ends,
    benefits_of,
    entitlements_as,
    entitlements_of,
    grant,
    next_benefits,
    standing_ahead,
    use,
    withdraw,
)
from loyalty.models import (
    Benefit,
    BenefitGrant,
    BenefitQuota,
    BenefitUse,
    Membership,
    MetricBucket,
    Program,
    Tier,
    TierAssignment,
)
from loyalty.selectors import standing_of
from loyalty.standing import review_tiers
from tests.factories.canaries import fingerprint
from tests.factories.world import (
    EPOCH,
    NOW,
    a_benefit,
    a_manager,
    a_matrix,
    a_member,
    a_program,
    a_purchase,
    a_role,
    a_rule_set,
    an_account_manager,
    an_admin,
    an_employee,
    record,
)

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


class Firm:
    """A company at Gold with an accountant, an owner who decides, and an admin; benefits are put in by the tests."""

    def __init__(self, **fields: Any) -> None:
        self.program: Program = a_program(tiers={"basic": 0, "silver": 500, "gold": 1000, "top": 9000}, **fields)
        a_rule_set(self.program)
        self.membership: Membership = a_member(self.program)
        record(a_purchase(self.membership.company, 1200, occurred_at=NOW - 30 * DAY))
        self.accountant: Employee = an_employee(self.membership.company)
        a_role(self.accountant, "accountant")
        self.owner: Employee = an_employee(self.membership.company, buying_role=Employee.BuyingRole.DECIDES)
        a_role(self.owner, "owner")
        self.admin: Employee = an_admin(self.membership.company)
        self.seminar: Benefit = a_benefit(self.program, Benefit.Kind.SERVICE, name="Tax seminar")
        self.line: Benefit = a_benefit(self.program, name="Direct line")

    def stand_in(self, code: str) -> None:
        segment, _new = Segment.objects.get_or_create(code=code, defaults={"name": f"The {code} ones"})
        SegmentMembership.objects.create(company=self.membership.company, segment=segment, starts_at=EPOCH)

    def of(self, person: Employee, *, at: datetime = NOW) -> list[Entitlement]:
        return entitlements_of(as_of(person, at), self.membership, at=at)


def as_of(person: Employee, at: datetime = NOW) -> Actor:
    return actor_of(person.user, now=at)


def names(rights: Iterable[Entitlement]) -> list[str]:
    return [right.benefit.name for right in rights]


def used_by(person: Employee, benefit: Benefit, key: str = "key", *, now: datetime = NOW, **fields: Any) -> Used:
    return use(actor=as_of(person, now), benefit_id=benefit.pk, key=key, now=now, **fields)


def test_tier_and_role_open_benefits() -> None:
    firm = Firm()
    a_matrix(
        firm.program,
        {"tier": "gold", "benefit": firm.seminar, "role": "accountant", "quota": 2},
        {"tier": "gold", "benefit": firm.line},
        {"tier": "silver", "benefit": a_benefit(firm.program), "role": "accountant"},
        {"tier": "gold", "benefit": a_benefit(firm.program), "role": "owner"},
        {"tier": "gold", "benefit": a_benefit(firm.program, is_active=False), "role": "accountant"},
    )

    seminar, line = firm.of(firm.accountant)

    assert seminar == Entitlement(
        benefit=firm.seminar, is_for_company=False, why="As Accountant at Gold", until=date(2027, 4, 30), quota=2,
        period=seminar.period, used=0, period_start=date(2026, 1, 1), next_start=date(2027, 1, 1), grant_id=None,
        may_use=True,
    )  # fmt: skip
    assert (seminar.left, seminar.can_use, seminar.why_not) == (2, True, "")
    assert (line.benefit, line.is_for_company, line.why, line.left) == (firm.line, True, "Your company is Gold", None)
    assert (line.can_use, line.why_not) == (False, "It is your company's: ask your company's admin to use it.")
    assert [right.can_use for right in firm.of(firm.owner) if right.benefit == firm.line] == [True]
    assert [right.can_use for right in firm.of(firm.admin)] == [True]


def test_segment_adds_to_the_general_cells_and_its_name_stays_with_the_vendor() -> None:
    firm = Firm()
    firm.stand_in("loud")
    loud, quiet = (Segment.objects.get_or_create(code=code, defaults={"name": code})[0] for code in ("loud", "quiet"))
    extra, other = a_benefit(firm.program), a_benefit(firm.program)
    a_matrix(
        firm.program,
        {"tier": "gold", "benefit": firm.line},
        {"tier": "gold", "benefit": extra, "role": "accountant", "segment": loud},
        {"tier": "gold", "benefit": other, "role": "accountant", "segment": quiet},
    )

    rights = firm.of(firm.accountant)

    assert names(rights) == [extra.name, "Direct line"]
    assert rights[0].why == "As Accountant at Gold, an extra for your company"


@pytest.mark.parametrize(
    ("quotas", "held"),
    [
        ([(2, "YEAR"), (4, "YEAR")], "4 a year"),
        ([(4, "YEAR"), (1, "MONTH")], "1 a month"),
        ([(9, "EVER"), (1, "YEAR")], "1 a year"),
        ([(None, "YEAR"), (100, "DAY")], "as often as wanted"),
    ],
)
def test_most_generous_quota_of_several_cells_holds(quotas: list[tuple[int | None, str]], held: str) -> None:
    firm = Firm()
    a_role(firm.accountant, "owner")
    a_matrix(
        firm.program,
        *(
            {"tier": "gold", "benefit": firm.seminar, "role": role, "quota": quota, "period": period}
            for role, (quota, period) in zip(("accountant", "owner"), quotas, strict=True)
        ),
    )

    assert [right.times for right in firm.of(firm.accountant)] == [held]


def test_what_a_person_and_the_company_have_of_one_benefit_are_two_rights() -> None:
    firm = Firm()
    a_role(firm.admin, "accountant")
    a_matrix(
        firm.program,
        {"tier": "gold", "benefit": firm.seminar, "role": "accountant", "quota": 1},
        {"tier": "gold", "benefit": firm.seminar, "quota": 3},
    )

    used_by(firm.admin, firm.seminar, is_for_company=True)

    assert [(right.is_for_company, right.left) for right in firm.of(firm.admin)] == [(False, 1), (True, 2)]
    assert [(right.is_for_company, right.left) for right in firm.of(firm.accountant)] == [(False, 1), (True, 2)]


def test_benefits_end_with_role_version_and_membership() -> None:
    firm = Firm()
    a_matrix(firm.program, {"tier": "gold", "benefit": firm.seminar, "role": "accountant"}, ends_at=NOW + 5 * DAY)

    assert [right.until for right in firm.of(firm.accountant)] == [date(2026, 6, 20)]
    assert firm.of(firm.accountant, at=NOW + 5 * DAY) == []
    RoleAssignment.objects.filter(employee=firm.accountant).update(ends_at=NOW)
    assert firm.of(firm.accountant) == []
    RoleAssignment.objects.filter(employee=firm.accountant).update(ends_at=None)
    Membership.objects.filter(pk=firm.membership.pk).update(ends_at=NOW)
    firm.membership.refresh_from_db()
    assert firm.of(firm.accountant) == []


def test_nobody_else_has_the_benefits_of_a_company() -> None:
    firm, other = Firm(), Firm()
    a_matrix(firm.program, {"tier": "gold", "benefit": firm.line})

    assert entitlements_of(as_of(other.admin), firm.membership, at=NOW) == []
    assert entitlements_of(actor_of(a_manager(), now=NOW), firm.membership, at=NOW) == []
    assert entitlements_of(Actor(at=NOW), firm.membership, at=NOW) == []
    assert len(entitlements_of(actor_of_employee(firm.admin, now=NOW), firm.membership, at=NOW)) == 1


def test_questions_to_the_database_stay_as_few_whatever_there_is() -> None:
    firm = Firm()
    many = [a_benefit(firm.program) for _number in range(20)]
    a_matrix(
        firm.program,
        *({"tier": tier, "benefit": benefit, "quota": 2} for benefit in many for tier in ("gold", "top")),
    )
    for benefit in many[:10]:
        used_by(firm.admin, benefit, str(benefit.pk), is_for_company=True)
    actor = as_of(firm.admin)

    with CaptureQueriesContext(
        connection,
    ) as alone:
        rights = entitlements_of(actor, firm.membership, at=NOW)
    standing = standing_of(firm.membership, at=NOW)
    with CaptureQueriesContext(connection) as given:
        benefits_of(actor, firm.membership, at=NOW, standing=standing)
        standing_ahead(firm.membership, at=NOW, standing=standing)
    with CaptureQueriesContext(connection) as home:
        next_benefits(actor, firm.membership, at=NOW, standing=standing)

    assert len(rights) == 20
    assert (len(alone), len(given), len(home)) == (4, 3, 1)


def test_see_as_needs_nobody() -> None:
    firm = Firm()
    key = Segment.objects.create(code="key", name="Key accounts")
    draft = a_matrix(
        firm.program,
        {"tier": "gold", "benefit": firm.seminar, "role": "accountant", "quota": 2},
        {"tier": "gold", "benefit": firm.line, "segment": key},
        {"tier": "silver", "benefit": a_benefit(firm.program)},
        status="DRAFT",
    )
    gold = Tier.objects.get(program=firm.program, code="gold")

    plain = entitlements_as(draft, tier=gold, role_codes=["accountant"], at=NOW)
    in_segment = entitlements_as(draft, tier=gold, role_codes=["accountant"], segment=key, at=NOW)

    assert [(right.benefit.name, right.why, right.times) for right in plain] == [
        ("Tax seminar", "As Accountant at Gold", "2 a year")
    ]
    assert names(in_segment) == ["Tax seminar", "Direct line"]
    assert names(entitlements_as(draft, tier=gold, at=NOW)) == []


def test_next_tier_adds_what_is_new_or_more() -> None:
    firm = Firm()
    jet = a_benefit(firm.program, name="Jet")
    a_matrix(
        firm.program,
        {"tier": "gold", "benefit": firm.seminar, "role": "accountant", "quota": 2},
        {"tier": "gold", "benefit": firm.line},
        {"tier": "top", "benefit": firm.seminar, "role": "accountant", "quota": 4},
        {"tier": "top", "benefit": firm.line},
        {"tier": "top", "benefit": jet},
        {"tier": "top", "benefit": a_benefit(firm.program), "role": "owner"},
    )

    added = next_benefits(as_of(firm.accountant), firm.membership, at=NOW)

    assert [(gain.benefit.name, gain.times, gain.before) for gain in added] == [
        ("Jet", "as often as wanted", ""),
        ("Tax seminar", "4 a year", "2 a year"),
    ]


def test_service_becomes_a_promise_of_the_account_manager() -> None:
    firm = Firm()
    a_matrix(firm.program, {"tier": "gold", "benefit": firm.seminar, "quota": 2})

    made = used_by(firm.admin, firm.seminar, is_for_company=True, wish="On VAT, please").use

    promise = FollowUp.objects.get()
    assert made.follow_up == promise
    assert (promise.kind, promise.visibility, promise.due_on) == ("PROMISE", "SHARED", date(2026, 6, 25))
    assert (promise.company, promise.created_by) == (firm.membership.company, firm.admin.user)
    assert promise.text == f"Tax seminar – {firm.admin.name}: On VAT, please"
    assert (made.wish, made.is_for_company, made.period_start) == ("On VAT, please", True, date(2026, 1, 1))
    assert title_of(Message.objects.get(kind="benefit-used")) == "Used: Tax seminar"
    assert AuditEntry.objects.get(action="benefit-used").subject_id == made.pk


def test_promise_for_a_person_is_not_shown_to_the_company() -> None:
    firm = Firm()
    a_matrix(firm.program, {"tier": "gold", "benefit": firm.seminar, "role": "accountant"})

    used_by(firm.accountant, firm.seminar)

    assert FollowUp.objects.get().visibility == ServiceNote.Visibility.INTERNAL
    assert not FollowUp.objects.visible_to(as_of(firm.owner)).exists()
    assert not BenefitUse.objects.visible_to(as_of(firm.owner)).exists()


@pytest.mark.parametrize("kind", ["INFORMATION", "CONTACT", "OFFER"])
def test_what_is_read_called_or_shown_owes_nothing(kind: str) -> None:
    firm = Firm()
    benefit = a_benefit(firm.program, kind)
    a_matrix(firm.program, {"tier": "gold", "benefit": benefit})

    made = used_by(firm.admin, benefit, is_for_company=True).use

    assert (made.follow_up, made.period_start) == (None, None)
    assert not FollowUp.objects.exists()
    assert not BenefitQuota.objects.exists()


def test_same_key_again_gives_the_same_use_and_another_wish_under_it_is_refused() -> None:
    firm = Firm()
    a_matrix(firm.program, {"tier": "gold", "benefit": firm.seminar, "role": "accountant", "quota": 2})

    first, again = (used_by(firm.accountant, firm.seminar) for _number in range(2))
    before = fingerprint()

    assert (first.is_new, again.is_new, again.use) == (True, False, first.use)
    assert BenefitQuota.objects.get().used == 1
    with pytest.raises(KeyUsedForAnotherRequestError):
        used_by(firm.accountant, firm.seminar, wish="Something else")
    assert fingerprint() == before


def test_use_past_the_quota_is_refused_until_the_next_period() -> None:
    firm = Firm()
    a_matrix(
        firm.program,
        {"tier": "gold", "benefit": firm.seminar, "role": "accountant", "quota": 1, "period": "MONTH"},
    )
    used_by(firm.accountant, firm.seminar, "first")
    before = fingerprint()

    with pytest.raises(QuotaUsedUpError) as error:
        used_by(firm.accountant, firm.seminar, "second")

    assert error.value.starts_again_on == date(2026, 7, 1)
    assert fingerprint() == before
    [right] = firm.of(firm.accountant)
    assert (right.left, right.can_use, right.why_not) == (0, False, "It is used up. It starts again on July 1, 2026.")
    # 23:30 UTC on 30 June is July in London
    assert used_by(firm.accountant, firm.seminar, "third", now=datetime(2026, 6, 30, 23, 30, tzinfo=UTC)).is_new


def test_quota_is_each_persons_own_or_the_companys() -> None:
    firm = Firm()
    a_role(firm.owner, "accountant")
    a_matrix(
        firm.program,
        {"tier": "gold", "benefit": firm.seminar, "role": "accountant", "quota": 1},
        {"tier": "gold", "benefit": firm.line, "quota": 1},
    )

    used_by(firm.accountant, firm.seminar)
    used_by(firm.owner, firm.seminar)
    used_by(firm.owner, firm.line, "line", is_for_company=True)

    with pytest.raises(QuotaUsedUpError):
        used_by(firm.admin, firm.line, is_for_company=True)
    assert BenefitUse.objects.count() == 3


def test_lower_quota_of_a_new_version_counts_what_was_used_before_it() -> None:
    firm = Firm()
    a_matrix(firm.program, {"tier": "gold", "benefit": firm.seminar, "role": "accountant", "quota": 3}, ends_at=NOW)
    a_matrix(firm.program, {"tier": "gold", "benefit": firm.seminar, "role": "accountant", "quota": 2}, starts_at=NOW)
    for number in range(3):
        used_by(firm.accountant, firm.seminar, str(number), now=NOW - DAY)

    [right] = firm.of(firm.accountant)

    assert (right.used, right.quota, right.left) == (3, 2, 0)
    with pytest.raises(QuotaUsedUpError):
        used_by(firm.accountant, firm.seminar, "more")


def test_who_is_not_entitled_uses_nothing() -> None:
    firm, other = Firm(), Firm()
    a_matrix(
        firm.program,
        {"tier": "gold", "benefit": firm.seminar, "role": "accountant"},
        {"tier": "gold", "benefit": firm.line},
    )
    before = fingerprint()

    refusals: list[tuple[Employee, Benefit, dict[str, Any], type[Exception]]] = [
        (firm.owner, firm.seminar, {}, NotEntitledError),
        (firm.accountant, firm.seminar, {"is_for_company": True}, NotEntitledError),
        (firm.accountant, firm.seminar, {"grant_id": 987_654_321}, NotEntitledError),
        (firm.accountant, firm.line, {"is_for_company": True}, NotYoursToUseError),
        (other.admin, firm.line, {"is_for_company": True}, NotEntitledError),
        (firm.admin, other.line, {"is_for_company": True}, NotEntitledError),
    ]
    for person, benefit, fields, error in refusals:
        with pytest.raises(error):
            used_by(person, benefit, **fields)

    assert fingerprint() == before


def test_benefits_end_with_the_tier_and_uses_stay_on_record() -> None:
    firm = Firm()
    a_matrix(
        firm.program,
        {"tier": "gold", "benefit": firm.seminar, "role": "accountant", "quota": 2},
        {"tier": "silver", "benefit": firm.line},
    )
    made = used_by(firm.accountant, firm.seminar).use
    a_year_later = datetime(2027, 6, 1, 3, tzinfo=UTC)

    review_tiers(now=a_year_later)

    assert standing_of(firm.membership, at=a_year_later).tier.code == "basic"  # type: ignore[union-attr]
    assert firm.of(firm.accountant, at=a_year_later) == []
    with pytest.raises(NotEntitledError):
        used_by(firm.accountant, firm.seminar, "again", now=a_year_later)
    assert BenefitUse.objects.get() == made
    assert BenefitQuota.objects.get().used == 1
    assert names(firm.of(firm.accountant)) == ["Tax seminar"]  # as of then nothing has changed


def test_database_refuses_a_use_past_the_limit() -> None:
    firm = Firm()
    a_matrix(firm.program, {"tier": "gold", "benefit": firm.seminar, "role": "accountant", "quota": 1})
    used_by(firm.accountant, firm.seminar)

    with pytest.raises(Exception, match="benefit_quota_used_within_limit"):
        BenefitQuota.objects.update(used=2)


def a_grant(firm: Firm, person: Employee | None, **fields: Any) -> BenefitGrant:
    return grant(
        **{
            "membership": firm.membership,
            "employee": person,
            "benefit": firm.seminar,
            "quota": 1,
            "period": "EVER",
            "starts_at": NOW,
            "ends_at": None,
            "by": fields.pop("by", None) or actor_of(a_manager(name="Samuel Adeyemi"), now=NOW),
            "reason": "The delivery came late",
            "now": NOW,
            **fields,
        }
    )


def test_benefit_given_by_hand_is_shown_used_and_told_with_its_reason() -> None:
    firm = Firm()

    given = a_grant(firm, firm.accountant, ends_at=NOW + 10 * DAY)

    [right] = firm.of(firm.accountant)
    assert (right.why, right.grant_id) == ("Given by Samuel Adeyemi: The delivery came late", given.pk)
    assert (right.until, right.times, right.next_start) == (date(2026, 6, 25), "1 in all", None)
    message = Message.objects.get(kind="benefit-given")
    assert message.employee == firm.accountant
    assert title_of(message) == "Samuel Adeyemi gave you “Tax seminar”: The delivery came late"
    entry = AuditEntry.objects.get(action="benefit-given")
    assert (entry.subject_id, entry.reason.text) == (given.pk, "The delivery came late")
    assert used_by(firm.accountant, firm.seminar, grant_id=given.pk).use.grant == given
    with pytest.raises(QuotaUsedUpError):
        used_by(firm.accountant, firm.seminar, "again", grant_id=given.pk)
    assert firm.of(firm.accountant)[0].why_not == "It is used up."
    assert firm.of(firm.owner) == []
    assert firm.of(firm.accountant, at=NOW + 10 * DAY) == []


def test_benefit_given_to_a_company_is_told_to_who_acts_for_it() -> None:
    firm = Firm()

    a_grant(firm, None)

    assert set(Message.objects.values_list("employee", flat=True)) >= {firm.owner.pk, firm.admin.pk}
    assert not Message.objects.filter(kind="benefit-given", employee=firm.accountant).exists()
    assert [right.is_for_company for right in firm.of(firm.owner)] == [True]


def test_withdrawn_benefit_is_gone_and_its_uses_stay() -> None:
    firm = Firm()
    given = a_grant(firm, firm.accountant)
    made = used_by(firm.accountant, firm.seminar, grant_id=given.pk).use
    manager = actor_of(a_manager(), now=NOW)

    withdraw(grant=given, by=manager, reason="It was a mistake", now=NOW + DAY)

    assert firm.of(firm.accountant, at=NOW + DAY) == []
    assert BenefitUse.objects.get() == made
    assert title_of(Message.objects.get(kind="benefit-withdrawn")) == (
        "“Tax seminar” is no longer given: It was a mistake"
    )
    before = fingerprint()
    with pytest.raises(GrantEndedError):
        withdraw(grant=given, by=manager, reason="Once more", now=NOW + 2 * DAY)
    assert fingerprint() == before


def test_only_managers_and_who_looks_after_the_company_give() -> None:
    firm, other = Firm(), Firm()
    theirs, foreign = (an_account_manager(side.membership.company) for side in (firm, other))
    given = a_grant(firm, None, by=actor_of(theirs, now=NOW))
    before = fingerprint()

    for by in (foreign, firm.admin.user, None):
        actor = actor_of(by, now=NOW)
        with pytest.raises(NotYoursToGiveError):
            a_grant(firm, None, by=actor)
        with pytest.raises(NotYoursToGiveError):
            withdraw(grant=given, by=actor, reason="No", now=NOW)

    assert fingerprint() == before


@pytest.mark.parametrize("wrong", ["benefit", "employee", "left", "reason", "end", "past"])
def test_grant_that_does_not_fit_is_refused(wrong: str) -> None:
    firm, other = Firm(), Firm()
    gone = an_employee(firm.membership.company, is_active=False)
    manager = actor_of(a_manager(), now=NOW)
    all_fields: dict[str, dict[str, Any]] = {
        "benefit": {"benefit": other.seminar},
        "employee": {"person": other.admin},
        "left": {"person": gone},
        "reason": {"reason": "  "},
        "end": {"ends_at": NOW},
        "past": {"starts_at": EPOCH, "ends_at": NOW - DAY},
    }
    fields = all_fields[wrong]
    person = fields.pop("person", firm.accountant)
    before = fingerprint()

    with pytest.raises(CannotGiveError):
        a_grant(firm, person, by=manager, **fields)

    assert fingerprint() == before


def test_standing_ahead_says_how_long_a_tier_holds_and_what_keeps_it() -> None:
    firm = Firm(tier_window=Program.Window.CALENDAR_YEAR)
    gold, basic = (standing_of(firm.membership, at=NOW).plan.steps[index] for index in (2, 0))

    assert standing_ahead(firm.membership, at=NOW) == StandingAhead(
        gold, date(2027, 12, 31), basic, Decimal(1000), "GBP"
    )
    negotiated = TierAssignment.objects.filter(membership=firm.membership, ends_at__isnull=True)
    negotiated.update(source=TierAssignment.Source.NEGOTIATED)
    assert standing_ahead(firm.membership, at=NOW) == StandingAhead(gold, None, None, None, "GBP")
    negotiated.update(ends_at=datetime(2026, 8, 31, 23, tzinfo=UTC))  # midnight in London
    assert standing_ahead(firm.membership, at=NOW) == StandingAhead(gold, date(2026, 8, 31), gold, None, "GBP")


def at_the_turn(firm: Firm) -> datetime:
    """Two weeks before Gold falls: what was bought in May 2026 counts until April 2027."""
    return datetime(2027, 4, 15, 9, tzinfo=UTC)


def test_people_are_told_before_their_benefits_end_and_once() -> None:
    firm = Firm()
    a_matrix(
        firm.program,
        {"tier": "gold", "benefit": firm.seminar, "role": "accountant"},
        {"tier": "gold", "benefit": firm.line},
        {"tier": "gold", "benefit": a_benefit(firm.program, name="Handbook"), "role": "accountant"},
        {"tier": "basic", "benefit": Benefit.objects.get(name="Handbook"), "role": "accountant"},
    )

    told = [announce_ends(now=at_the_turn(firm)) for _number in range(2)]

    assert told == [3, 0]
    sentences = {message.employee: title_of(message) for message in Message.objects.filter(kind="benefits-end")}
    until = "Unless your company comes to 1,000 GBP by April 30, 2027, Gold ends and with it:"
    assert sentences == {
        firm.accountant: f"{until} Tax seminar",
        firm.owner: f"{until} Direct line",
        firm.admin: f"{until} Direct line",
    }


def test_notice_speaks_the_persons_language() -> None:
    firm = Firm()
    a_matrix(firm.program, {"tier": "gold", "benefit": firm.line})
    assert firm.admin.user is not None
    firm.admin.user.language = "de"
    firm.admin.user.save()

    announce_ends(now=at_the_turn(firm))

    facts = Message.objects.get(kind="benefits-end", employee=firm.admin).facts
    assert facts["day"] == "30. April 2027"
    assert facts["threshold"] == "1.000 GBP"


@pytest.mark.parametrize(
    "case", ["no turn near", "safe", "negotiated", "nothing lost", "calendar year", "enough bought", "left"]
)
def test_nobody_is_told_where_nothing_ends(case: str) -> None:
    window = Program.Window.CALENDAR_YEAR if case == "calendar year" else Program.Window.ROLLING
    firm = Firm(tier_window=window)
    a_matrix(
        firm.program,
        {"tier": "gold", "benefit": firm.line},
        *([{"tier": "basic", "benefit": firm.line}] if case == "nothing lost" else []),
    )
    now = at_the_turn(firm)
    held = TierAssignment.objects.filter(membership=firm.membership, ends_at__isnull=True)
    match case:
        case "no turn near":
            now = datetime(2027, 3, 1, 0, 30, tzinfo=UTC)
        case "safe":
            now = NOW
        case "negotiated":
            held.update(source=TierAssignment.Source.NEGOTIATED)
        case "enough bought":
            MetricBucket.objects.create(
                membership=firm.membership, metric="spend", month=date(2027, 2, 1), value=Decimal(1000)
            )
        case "left":
            Membership.objects.filter(pk=firm.membership.pk).update(ends_at=NOW)

    assert announce_ends(now=now) == 0
    assert not Message.objects.filter(kind="benefits-end").exists()


def test_notice_is_written_in_as_few_questions_for_many_companies() -> None:
    def questions(companies: int) -> int:
        firm = Firm()
        a_matrix(firm.program, {"tier": "gold", "benefit": firm.line})
        for _number in range(companies):
            member = a_member(firm.program)
            an_admin(member.company)
            record(a_purchase(member.company, 2000, occurred_at=NOW - 30 * DAY))
        with CaptureQueriesContext(connection) as asked:
            assert announce_ends(now=at_the_turn(firm)) == companies + 2
        Program.objects.update(is_active=False)
        return len(asked)

    assert questions(1) == questions(6)
