"""A replay as a manager asks for it: a job works it out, its page says what would be, every number leads to rows."""

import csv
import io
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.utils import label_for_field
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.text import capfirst

from accounts import jobs
from accounts.models import Company, Job, SegmentMembership, User
from loyalty.models import Membership, Program, Replay, ReplayedCompany, Rule, RuleSet, Tier
from loyalty.replaying import as_it_stands, ask_for_replay, job_kinds, latest_replay, past, run, suppose
from loyalty.replaying.replays import THE_BEGINNING
from tests.factories.world import (
    EPOCH,
    NOW,
    a_company,
    a_manager,
    a_member,
    a_program,
    a_purchase,
    a_role,
    a_rule_set,
    a_segment,
    an_agreement,
    an_employee,
    consent_to,
    record,
)

pytestmark = pytest.mark.django_db

PER_POUND = {"kind": "per", "points": 1, "step": "1", "of": "activity.amount"}
TWICE = {"kind": "per", "points": 2, "step": "1", "of": "activity.amount"}


@pytest.fixture
def program() -> Program:
    """Two companies, one of which bought much and long ago, the other little and of late; one of its people earns."""
    program = a_program(tiers={"bronze": 0, "silver": 500}, point_value="0.02")
    a_rule_set(program, [{"code": "spend", "name": "A point a pound"}])
    large, small = (a_member(program, a_company(name=name)) for name in ("Large", "Small"))
    SegmentMembership.objects.create(company=large.company, segment=a_segment("key"), starts_at=EPOCH)
    anna = an_employee(small.company, login=False)
    a_role(anna, "buyer")
    consent_to(small)
    record(
        a_purchase(large.company, 900, occurred_at=NOW - timedelta(days=200)),
        a_purchase(small.company, 60, occurred_at=NOW - timedelta(days=10), employee_id=anna.pk),
    )
    return program


def a_draft(program: Program) -> RuleSet:
    """Twice for amounts under 100, a half of it for the person, and nothing above."""
    little = {"fact": "activity.amount", "op": "lt", "value": 100}
    return a_rule_set(
        program,
        [
            {"code": "spend", "name": "Two points a pound", "formula": TWICE, "condition": little},
            {"code": "person", "name": "A point for whoever ordered", "beneficiary": "EMPLOYEE", "condition": little},
        ],
        status=RuleSet.Status.DRAFT,
    )


def work(at: datetime = NOW) -> None:
    """Let a worker do what waits: one job."""
    queue = jobs.queue_of(job_kinds(), lambda: at)
    assert [queue.take(at) for _time in range(2)] == [1, 0]


def replayed(program: Program, *, days: int = 0) -> Replay:
    replay = ask_for_replay(rule_set=a_draft(program), days=days, by=a_manager(), now=NOW)
    work()
    replay.refresh_from_db()
    assert replay.finished_at == NOW
    return replay


def rows(replay: Replay) -> list[tuple[Any, ...]]:
    columns = ("company__name", "points_today", "points_then", "difference", "tier_today", "tier_then", "rules")
    return [*replay.companies.order_by("company__name").values_list(*columns)]


def test_what_would_be_stands_beside_what_is(program: Program) -> None:
    replay = replayed(program)

    assert (replay.activities, replay.points_today, replay.points_then) == (2, 960, 180)
    assert replay.findings == {
        "months": [["2025-11-01", 900, 0], ["2026-06-01", 60, 180]],
        "tiers": [["bronze", 60, 180], ["silver", 900, 0]],
        "segments": [["", 60, 180], ["key", 900, 0]],
        "roles": [["*company", 960, 120], ["buyer", 0, 60]],
    }
    assert rows(replay) == [
        ("Large", 900, 0, -900, "silver", "silver", {"spend": [900, 0]}),
        ("Small", 60, 180, 120, "bronze", "bronze", {"person": [0, 60], "spend": [60, 120]}),
    ]


def test_draft_is_deleted_with_what_its_replay_found(program: Program, client: Client) -> None:
    draft = replayed(program).rule_set
    client.force_login(a_manager())
    address = reverse("admin:loyalty_ruleset_delete", args=[draft.pk])

    assert b'name="post"' in client.get(address).content
    client.post(address, {"post": "yes"})

    assert not RuleSet.objects.filter(pk=draft.pk).exists()
    assert not Replay.objects.exists()


