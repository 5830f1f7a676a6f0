"""Agreements in the admin: drawn up, checked, asked for by one manager and approved by another, then only read."""

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Approval
from loyalty.models import Agreement, AgreementLimit, AgreementRate, Membership
from loyalty.rulesets import draft_from
from tests.factories.world import (
    a_draft_agreement,
    a_manager,
    a_member,
    a_program,
    a_purchase,
    a_rule_set,
    an_agreement,
    record,
)

pytestmark = pytest.mark.django_db

ADD = "admin:loyalty_agreement_add"
CHANGE = "admin:loyalty_agreement_change"
ADD_RATE = "admin:loyalty_agreementrate_add"
ADD_LIMIT = "admin:loyalty_agreementlimit_add"


def a_partner() -> Membership:
    program = a_program(tiers={"basic": 0})
    a_rule_set(program, [{"code": "spend"}])
    return a_member(program)


def typed(member: Membership, **more: Any) -> dict[str, Any]:
    """What a manager writes into the form of a new agreement."""
    empty = {f"{part}-{count}": 0 for part in ("rates", "limits") for count in ("TOTAL_FORMS", "INITIAL_FORMS")}
    return {"membership": member.pk, "factor": "1.5", "reason": "A frame contract", **empty, **more}


def a_rate(agreement: Agreement, **more: str) -> dict[str, Any]:
    """What a manager writes into the form of a rate of it."""
    formula = {"kind": "per", "points": "2", "step": "1", "of": "activity.amount"}
    parts = {f"formula-{key}": text for key, text in formula.items()}
    return {"agreement": agreement.pk, "rule_code": "spend", **parts, **more}


def test_agreement_is_drawn_up_asked_for_and_approved_by_somebody_else(desk: Client, client: Client) -> None:
    member = a_partner()

    drafted = desk.post(reverse(ADD), typed(member), follow=True)
    agreement = Agreement.objects.get()
    offered = desk.get(reverse(ADD_RATE, query={"agreement": agreement.pk}))
    back = desk.post(reverse(ADD_RATE), a_rate(agreement))
    page = desk.get(back.headers["Location"]).content.decode()
    asked = desk.post(reverse("admin:loyalty_agreement_ask", args=[agreement.pk]), follow=True)
    approval = Approval.objects.get()
    approve = reverse("admin:accounts_approval_approve", args=[approval.pk])
    own = desk.post(approve)
    client.force_login(a_manager())
    shown = client.get(approve).content.decode()
    done = client.post(approve, follow=True).content.decode()

    assert drafted.status_code == 200
    assert offered.context["adminform"].form["formula"].initial == member.program.rule_sets.get().rules.get().formula
    assert back.headers["Location"] == reverse(CHANGE, args=[agreement.pk])
    assert "2 points for each full 1 GBP of amount to the company, by your agreement." in page
    assert "waits for approval" in asked.content.decode()
    assert own.status_code == 409
    assert "2 points for each full 1 GBP of amount to the company, by your agreement." in shown
    assert "A frame contract" in shown
    assert "Approved: the agreement holds." in done
    agreement.refresh_from_db()
    assert (agreement.status, agreement.version, agreement.factor) == ("ACTIVE", 1, Decimal("1.5"))


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"rule_code": "spent"}, "There is no rule “spent” in this program"),
        ({"formula-kind": "fixd"}, "is not one of"),
        ({"formula-step": "0"}, "“for each full”"),
        ({"formula-kind": "badge", "formula-badge": "first"}, "is not one of"),
    ],
)
def test_rate_that_does_not_fit_is_said_at_the_form(desk: Client, fields: dict[str, str], sentence: str) -> None:
    draft = a_draft_agreement(a_partner())

    page = desk.post(reverse(ADD_RATE), a_rate(draft, **fields))

    assert sentence in page.content.decode()
    assert not AgreementRate.objects.exists()


def test_factor_that_takes_everything_is_refused_at_the_form(desk: Client) -> None:
    page = desk.post(reverse(ADD), typed(a_partner(), factor="0"))

    assert "The factor is from 0.01 to 100." in page.content.decode()
    assert not Agreement.objects.exists()


def test_rate_changes_while_the_agreement_is_a_draft_and_is_read_from_then_on(desk: Client) -> None:
    draft = a_draft_agreement(a_partner(), rates={"spend": {"kind": "fixed", "points": 3}})
    rate = draft.rates.get()
    address = reverse("admin:loyalty_agreementrate_change", args=[rate.pk])

    desk.post(address, {"rule_code": "spend", "formula-kind": "fixed", "formula-points": "5"})
    desk.post(reverse("admin:loyalty_agreement_ask", args=[draft.pk]))
    refused = desk.post(address, {"rule_code": "spend", "formula-kind": "fixed", "formula-points": "9"})
    late = desk.post(reverse(ADD_RATE), a_rate(draft))

    assert refused.status_code == 403
    assert "Select a valid choice" in late.content.decode()
    assert 'name="_save"' not in desk.get(address).content.decode()
    assert AgreementRate.objects.get().formula == {"kind": "fixed", "points": 5}


