"""Versions of rules: drawn up, put in force, taken out of force; every refusal changes nothing."""

from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.models import Approval, AuditEntry, User
from loyalty.models import Campaign, ProductList, Program, Rule, RuleCap, RuleSet
from loyalty.rulesets import (
    NoRulesError,
    NotADraftError,
    NotInForceError,
    StartsTooEarlyError,
    UnsoundRuleError,
    VersionError,
    activate,
    draft_from,
    retire,
)
from tests.examples.test_running import an_example
from tests.factories.world import EPOCH, NOW, a_manager, a_program, a_rule_set

DAY = timedelta(days=1)
Status = RuleSet.Status


@pytest.fixture
def program(db: None) -> Program:
    return a_program(tiers={"basic": 0})


def a_draft(program: Program, *, rules: int = 1) -> RuleSet:
    return a_rule_set(program, [{}] * rules, starts_at=EPOCH, status=Status.DRAFT)


def everything() -> list[Any]:
    """All that a refusal leaves as it is."""
    return [
        list(model._default_manager.order_by("pk").values())
        for model in (RuleSet, Rule, RuleCap, ProductList, Campaign, AuditEntry)
    ]


def terms(program: Program) -> list[tuple[int, str, datetime | None, datetime | None]]:
    return list(program.rule_sets.order_by("version").values_list("version", "status", "starts_at", "ends_at"))


def test_draft_copies_rules_and_limits_into_the_next_version(program: Program, manager: User) -> None:
    original = a_rule_set(
        program,
        [
            {
                "code": "a",
                "condition": {"fact": "activity.amount", "op": "gt", "value": 5},
                "caps": [("COMPANY", "DAY", 7)],
            },
            {"code": "b", "beneficiary": "BOTH", "caps": [("EMPLOYEE", "YEAR", 8), ("PROGRAM", "EVER", 9)]},
        ],
        lists={"tools": ["SAW-1", "DRILL-9"]},
        campaigns=[{"code": "spring", "factor": "1.5", "budget": 7}, {"code": "fair"}],
        combining="HIGHEST",
    )
    columns = ("code", "name", "position", "activity_type", "condition", "formula", "beneficiary")

    draft = draft_from(rule_set=original, by=manager, now=NOW)

    assert (draft.version, draft.status, draft.starts_at) == (2, Status.DRAFT, None)
    assert list(draft.rules.order_by("code").values(*columns)) == list(original.rules.order_by("code").values(*columns))
    assert list(
        RuleCap.objects.filter(rule__rule_set=draft).order_by("limit").values_list("rule__code", "subject", "limit")
    ) == [("a", "COMPANY", 7), ("b", "EMPLOYEE", 8), ("b", "PROGRAM", 9)]
    assert draft.combining == "HIGHEST"
    of_campaigns = ("code", "name", "starts_on", "ends_on", "factor", "budget")
    assert list(draft.campaigns.order_by("pk").values(*of_campaigns)) == list(
        original.campaigns.order_by("pk").values(*of_campaigns)
    )
    assert list(draft.product_lists.values_list("code", "name", "products")) == [
        ("tools", "Tools", ["SAW-1", "DRILL-9"])
    ]
    entry = AuditEntry.objects.get(action="rule-set-drafted")
    assert (entry.actor, entry.numbers) == (manager, {"version": 2, "copied_from": 1})


def test_first_version_may_start_in_the_past(program: Program, manager: User) -> None:
    draft = a_draft(program)

    activate(rule_set=draft, by=manager, starts_at=EPOCH, now=NOW)

    assert terms(program) == [(1, Status.ACTIVE, EPOCH, None)]


def test_version_put_in_force_ends_the_one_before(program: Program, manager: User) -> None:
    a_rule_set(program)
    draft = a_draft(program)

    activated = activate(rule_set=draft, by=manager, starts_at=NOW, now=NOW)

    assert activated.pk == draft.pk
    assert terms(program) == [(1, Status.RETIRED, EPOCH, NOW), (2, Status.ACTIVE, NOW, None)]
    entry = AuditEntry.objects.get(action="rule-set-activated")
    assert (entry.actor, entry.subject_id, entry.numbers["takes_the_place_of"]) == (manager, draft.pk, 1)


def test_version_can_be_put_in_force_for_later(program: Program, manager: User) -> None:
    a_rule_set(program)

    activate(rule_set=a_draft(program), by=manager, starts_at=NOW + DAY, now=NOW)

    assert terms(program) == [(1, Status.ACTIVE, EPOCH, NOW + DAY), (2, Status.ACTIVE, NOW + DAY, None)]