def test_past_is_gone_through_page_by_page(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    company = Company.objects.get(name="Large")
    record(*(a_purchase(company, 10 + number) for number in range(7)))
    whole = suppose(a_draft(program), from_=THE_BEGINNING, now=NOW)

    monkeypatch.setattr(past, "_PAGE", 2)

    assert suppose(program.rule_sets.latest("pk"), from_=THE_BEGINNING, now=NOW) == whole
    assert whole.activities == 9


@pytest.mark.django_db(transaction=True)
def test_progress_is_told_outside_any_transaction_and_cancel_ends_it(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    replay = ask_for_replay(rule_set=a_draft(program), days=0, by=a_manager(), now=NOW)
    monkeypatch.setattr(run, "_TOLD_EVERY", 1)
    told: list[bool] = []
    report = jobs.Run.report

    def hear(self: jobs.Run, done: int, total: int = 0) -> None:
        told.append(connection.in_atomic_block)
        Job.objects.filter(pk=self.job.pk).update(is_cancel_asked=True)
        report(self, done, total)

    monkeypatch.setattr(jobs.Run, "report", hear)
    assert jobs.queue_of(job_kinds(), lambda: NOW).take(NOW) == 1

    replay.refresh_from_db()
    assert told == [False]
    assert (Job.objects.get(pk=replay.job_id).state, replay.finished_at) == ("CANCELLED", None)
    assert not ReplayedCompany.objects.exists()


def test_only_the_days_asked_for_are_compared(program: Program) -> None:
    replay = replayed(program, days=30)

    assert (replay.points_today, replay.points_then) == (60, 180)
    assert [row[:3] for row in rows(replay)] == [("Large", 0, 0), ("Small", 60, 180)]


def test_rules_in_force_would_give_what_they_gave(program: Program) -> None:
    in_force = program.rule_sets.get()

    supposed = suppose(in_force, from_=THE_BEGINNING, now=NOW)

    assert supposed.side == as_it_stands(program, from_=THE_BEGINNING)


def test_replay_counts_until_the_draft_is_edited(program: Program) -> None:
    replay = replayed(program)
    draft = replay.rule_set
    assert latest_replay(draft) == replay

    rule = draft.rules.get(code="person")
    rule.formula = {"kind": "fixed", "points": 3}
    rule.save()

    assert latest_replay(draft) is None
    rule.formula = PER_POUND
    rule.save()
    assert latest_replay(draft) == replay


def test_draft_that_is_deleted_takes_its_replays_along_and_the_job_says_so(program: Program) -> None:
    replay = ask_for_replay(rule_set=a_draft(program), days=0, by=a_manager(), now=NOW)
    Rule.objects.filter(rule_set=replay.rule_set).delete()
    replay.rule_set.delete()

    queue = jobs.queue_of(job_kinds(), lambda: NOW)
    queue.take(NOW)

    assert not Replay.objects.exists()
    job = Job.objects.get()
    assert (job.state, job.failure) == ("FAILED", "The draft was deleted meanwhile.")


def test_what_was_agreed_and_does_not_fit_the_draft_is_said(program: Program) -> None:
    membership = Membership.objects.get(company__name="Large")
    an_agreement(membership, rates={"spend": {"kind": "fixed", "points": 1}})
    draft = a_rule_set(
        program, [{"code": "spend", "formula": {"kind": "fixed", "points": 0}}], status=RuleSet.Status.DRAFT
    )
    Rule.objects.filter(rule_set=draft).update(formula={"kind": "gone"})
    ask_for_replay(rule_set=draft, days=0, by=a_manager(), now=NOW)

    jobs.queue_of(job_kinds(), lambda: NOW).take(NOW)

    assert Job.objects.get().state == "FAILED"
    assert not ReplayedCompany.objects.exists()


def test_manager_asks_for_a_replay_and_reads_what_it_found(program: Program, client: Client) -> None:
    manager = a_manager()
    client.force_login(manager)
    draft = a_draft(program)

    page = client.get(reverse("admin:loyalty_ruleset_change", args=[draft.pk]))
    assert reverse("admin:loyalty_ruleset_replay", args=[draft.pk]) in page.content.decode()
    asked = client.post(reverse("admin:loyalty_ruleset_replay", args=[draft.pk]), {"days": "0"})
    replay = Replay.objects.get()
    assert asked.headers["Location"] == reverse("admin:loyalty_replay_change", args=[replay.pk])
    assert "It waits for its turn." in client.get(asked.headers["Location"]).content.decode()
    work(timezone.now())

    shown = client.get(asked.headers["Location"])
    text = shown.content.decode()
    assert shown.context["total"].difference == -780
    assert [str(sum_) for sum_ in shown.context["money"]] == ["19.20", "3.60", "-15.60"]
    assert '<bdi class="amount amount-out" dir="ltr">−15.60</bdi> GBP' in text
    assert "A point for whoever ordered" in text
    (gained, [up]), (lost, [down]) = shown.context["movers"]
    assert (gained, up.row.company.name, [(pair.name, pair.difference) for pair in up.rules]) == (
        "Most gained", "Small", [("Two points a pound", 60), ("A point for whoever ordered", 60)],
    )  # fmt: skip
    assert (lost, down.row.company.name, down.row.difference) == ("Most lost", "Large", -900)
    listed = client.get(shown.context["total"].url)
    assert [row.company.name for row in listed.context["cl"].result_list] == ["Small", "Large"]


@pytest.mark.parametrize("bad", ["", "7", "ever"])
def test_replay_over_other_days_is_refused(program: Program, client: Client, bad: str) -> None:
    client.force_login(a_manager())

    answer = client.post(reverse("admin:loyalty_ruleset_replay", args=[a_draft(program).pk]), {"days": bad})

    assert answer.status_code == 422
    assert not Replay.objects.exists()
    assert not Job.objects.exists()


def test_page_costs_the_same_with_many_companies(program: Program, client: Client) -> None:
    client.force_login(a_manager())
    replay = replayed(program)
    url = reverse("admin:loyalty_replay_change", args=[replay.pk])
    client.get(url)
    with CaptureQueriesContext(
        connection,
    ) as few:
        client.get(url)
    ReplayedCompany.objects.bulk_create(
        ReplayedCompany(
            replay=replay, company=a_company(), points_today=0, points_then=number, rules={"spend": [0, number]}
        )
        for number in range(1, 30)
    )

    with CaptureQueriesContext(connection) as many:
        client.get(url)

    assert len(few) == len(many) <= 20


def test_nobody_else_sees_a_replay(program: Program, client: Client) -> None:
    replay = replayed(program)
    viewer: User = an_employee(Company.objects.get(name="Small")).user  # type: ignore[assignment]
    client.force_login(viewer)

    assert client.get(reverse("admin:loyalty_replay_change", args=[replay.pk])).status_code == 302


def test_replay_is_stopped_on_its_page_and_asked_for_again_from_there(program: Program, client: Client) -> None:
    client.force_login(a_manager())
    draft = a_draft(program)
    page = client.post(reverse("admin:loyalty_ruleset_replay", args=[draft.pk]), {"days": "0"}).headers["Location"]
    stop = reverse("admin:loyalty_replay_cancel", args=[Replay.objects.get().pk])
    assert f'action="{stop}"' in client.get(page).content.decode()

    first, second = (client.post(stop, follow=True) for _time in range(2))

    assert (first.redirect_chain, second.redirect_chain) == ([(page, 302)], [(page, 302)])
    assert [str(message) for message in first.context["messages"]] == ["It is cancelled."]
    assert [str(message) for message in second.context["messages"]] == [
        "Meanwhile the job has moved on. Look at it again."
    ]
    assert "It was cancelled." in first.content.decode()
    assert stop not in first.content.decode()
    assert reverse("admin:loyalty_ruleset_replay", args=[draft.pk]) in first.content.decode()
    assert client.get(stop).status_code == 405


def test_replay_that_runs_says_that_it_is_being_stopped(program: Program, client: Client) -> None:
    manager = a_manager()
    client.force_login(manager)
    replay = ask_for_replay(rule_set=a_draft(program), days=0, by=manager, now=NOW)
    Job.objects.update(state=Job.State.RUNNING)
    stop = reverse("admin:loyalty_replay_cancel", args=[replay.pk])

    stopped = client.post(stop, follow=True)

    assert [str(message) for message in stopped.context["messages"]] == ["It stops at its next step."]
    assert "It is being stopped." in stopped.content.decode()
    assert stop not in stopped.content.decode()
    assert Job.objects.get().is_cancel_asked


def test_replay_of_somebody_else_is_not_stopped(program: Program, client: Client) -> None:
    replay = ask_for_replay(rule_set=a_draft(program), days=0, by=a_manager(), now=NOW)
    client.force_login(a_manager())
    stop = reverse("admin:loyalty_replay_cancel", args=[replay.pk])

    assert stop not in client.get(reverse("admin:loyalty_replay_change", args=[replay.pk])).content.decode()
    assert client.post(stop).status_code == 403
    assert client.post(reverse("admin:loyalty_replay_cancel", args=[replay.pk + 1])).status_code == 404

    assert Job.objects.get().state == Job.State.QUEUED


def tables(page: Any) -> dict[str, list[tuple[str, int, int]]]:
    return {
        heading: [(pair.name, pair.today, pair.then) for pair in pairs] for heading, pairs in page.context["tables"]
    }


def test_every_sum_leads_to_the_companies_that_it_is_made_of(program: Program, client: Client) -> None:
    client.force_login(a_manager())
    page = client.get(reverse("admin:loyalty_replay_change", args=[replayed(program).pk]))

    assert tables(page) == {
        "By month": [("November 2025", 900, 0), ("June 2026", 60, 180)],
        "By tier as it is now": [("Bronze", 60, 180), ("Silver", 900, 0)],
        "By segment": [("Key", 900, 0), ("companies in no segment", 60, 180)],
        "By role": [("the company itself", 960, 120), ("Buyer", 0, 60)],
    }
    columns = {"By month": ("month_today", "month_then"), "By role": ("role_today", "role_then")}
    for heading, pairs in page.context["tables"]:
        today, then = columns.get(heading, ("points_today", "points_then"))
        for pair in pairs:
            listed = client.get(pair.url)
            found = read_csv(client.post(pair.url.replace("/?", "/export/?")))
            labels = [label_of(name) for name in (today, then)]
            assert [sum(int(row[label]) for row in found) for label in labels] == [pair.today, pair.then], pair
            assert len(listed.context["cl"].result_list) == len(found)


def test_sums_of_a_replay_from_before_companies_kept_their_parts_lead_nowhere(program: Program, client: Client) -> None:
    client.force_login(a_manager())
    replay = replayed(program)
    replay.companies.update(months={}, roles={}, segments=[])

    page = client.get(reverse("admin:loyalty_replay_change", args=[replay.pk]))

    leads = {heading: {bool(pair.url) for pair in pairs} for heading, pairs in page.context["tables"]}
    assert leads == {"By month": {False}, "By tier as it is now": {True}, "By segment": {False}, "By role": {False}}


def read_csv(answer: Any) -> list[dict[str, str]]:
    return [*csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig")))]


def label_of(name: str) -> str:
    page: Any = admin.site.get_model_admin(ReplayedCompany)
    label = str(label_for_field(name, ReplayedCompany, model_admin=page))
    return capfirst(label)


def test_tiers_stand_in_the_order_of_their_ranks_and_by_their_names(program: Program, client: Client) -> None:
    client.force_login(a_manager())
    Tier.objects.filter(code="bronze").update(code="z", name="Zinc")
    Tier.objects.filter(code="silver").update(code="a", name="Ash")
    replay = replayed(program)
    replay.companies.filter(company__name="Small").update(tier_then="a")
    replay.companies.filter(company__name="Large").update(tier_then="")
    replay.companies.create(company=a_company(name="New"), points_today=0, points_then=0, tier_then="z")

    page = client.get(reverse("admin:loyalty_replay_change", args=[replay.pk]))

    assert [row[0] for row in tables(page)["By tier as it is now"]] == ["Zinc", "Ash"]
    assert [move[:3] for move in page.context["moves"]] == [
        ("no tier", "Zinc", 1), ("Zinc", "Ash", 1), ("Ash", "no tier", 1),
    ]  # fmt: skip
    for move, company in zip(page.context["moves"], ["New", "Small", "Large"], strict=True):
        listed = client.get(move[3])
        assert [row.company.name for row in listed.context["cl"].result_list] == [company]
    found = read_csv(client.post(page.context["total"].url.replace("/?", "/export/?")))
    assert [(row["Company"], row["Tier now"], row["Tier then"], row["By rule"]) for row in found] == [
        ("Small", "Zinc", "Ash", "Two points a pound: 60 → 120; A point for whoever ordered: 0 → 60"),
        ("New", "no tier", "Zinc", ""),
        ("Large", "Ash", "no tier", "Two points a pound: 900 → 0"),
    ]
    large = replay.companies.get(company__name="Large")
    one = client.get(reverse("admin:loyalty_replayedcompany_change", args=[large.pk])).content.decode()
    assert "<bdi>Two points a pound</bdi>" in one
    assert f"company__id__exact={large.company_id}&amp;program__id__exact={program.pk}&amp;q=spend" in one
    specs = client.get(page.context["total"].url).context["cl"].filter_specs
    offered = {spec.title: spec.lookup_choices for spec in specs if str(spec.title).startswith("tier ")}
    names = [("", "no tier"), ("z", "Zinc"), ("a", "Ash")]
    assert offered == {"tier now": names, "tier then": names}


@pytest.mark.parametrize("asked", ["month=never", "month=", "role=7", "role=", "segment=x", "tier_today=9", "move=x"])
def test_list_asked_for_what_is_not_there_is_empty_or_whole(program: Program, client: Client, asked: str) -> None:
    client.force_login(a_manager())
    replayed(program)

    listed = client.get(f"{reverse('admin:loyalty_replayedcompany_changelist')}?{asked}")

    assert listed.status_code == 200
    assert len(listed.context["cl"].result_list) == (2 if asked == "move=x" else 0)