def test_step_that_cannot_be_taken_says_why(desk: Client) -> None:
    draft = a_draft_agreement(a_partner())

    page = desk.post(reverse("admin:loyalty_agreement_ask", args=[draft.pk]))

    assert page.status_code == 409
    assert "The agreement says nothing yet" in page.content.decode()
    assert Agreement.objects.get().status == "DRAFT"


def test_agreement_in_force_is_read_copied_and_ended(desk: Client) -> None:
    agreement = an_agreement(a_partner(), rates={"spend": {"kind": "fixed", "points": 3}})
    address = reverse(CHANGE, args=[agreement.pk])

    page = desk.get(address).content.decode()
    desk.post(address, typed(agreement.membership, factor="9"))
    desk.post(reverse("admin:loyalty_agreement_draft", args=[agreement.pk]))
    desk.post(reverse("admin:loyalty_agreement_end", args=[agreement.pk]))

    assert 'name="_save"' not in page
    rows = Agreement.objects.order_by("version").values_list("version", "status", "factor")
    assert list(rows) == [(1, "ENDED", Decimal(1)), (2, "DRAFT", Decimal(1))]
    assert AgreementRate.objects.filter(agreement__version=2, formula={"kind": "fixed", "points": 3}).exists()


def test_request_is_withdrawn(desk: Client) -> None:
    draft = a_draft_agreement(a_partner(), factor="2")
    desk.post(reverse("admin:loyalty_agreement_ask", args=[draft.pk]))

    desk.post(reverse("admin:loyalty_agreement_withdraw", args=[draft.pk]))

    assert Agreement.objects.get().status == "DRAFT"
    assert Approval.objects.get().state == "WITHDRAWN"


def test_version_that_lost_an_agreed_rule_says_so_before_it_is_put_in_force(desk: Client) -> None:
    member = a_partner()
    an_agreement(member, rates={"spend": {"kind": "fixed", "points": 42}})
    draft = draft_from(rule_set=member.program.rule_sets.get(), by=a_manager(), now=timezone.now())
    draft.rules.filter(code="spend").update(code="spending")

    page = desk.get(reverse("admin:loyalty_ruleset_ask", args=[draft.pk])).content.decode()

    assert f"The agreement with {member.company} speaks of “spend”, which this version does not have" in page


def two_rules(*limits: dict[str, Any]) -> Membership:
    """A company in a program of two rules, one of which has `limits` of its own and a part in a shared one."""
    program = a_program()
    shared = {"code": "together", "subject": "COMPANY", "period": "MONTH", "limit": 90}
    a_rule_set(
        program, [{"code": "spend", "shared_limits": ["together"], "caps": limits}, {"code": "train"}], shared=[shared]
    )
    return a_member(program)


def a_limit(agreement: Agreement, **more: Any) -> dict[str, Any]:
    """What a manager writes into the form of a limit of it."""
    kind = {"limit": "40", "counts": "POINTS", "subject": "COMPANY", "period": "MONTH"}
    return {"agreement": agreement.pk, "of": "rule:spend", **kind, **more}


SAID = "1 point for each full 1 GBP of amount to the company, "


