"""Segments by condition: who is in one is kept as dated rows, so that whatever reads segments reads these, too.

`refresh_segments` writes what changed, at the clock and at once where a condition is saved. It goes through companies
portion by portion, under the locks of the segments, and may be run at any time, twice as well.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Greatest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import company_facts, jobs
from accounts.conditions import (
    Catalogue,
    Condition,
    ConditionError,
    explain,
    holds,
    parse,
    registry,
    sentence,
)
from accounts.facts import COMPANY_SEGMENTS
from accounts.jobs import JobKind, Run
from accounts.models import Company, Job, Segment, SegmentMembership
from accounts.models.companies import SegmentQuerySet
from accounts.reader import READER
from accounts.wording import N_

AT_ONCE = 1_000
"""Up to so many companies a condition is asked while one waits; more are a job's."""

REFRESH = "refresh_segment"

Source = SegmentMembership.Source


class SegmentError(Exception):
    """A segment that cannot be as it was asked for; `str()` says why and what to do."""


@dataclass(frozen=True, slots=True)
class Count:
    """What a condition would do: how many companies it holds for, and how many of them enter or leave."""

    inside: int
    entering: int
    leaving: int


@dataclass(slots=True)
class Refreshed:
    """How many rows began and ended, and the codes of segments whose condition cannot be asked any more."""

    begun: int = 0
    ended: int = 0
    broken: set[str] = field(default_factory=set)


def parse_condition(document: object, catalogue: Catalogue) -> Condition:
    """Return a segment's condition; raises ConditionError where it is none, or asks for what companies are not asked.

    Segments are not among it: two that ask for each other would chase each other for ever.
    """
    condition = parse(document, {**catalogue, COMPANY_SEGMENTS: registry.catalogue()[COMPANY_SEGMENTS]})
    if COMPANY_SEGMENTS in codes_of([condition]):
        raise ConditionError("", N_("A segment does not ask for segments. Ask for what the other segment asks for."))
    return condition


def condition_in_words(segment: Segment) -> str:
    """Return a segment's condition as a sentence; empty where it is listed, and why where it cannot be asked."""
    if not segment.is_by_condition:
        return ""
    catalogue = company_facts.catalogue()
    try:
        return sentence(parse_condition(segment.condition, catalogue), catalogue, READER)
    except ConditionError as error:
        reason = error.translated(_)
        return _("This can no longer be asked: %(reason)s Who is in stays as it is.") % {"reason": reason}


def count(*, segment: Segment, document: object, now: datetime) -> Count:
    """Count what a condition would do to a segment, without doing it. Raises ConditionError."""
    condition = parse_condition(document, company_facts.catalogue())
    inside = SegmentMembership.objects.filter(segment=segment.pk).in_force(now) if segment.pk else None
    before = set(inside.values_list("company", flat=True)) if inside is not None else set()
    entering = staying = 0
    for portion in _portions(None):
        values = company_facts.values_of(codes_of([condition]), portion, at=now)
        held = {company_id for company_id in portion if holds(condition, values[company_id])}
        entering += len(held - before)
        staying += len(held & before)
    return Count(entering + staying, entering, len(before) - staying)


def save_condition(*, segment: Segment, by_id: int, now: datetime) -> Job | Refreshed | None:
    """Save a segment with its condition, and let those in whom it holds for; return what was done, or the job of it.

    Where companies were listed by hand, that ends now. Raises SegmentError: a segment by condition is not listed again.
    """
    with transaction.atomic():
        before = Segment.objects.select_for_update().filter(pk=segment.pk).first() if segment.pk else None
        if before is not None and before.is_by_condition and not segment.is_by_condition:
            raise SegmentError(
                _("Who is in this segment is told by its condition. Make another segment to list companies by hand.")
            )
        segment.save()
        if not segment.is_by_condition or (before is not None and before.condition == segment.condition):
            return None
        listed = SegmentMembership.objects.filter(segment=segment, source=Source.LISTED)
        listed.filter(Q(ends_at=None) | Q(ends_at__gt=now)).update(ends_at=Greatest(F("starts_at"), now))
        if Company.objects.count() > AT_ONCE:
            return jobs.ask(kind=REFRESH, parameters={"segment": segment.pk}, asked_by_id=by_id, now=now)
        return refresh_segments(now=now, segment_ids=[segment.pk])