def test_versions_of_other_programs_are_left_alone(program: Program, manager: User) -> None:
    other = a_rule_set(a_program())
    a_rule_set(program)

    activate(rule_set=a_draft(program), by=manager, starts_at=NOW, now=NOW)

    other.refresh_from_db()
    assert (other.status, other.ends_at) == (Status.ACTIVE, None)


def test_rule_set_is_not_activated_twice(program: Program, manager: User) -> None:
    draft = a_draft(program)
    activate(rule_set=draft, by=manager, starts_at=NOW, now=NOW)
    before = everything()

    with pytest.raises(NotADraftError, match="put in force already"):
        activate(rule_set=draft, by=manager, starts_at=NOW + DAY, now=NOW)

    assert everything() == before


def test_version_without_rules_is_refused(program: Program, manager: User) -> None:
    a_rule_set(program)
    draft = a_draft(program, rules=0)
    before = everything()

    with pytest.raises(NoRulesError, match="has no rules"):
        activate(rule_set=draft, by=manager, starts_at=NOW, now=NOW)

    assert everything() == before


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"condition": {"all": [{"fact": "standing.tier", "op": "eq", "value": "gld"}]}}, r"“Odd”.*all\[0\]: 'gld'"),
        ({"formula": {"kind": "fixed", "points": -1}}, "“Odd”.*points: -1"),
        (
            {"condition": {"fact": "activity.product_lists", "op": "has", "value": "tools"}},
            "“Odd”.*There is no fact 'activity.product_lists'",
        ),
        (
            {"formula": {"kind": "fixed", "points": 1, "multipliers": {"campaigns": ["gone"]}}},
            r"“Odd”.*multipliers.campaigns\[0\]: 'gone' is not a campaign of this version",
        ),
    ],
)
def test_unsound_rule_is_refused_by_name_and_place(
    program: Program, manager: User, fields: dict[str, Any], said: str
) -> None:
    a_rule_set(program)
    draft = a_rule_set(program, [{}, {"name": "Odd", **fields}], status=Status.DRAFT)
    before = everything()

    with pytest.raises(UnsoundRuleError, match=said) as caught:
        activate(rule_set=draft, by=manager, starts_at=NOW, now=NOW)

    assert caught.value.rule_code == "rule-1"
    assert everything() == before


def test_second_version_cannot_start_in_the_past(program: Program, manager: User) -> None:
    a_rule_set(program)
    draft = a_draft(program)
    before = everything()

    with pytest.raises(StartsTooEarlyError, match="cannot begin in the past"):
        activate(rule_set=draft, by=manager, starts_at=NOW - timedelta(seconds=1), now=NOW)

    assert everything() == before


@pytest.mark.parametrize("lead", [DAY, timedelta(0)])
def test_version_cannot_start_before_one_that_is_to_come(program: Program, manager: User, lead: timedelta) -> None:
    a_rule_set(program)
    activate(rule_set=a_draft(program), by=manager, starts_at=NOW + DAY * 2, now=NOW)
    draft = a_draft(program)
    before = everything()

    with pytest.raises(StartsTooEarlyError, match="Version 2 begins on"):
        activate(rule_set=draft, by=manager, starts_at=NOW + DAY * 2 - lead, now=NOW)

    assert everything() == before


def test_retired_version_ends_now(program: Program, manager: User) -> None:
    rule_set = a_rule_set(program)

    retire(rule_set=rule_set, by=manager, now=NOW)

    assert terms(program) == [(1, Status.RETIRED, EPOCH, NOW)]
    assert AuditEntry.objects.get(action="rule-set-retired").actor == manager


def test_version_retired_before_it_begins_lets_the_one_before_go_on(program: Program, manager: User) -> None:
    a_rule_set(program)
    planned = activate(rule_set=a_draft(program), by=manager, starts_at=NOW + DAY, now=NOW)

    retire(rule_set=planned, by=manager, now=NOW)
    third = activate(rule_set=a_draft(program), by=manager, starts_at=NOW + DAY, now=NOW)

    assert third.version == 3
    assert terms(program) == [
        (1, Status.ACTIVE, EPOCH, NOW + DAY),
        (2, Status.RETIRED, NOW + DAY, NOW + DAY),
        (3, Status.ACTIVE, NOW + DAY, None),
    ]


@pytest.mark.parametrize("status", [Status.DRAFT, Status.RETIRED, Status.ACTIVE])
def test_only_a_version_in_force_is_retired(program: Program, manager: User, status: str) -> None:
    rule_set = a_rule_set(program, ends_at=NOW, status=status)
    before = everything()

    with pytest.raises(NotInForceError, match="is not in force"):
        retire(rule_set=rule_set, by=manager, now=NOW)

    assert everything() == before


