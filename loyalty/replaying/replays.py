"""A replay as managers ask for it: a job works it out, its result is kept beside the draft that it was made for."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from accounts import audit, jobs
from accounts.conditions import ConditionError
from accounts.jobs import JobFailedError, JobKind, Run
from accounts.models import User
from accounts.reader import READER
from loyalty.agreements import unfit_for
from loyalty.earning import FormulaError
from loyalty.models import Replay, ReplayedCompany, RuleSet
from loyalty.replaying.comparing import Comparison, compare
from loyalty.replaying.run import suppose
from loyalty.rulebook import fingerprint

REPLAY = "rule-set-replay"
_ROWS = 2_000
THE_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


def job_kinds() -> list[JobKind]:
    """Return the kind of job that works a replay out."""
    return [JobKind(REPLAY, gettext_lazy("Replay of a draft"), _work_out)]


def ask_for_replay(*, rule_set: RuleSet, days: int, by: User, now: datetime) -> Replay:
    """Ask for a replay of a version over so many days (0: everything); returns it, to be worked out by a job."""
    with transaction.atomic():
        job = jobs.ask(kind=REPLAY, parameters={"rule_set": rule_set.pk, "days": days}, asked_by_id=by.pk, now=now)
        replay = Replay.objects.create(
            rule_set=rule_set, days=days, fingerprint=fingerprint(rule_set), asked_by=by, asked_at=now, job=job
        )
        audit.record("rule-set-replay-asked", rule_set, actor_id=by.pk, now=now, version=rule_set.version, days=days)
    return replay


def latest_replay(rule_set: RuleSet) -> Replay | None:
    """Return the latest replay that is finished of the version as it stands now; None where it was edited since."""
    found = Replay.objects.filter(rule_set=rule_set, finished_at__isnull=False, fingerprint=fingerprint(rule_set))
    return found.order_by("-asked_at").first()


def _work_out(run: Run) -> Mapping[str, object]:
    replay = Replay.objects.select_related("rule_set__program", "asked_by").filter(job=run.job).first()
    if replay is None:
        raise JobFailedError(_("The draft was deleted meanwhile."))
    with override(replay.asked_by.language):
        return _work_out_for(replay, run)


def _work_out_for(replay: Replay, run: Run) -> Mapping[str, object]:
    rule_set, now = replay.rule_set, run.began_at
    if unfit := unfit_for(rule_set, starts_at=now):
        raise JobFailedError(unfit)
    before = fingerprint(rule_set)
    from_ = now - timedelta(days=replay.days) if replay.days else THE_BEGINNING
    try:
        supposed = suppose(rule_set, from_=from_, now=now, on_progress=run.report)
    except FormulaError as error:
        raise JobFailedError(error.translated(READER)) from error
    except ConditionError as error:
        raise JobFailedError(f"{error.path}: {error.translated(READER)}") from error
    comparison = compare(rule_set.program, supposed, from_=from_, now=now)
    if fingerprint(rule_set) != before:
        raise JobFailedError(_("The draft was edited while it was replayed. Ask for another replay."))
    replay.fingerprint = before
    _keep(replay, comparison, supposed.activities, since=from_, now=now)
    return {"replay": replay.pk, "activities": supposed.activities}


def _keep(replay: Replay, found: Comparison, activities: int, *, since: datetime, now: datetime) -> None:
    replay.points_today, replay.points_then = found.totals
    replay.activities, replay.since, replay.finished_at = activities, since, now
    replay.findings = {
        "months": found.months, "tiers": found.tiers, "segments": found.segments, "roles": found.roles,
    }  # fmt: skip
    with transaction.atomic():
        replay.companies.all().delete()
        ReplayedCompany.objects.bulk_create(
            (
                ReplayedCompany(
                    replay=replay,
                    company_id=row.company_id,
                    points_today=row.points[0],
                    points_then=row.points[1],
                    tier_today=row.tier_today,
                    tier_then=row.tier_then,
                    rules=dict(row.rules),
                    months=dict(row.months),
                    roles=dict(row.roles),
                    segments=list(row.segments),
                )
                for row in found.companies
            ),
            batch_size=_ROWS,
        )
        replay.save()