def refresh_segments(
    *, now: datetime, segment_ids: Iterable[int] | None = None, company_ids: Sequence[int] | None = None
) -> Refreshed:
    """Let companies into the segments by condition, and out of them, as the facts are at `now`.

    Only rows that change are written. None: all segments, all companies.
    """
    done = Refreshed()
    if not _by_condition(segment_ids).exists():
        return done
    for portion in _portions(company_ids):
        with transaction.atomic():
            _refresh(list(_by_condition(segment_ids).select_for_update(no_key=True).order_by("pk")), portion, now, done)
    return done


def codes_of(conditions: Iterable[Condition]) -> set[str]:
    """Return the codes of the facts that conditions ask for."""
    return {outcome.leaf.fact for condition in conditions for outcome in explain(condition, {})}


def job_kinds() -> list[JobKind]:
    """Return the kinds of jobs that fill segments."""
    return [JobKind(REFRESH, gettext_lazy("Who is in a segment"), _fill)]


def _fill(run: Run) -> Mapping[str, object]:
    return as_result(refresh_segments(now=run.began_at, segment_ids=[int(str(run.job.parameters["segment"]))]))


def as_result(done: Refreshed) -> Mapping[str, object]:
    """Return what a job tells of it."""
    return {"begun": done.begun, "ended": done.ended, "broken": sorted(done.broken)}


def _by_condition(segment_ids: Iterable[int] | None) -> SegmentQuerySet:
    rows = Segment.objects.by_condition()
    return rows if segment_ids is None else rows.filter(pk__in=list(segment_ids))


def _portions(company_ids: Sequence[int] | None) -> Iterator[list[int]]:
    """Yield the ids of companies a portion at a time, in their order."""
    rows, last = Company.objects.order_by("pk"), 0
    if company_ids is not None:
        rows = rows.filter(pk__in=company_ids)
    while portion := list(rows.filter(pk__gt=last).values_list("pk", flat=True)[:AT_ONCE]):
        yield portion
        last = portion[-1]


def _refresh(segments: Sequence[Segment], company_ids: list[int], now: datetime, done: Refreshed) -> None:
    conditions = dict(_readable(segments, done))
    values = company_facts.values_of(codes_of(conditions.values()), company_ids, at=now)
    rows = SegmentMembership.objects.filter(segment__in=conditions, company__in=company_ids, ends_at=None)
    keys = rows.values_list("pk", "segment", "company")
    inside = {(segment_id, company_id): pk for pk, segment_id, company_id in keys}
    held = {
        (segment_id, company_id)
        for segment_id, condition in conditions.items()
        for company_id in company_ids
        if holds(condition, values[company_id])
    }
    ended = [pk for key, pk in inside.items() if key not in held]
    if ended:
        SegmentMembership.objects.filter(pk__in=ended).update(ends_at=Greatest(F("starts_at"), now))
    begun = [
        SegmentMembership(segment_id=segment_id, company_id=company_id, starts_at=now, source=Source.CONDITION)
        for segment_id, company_id in sorted(held - inside.keys())
    ]
    SegmentMembership.objects.bulk_create(begun)
    done.begun += len(begun)
    done.ended += len(ended)


def _readable(segments: Sequence[Segment], done: Refreshed) -> Iterator[tuple[int, Condition]]:
    """Yield the conditions that can be asked; one that cannot leaves its segment as it is."""
    catalogue = company_facts.catalogue()
    for segment in segments:
        try:
            yield segment.pk, parse_condition(segment.condition, catalogue)
        except ConditionError:
            done.broken.add(segment.code)
