"""The admin's way of putting rules in force: one manager asks, another reads everything on one page and decides."""

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from accounts.groups import APPROVER, VIEWER, ensure_groups
from accounts.models import Approval
from loyalty.models import Program, Rule, RuleSet
from loyalty.rulesets import draft_from
from tests.client.pages import links_of, words_of
from tests.examples.test_running import an_example
from tests.factories.world import NOW, a_manager, a_program, a_rule_set, a_user

pytestmark = pytest.mark.django_db

CHANGE, STEP = "admin:loyalty_ruleset_change", "admin:loyalty_ruleset_{}"
KEY_ROWS = {"all": [{"fact": "activity.amount", "op": "gt", "value": 100},
                    {"fact": "activity.amount", "op": "lt", "value": 50}]}  # fmt: skip


@pytest.fixture
def draft() -> RuleSet:
    """A second version with a rule that can never give, one that has no limit, and a met example."""
    program = a_program(name="Club", tiers={"basic": 0})
    an_example(program, {"gives_company": 100})
    draft = draft_from(rule_set=a_rule_set(program, [{"code": "spend", "name": "Spend"}]), by=a_manager(), now=NOW)
    a_rule = draft.rules.get()
    Rule.objects.create(
        rule_set=draft, code="odd", name="Odd", activity_type=a_rule.activity_type, condition=KEY_ROWS,
        formula={"kind": "fixed", "points": 5},
    )  # fmt: skip
    return draft


def step(draft: RuleSet, name: str) -> str:
    return reverse(STEP.format(name), args=[draft.pk])


