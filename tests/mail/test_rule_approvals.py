"""Who may decide on rules is written to when somebody asks, once and while it waits; whoever asked, of the decision."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.core import mail as outbox

from accounts.groups import APPROVER, MANAGER, VIEWER, approvers, ensure_groups, may_approve
from accounts.models import Approval, Mail, User
from loyalty.activation import ask, decide, withdraw
from loyalty.models import Rule, RuleSet
from loyalty.rulesets import draft_from
from loyalty.versions import VersionError
from tests.examples.test_running import an_example
from tests.factories.world import NOW, a_company, a_manager, a_program, a_rule_set, a_user, an_employee
from tests.mail.conftest import Send

pytestmark = pytest.mark.django_db

SOON, LATER = NOW + timedelta(minutes=1), NOW + timedelta(days=10)


@pytest.fixture
def asker() -> User:
    return a_manager(name="Maxine Manager", email="maxine@vendor.example", language="de", time_zone="Europe/Berlin")


@pytest.fixture
def approver(asker: User) -> User:
    """One of two who may decide, beside others who may not."""
    ensure_groups()
    for name, group, is_active in (("ada", APPROVER, True), ("vera", VIEWER, True), ("gone", MANAGER, False)):
        user = a_user(email=f"{name}@vendor.example", name=name.title(), is_staff=True, is_active=is_active)
        user.groups.add(Group.objects.get(name=group))
    a_manager(email="max@vendor.example", name="Max", time_zone="Europe/London")
    an_employee(a_company())
    ada: User = User.objects.get(email="ada@vendor.example")
    return ada


@pytest.fixture
def draft(asker: User) -> RuleSet:
    program = a_program(name="Club", tiers={"basic": 0})
    an_example(program, {"gives_company": 100})
    return draft_from(rule_set=a_rule_set(program), by=asker, now=NOW)


def asked(draft: RuleSet, by: User) -> RuleSet:
    return ask(rule_set=draft, by=by, starts_at=LATER, reason="A fairer spring", now=NOW)


def went_to() -> list[tuple[str, str]]:
    return sorted((email.to[0], str(email.subject)) for email in outbox.outbox)


def test_everybody_who_may_decide_is_written_to_once(draft: RuleSet, asker: User, approver: User, send: Send) -> None:
    asked(draft, asker)
    with pytest.raises(VersionError):
        asked(draft, asker)
    send(SOON)
    send(SOON)

    subject = "“Club”: version 2 of the rules waits for your approval"
    assert went_to() == [("ada@vendor.example", subject), ("max@vendor.example", subject)]
    text = next(str(email.body) for email in outbox.outbox if email.to == ["max@vendor.example"])
    assert "Maxine Manager asks for version 2 of the rules of “Club” to be put in force: June 25, 2026, 1 p.m." in text
    assert "Why: A fairer spring" in text
    assert f"/admin/accounts/approval/{Approval.objects.get().pk}/" in text
    assert {user.email for user in approvers()} == {user.email for user in User.objects.all() if may_approve(user)}


def test_whoever_asked_is_told_of_the_decision_and_why(draft: RuleSet, asker: User, approver: User, send: Send) -> None:
    asked(draft, asker)
    decide(rule_set_id=draft.pk, by=approver, is_approved=False, reason="Too dear", now=NOW)
    asked(draft, asker)
    decide(rule_set_id=draft.pk, by=approver, is_approved=True, now=NOW)
    send(SOON)

    mine = [email for email in outbox.outbox if email.to == [asker.email]]
    assert len(outbox.outbox) == len(mine) == 2  # nobody is asked any more of what is decided
    rejected, approved = (str(email.body) for email in mine)
    assert "Ada rejected what you asked for: Too dear" in rejected
    assert "Ada approved what you asked for. The version holds from: 25. Juni 2026 14:00" in approved
    assert f"/admin/loyalty/ruleset/{draft.pk}/change/" in approved
    assert set(Mail.objects.filter(kind="rules-asked").values_list("state", flat=True)) == {"UNWANTED"}


def test_what_is_withdrawn_or_asked_anew_is_asked_once(draft: RuleSet, asker: User, approver: User, send: Send) -> None:
    asked(draft, asker)
    Rule.objects.filter(rule_set=draft).update(name="Called otherwise")
    asked(draft, asker)
    send(SOON)
    assert len(outbox.outbox) == approvers().count() - 1
    assert Mail.objects.filter(state="UNWANTED", why="The request was decided or withdrawn meanwhile.").count() == 2

    withdraw(rule_set=draft, by=asker, now=NOW)
    asked(draft, asker)
    User.objects.filter(pk=approver.pk).update(is_staff=False)
    send(SOON)

    assert [email for email, _subject in went_to()].count("ada@vendor.example") == 1