@pytest.mark.django_db(transaction=True)
def test_two_managers_activate_one_after_the_other() -> None:
    program = a_program()
    a_rule_set(program)
    drafts = [a_draft(program), a_draft(program)]
    by = a_manager()
    start, refused = Barrier(2), []

    def activate_it(draft: RuleSet) -> None:
        try:
            start.wait()
            activate(rule_set=draft, by=by, starts_at=NOW, now=NOW)
        except VersionError as error:
            refused.append(type(error))
        finally:
            connection.close()

    threads = [Thread(target=activate_it, args=(draft,)) for draft in drafts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert refused == [StartsTooEarlyError]
    assert RuleSet.objects.filter(status=Status.ACTIVE, starts_at=NOW, ends_at=None).count() == 1
    assert AuditEntry.objects.filter(action="rule-set-activated").count() == 1


def step(rule_set: RuleSet, name: str) -> str:
    return reverse(f"admin:loyalty_ruleset_{name}", args=[rule_set.pk])


def test_new_version_in_the_admin_is_a_numbered_draft(desk: Client, program: Program) -> None:
    a_rule_set(program)

    desk.post(reverse("admin:loyalty_ruleset_add"), {"program": program.pk, "combining": "MULTIPLY"})

    assert terms(program)[1] == (2, Status.DRAFT, None, None)


def test_steps_are_confirmed_before_they_are_taken(desk: Client, program: Program) -> None:
    rule_set = a_rule_set(program)
    before = everything()

    pages = [desk.get(step(rule_set, name)) for name in ("ask", "retire", "draft")]

    assert [page.status_code for page in pages] == [200, 200, 200]
    assert everything() == before


def test_manager_drafts_another_approves_and_the_version_is_retired(desk: Client, program: Program) -> None:
    first = a_rule_set(program)
    an_example(program, {"gives_company": 100})
    another = Client()
    another.force_login(a_manager())

    drafted = desk.post(step(first, "draft"))
    second = program.rule_sets.get(version=2)
    desk.post(step(second, "ask"), {"starts_at": "", "reason": "Spring"})
    approved = another.post(reverse("admin:accounts_approval_approve", args=[Approval.objects.get().pk]), follow=True)
    statuses_then = [status for _version, status, _start, _end in terms(program)]
    retired = desk.post(step(second, "retire"), follow=True)

    assert drafted.headers["Location"] == reverse("admin:loyalty_ruleset_change", args=[second.pk])
    assert "is put in force" in approved.content.decode()
    assert statuses_then == [Status.RETIRED, Status.ACTIVE]
    assert "is taken out of force" in retired.content.decode()
    assert [status for _version, status, _start, _end in terms(program)] == [Status.RETIRED, Status.RETIRED]


def test_moment_is_read_in_the_managers_time_zone(desk: Client, program: Program, manager: User) -> None:
    manager.time_zone = "Asia/Tokyo"
    manager.save()
    draft = a_draft(program)
    an_example(program, {"gives_company": 100})

    desk.post(step(draft, "ask"), {"starts_at": "2030-01-01T09:00", "reason": "A new year"})

    draft.refresh_from_db()
    assert draft.wanted_start_at == datetime(2030, 1, 1, tzinfo=UTC)


def test_refusal_is_said_on_the_page(desk: Client, program: Program) -> None:
    rule_set = a_rule_set(program)
    before = everything()

    page = desk.post(step(rule_set, "ask"), {"reason": "Again"})
    garbled = desk.post(step(rule_set, "ask"), {"starts_at": "soon"})

    assert (page.status_code, garbled.status_code) == (409, 422)
    assert "put in force already" in page.content.decode()
    assert {"starts_at", "reason"} == set(garbled.context["form"].errors)
    assert everything() == before


def test_step_of_a_version_that_is_not_there_is_not_found(desk: Client) -> None:
    assert desk.get(reverse("admin:loyalty_ruleset_ask", args=[4711])).status_code == 404


def test_version_in_force_cannot_be_deleted_but_a_draft_can(desk: Client, program: Program) -> None:
    in_force, draft = a_rule_set(program), a_draft(program)

    refused = desk.post(reverse("admin:loyalty_ruleset_delete", args=[in_force.pk]), {"post": "yes"})
    desk.post(reverse("admin:loyalty_ruleset_delete", args=[draft.pk]), {"post": "yes"})

    assert refused.status_code == 403
    assert list(program.rule_sets.all()) == [in_force]