def somebody_in(group: str) -> Client:
    ensure_groups()
    user = a_user(name="Ada Approver", is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    client = Client()
    client.force_login(user)
    return client


def test_everything_that_a_decision_rests_on_stands_on_one_page(desk: Client, draft: RuleSet) -> None:
    page, approver, viewer = reverse(CHANGE, args=[draft.pk]), somebody_in(APPROVER), somebody_in(VIEWER)
    odd = draft.rules.get(code="odd")
    never = "“amount is more than 100 GBP” and “amount is less than 50 GBP” exclude each other."
    seen = ("New – Odd: ", "1 of 1 example comes true.", "All its rules", f"“Odd” can never give anything: {never}",
            "Nothing limits what these rules give over time.", "13: easy to explain")  # fmt: skip

    before = desk.get(step(draft, "ask"))
    desk.post(step(draft, "ask"), {"starts_at": "", "reason": "A fairer spring"})
    request = Approval.objects.get()
    address = reverse("admin:accounts_approval_change", args=[request.pk])
    listed = approver.get(reverse("admin:accounts_approval_changelist"), {"state__exact": "WAITING"})
    review = approver.get(address)

    assert [word for word in seen if word not in words_of(before)] == []
    assert [word for word in seen if word not in words_of(review)] == []
    assert reverse("admin:loyalty_rule_change", args=[odd.pk]) in links_of(review, r".*/rule/.*")
    assert "A fairer spring" in words_of(review)
    assert "as soon as it is approved" in words_of(review)
    assert "Rules of a program" in words_of(listed)
    assert address in [link.partition("?")[0] for link in links_of(listed, r".*/approval/.*")]
    # Whoever asked, and whoever only looks on, reads the request and decides nothing.
    for other, status in ((desk, 409), (viewer, 403)):
        assert "formaction" not in other.get(address).content.decode()
        assert other.post(f"{address.removesuffix('change/')}approve/").status_code == status
    waits = words_of(desk.get(page))
    assert "Maxine Manager asked for it on" in waits
    assert "waits for approval" in waits


def test_draft_beside_one_that_waits_names_that_one_and_its_state(desk: Client, draft: RuleSet) -> None:
    desk.post(step(draft, "ask"), {"starts_at": "", "reason": "A fairer spring"})
    alone = "What one of them changes, the others do not have: whichever begins later holds alone."

    before = words_of(desk.get(step(draft, "draft")))
    made = desk.post(step(draft, "draft"), follow=True)
    again = words_of(desk.get(step(draft, "draft")))

    itself = "Version 2 is a draft itself (waits for approval): what you change in the new one, it does not get."
    assert itself in before
    assert "further drafts" not in before
    assert [str(message) for message in made.context["messages"]] == [
        "Club v3 is drawn up; its rules can be changed now.",
        f"There are further drafts of this program: version 2 (waits for approval). {alone}",
    ]
    assert f"{itself} There are further drafts of this program: version 3 (draft). {alone}" in again
    assert "version 2 (waits for approval)" in words_of(desk.get(made.redirect_chain[0][0]))
    in_force = step(RuleSet.objects.get(version=1), "draft")
    told = f"There are further drafts of this program: version 2 (waits for approval) and version 3 (draft). {alone}"
    assert told in words_of(desk.get(in_force))


def test_what_was_edited_is_asked_for_anew_and_what_is_rejected_stays_a_draft(desk: Client, draft: RuleSet) -> None:
    page, approver = reverse(CHANGE, args=[draft.pk]), somebody_in(APPROVER)
    desk.post(step(draft, "ask"), {"starts_at": "", "reason": "A fairer spring"})
    address = reverse("admin:accounts_approval_change", args=[Approval.objects.get().pk])
    odd = draft.rules.get(code="odd")

    Rule.objects.filter(pk=odd.pk).update(name="Odder")
    edited = approver.get(address)
    refused = approver.post(f"{address.removesuffix('change/')}approve/", {"reason": "Fine"})
    nothing_said = approver.post(f"{address.removesuffix('change/')}reject/", {"reason": ""})

    assert "Version 2 was edited after it was asked for, so it cannot be approved as it is" in words_of(edited)
    assert refused.status_code == 409
    assert "Version 2 was edited after it was asked for" in refused.context["form"].non_field_errors()[0]
    assert (nothing_said.status_code, set(nothing_said.context["form"].errors)) == (422, {"reason"})
    assert desk.post(reverse("admin:loyalty_ruleset_delete", args=[draft.pk]), {"post": "yes"}).status_code == 403

    desk.post(step(draft, "ask"), {"starts_at": "", "reason": "With another name"})
    second = Approval.objects.get(state="WAITING")
    rejected = approver.post(
        reverse("admin:accounts_approval_reject", args=[second.pk]), {"reason": "Drop the odd one"}, follow=True
    )
    assert "Rejected: the version stays a draft." in words_of(rejected)
    assert "Ada Approver: Drop the odd one" in words_of(desk.get(page))

    Rule.objects.filter(pk=odd.pk).delete()
    desk.post(step(draft, "ask"), {"starts_at": "", "reason": "Without it"})
    third = Approval.objects.get(state="WAITING")
    done = approver.post(reverse("admin:accounts_approval_approve", args=[third.pk]), follow=True)
    assert "Approved: the version is put in force." in words_of(done)
    assert list(Program.objects.get().rule_sets.order_by("version").values_list("status", flat=True)) == [
        "RETIRED", "ACTIVE",
    ]  # fmt: skip
    assert "approved" in words_of(desk.get(page))


def test_steps_follow_what_can_be_done_and_a_stale_page_is_told(desk: Client, draft: RuleSet) -> None:
    page = reverse(CHANGE, args=[draft.pk])

    def offered() -> list[str]:
        return links_of(desk.get(page), r".*/(ask|withdraw|activate)/")

    assert offered() == [step(draft, "ask")]
    desk.post(step(draft, "ask"), {"starts_at": "", "reason": "Spring"})
    assert offered() == [step(draft, "withdraw")]
    again = desk.post(step(draft, "ask"), {"starts_at": "", "reason": "Spring"})
    assert again.status_code == 409
    assert "Maxine Manager asked for version 2 on" in again.content.decode()
    draft.rules.update(name="Called otherwise")
    assert offered() == [step(draft, "ask"), step(draft, "withdraw")]
    desk.post(step(draft, "withdraw"))
    assert offered() == [step(draft, "ask")]
    late = desk.post(step(draft, "withdraw"))
    assert late.status_code == 409
    assert "there is nothing left to do" in late.content.decode()