@pytest.mark.parametrize(
    ("fields", "saved", "sentence"),
    [
        ({"is_lower": "on"}, ("RULE", "spend", "", [], "COMPANY"), "at most 40 points a month per company, by"),
        (
            {"of": "RULES", "rules": ["spend", "train"], "name": "All we do", "is_lower": "on"},
            ("RULES", "", "all-we-do", ["spend", "train"], "COMPANY"),
            "at most 40 points a month per company from all rules for “All we do” together, by",
        ),
        (
            {"of": "ALL", "counts": "TIMES", "subject": "EMPLOYEE", "name": "Not kept", "is_per_object": "on"},
            ("ALL", "", "", [], "EMPLOYEE"),
            "at most 40 times a month per person for each product code from all rules together, by",
        ),
        (
            {"of": "shared:together", "counts": "", "subject": "EMPLOYEE", "period": ""},
            ("SHARED", "", "together", [], "COMPANY"),
            "at most 40 points a month per company from all rules for “Together” together, by",
        ),
    ],
)
def test_limit_is_chosen_among_the_program_s_rules_and_read_in_plain_words(
    desk: Client, fields: dict[str, Any], saved: tuple[Any, ...], sentence: str
) -> None:
    a_rule_set(a_program(), [{"code": "foreign"}])
    draft = a_draft_agreement(two_rules())

    offered = desk.get(reverse(ADD_LIMIT, query={"agreement": draft.pk})).content.decode()
    back = desk.post(reverse(ADD_LIMIT), a_limit(draft, **fields))
    limit = AgreementLimit.objects.get()
    page = desk.get(back.headers["Location"]).content.decode()
    again = desk.get(reverse("admin:loyalty_agreementlimit_change", args=[limit.pk]))
    changed = desk.post(
        again.request["PATH_INFO"],
        {**again.context["adminform"].form.initial, "agreement": draft.pk, "limit": "41"},
    )

    assert "Rule 0 (spend)" in offered
    assert "foreign" not in offered
    assert back.headers["Location"] == reverse(CHANGE, args=[draft.pk])
    assert (limit.scope, limit.rule_code, limit.shared_as, limit.rule_codes, limit.subject) == saved
    assert limit.is_lower is (limit.scope == "RULE")
    assert SAID in page
    assert sentence in page
    assert changed.status_code == 302
    kept = AgreementLimit.objects.get()
    assert (kept.limit, kept.scope, kept.rule_code, kept.shared_as, kept.rule_codes, kept.subject) == (41, *saved)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"of": "rule:foreign"}, "Select a valid choice"),
        ({"of": "RULES", "rules": ["spend"], "name": "One"}, "Choose two rules at least"),
        ({"of": "RULES", "rules": ["spend", "train"]}, "Give the limit a name"),
        ({"of": "RULES", "rules": ["spend", "train"], "name": "Second"}, "has a limit of this name already"),
        ({"period": "DAY"}, "has such a limit already"),
        ({"subject": "PROGRAM"}, "Select a valid choice"),
        ({"counts": ""}, "Choose one."),
        ({"limit": "-1"}, "greater than or equal to 0"),
    ],
)
def test_limit_that_cannot_be_is_said_at_the_form(desk: Client, fields: dict[str, Any], sentence: str) -> None:
    day = {"subject": "COMPANY", "period": "DAY", "limit": 3}
    second = {"scope": "RULES", "rule_codes": ["spend", "train"], "name": "Second", "shared_as": "second"}
    draft = a_draft_agreement(two_rules(), limits=[{"rule_code": "spend", **day}, {**second, **day}])

    page = desk.post(reverse(ADD_LIMIT), a_limit(draft, **fields))

    assert sentence in page.content.decode()
    assert AgreementLimit.objects.count() == 2


def test_limit_is_only_read_once_it_was_asked_for_and_who_approves_sees_that_it_is_used_up(
    desk: Client, client: Client
) -> None:
    member = two_rules()
    record(a_purchase(member.company, 60, occurred_at=timezone.now()), now=timezone.now())
    limit = {"scope": "SHARED", "shared_as": "together", "subject": "COMPANY", "period": "MONTH", "limit": 50}
    draft = a_draft_agreement(member, limits=[limit])
    address = reverse("admin:loyalty_agreementlimit_change", args=[draft.limits.get().pk])
    desk.post(reverse("admin:loyalty_agreement_ask", args=[draft.pk]))

    read = desk.get(address).content.decode()
    refused = desk.post(address, a_limit(draft, of="shared:together"))
    client.force_login(a_manager())
    shown = client.get(reverse("admin:accounts_approval_approve", args=[Approval.objects.get().pk])).content.decode()

    assert refused.status_code == 403
    assert "at most 50 points a month per company" in read
    assert 'name="_save"' not in read
    assert "Used up already: at most 50 points a month per company" in shown
    assert "(60 so far)" in shown
    assert AgreementLimit.objects.get().limit == 50


def asked_for(page: Any) -> set[str]:
    """What a form of a limit shows to be filled in, beside what is limited."""
    form = page.context["adminform"].form
    return {field.name for field in form.visible_fields()} - {"agreement", "of", "limit"}


KIND = {"counts", "subject", "period", "is_per_object"}


@pytest.mark.parametrize(
    ("of", "needs", "said"),
    [
        (
            "rule:spend",
            {*KIND, "is_lower"},
            "The program limits this rule: at most 7 points a week per company; at most",
        ),
        ("rule:train", {*KIND, "is_lower"}, "The program does not limit this rule."),
        (
            "shared:together",
            {"is_lower"},
            "The program&#x27;s: at most 90 points a month per company from all rules for",
        ),
        ("RULES", {*KIND, "rules", "name"}, ""),
        ("ALL", KIND, ""),
    ],
)
def test_form_of_a_limit_asks_for_what_the_chosen_kind_needs_and_keeps_the_rest(
    desk: Client, of: str, needs: set[str], said: str
) -> None:
    week = {"limit": 7, "counts": "POINTS", "subject": "COMPANY", "period": "WEEK"}
    draft = a_draft_agreement(two_rules(week))
    typed = a_limit(draft, of=of, name="All we do", is_lower="on")

    begun = desk.get(reverse(ADD_LIMIT, query={"agreement": draft.pk}))
    shown = desk.post(reverse(ADD_LIMIT), {**typed, "_reshape": "of:show"})

    of_none = desk.get(reverse(ADD_LIMIT))

    assert asked_for(begun) == {*KIND, "is_lower"}
    assert asked_for(of_none) == {*KIND, "rules", "name"}
    assert asked_for(shown) == needs
    form = shown.context["adminform"].form
    assert [form["limit"].value(), form["name"].value(), bool(form["is_lower"].value())] == ["40", "All we do", True]
    assert said in shown.content.decode()
    assert not AgreementLimit.objects.exists()
