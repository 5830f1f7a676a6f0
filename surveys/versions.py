"""Versions of a survey: drawn up as a draft, published, retired; never changed in between. And the end of a survey."""

from datetime import datetime

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from accounts import audit, messages
from accounts.conditions import ConditionError
from accounts.messages import Telling
from accounts.models import User
from surveys.activity import ensure_activity_type
from surveys.audience import people_asked
from surveys.messages import SURVEY_OPENED
from surveys.models import Item, Response, Survey, SurveyVersion
from surveys.sheets import items_of, questions_of

__all__ = [
    "AlreadyClosedError",
    "NoQuestionsError",
    "NotADraftError",
    "NotPublishedError",
    "UnsoundQuestionError",
    "VersionError",
    "announce",
    "announce_open",
    "close",
    "draft_from",
    "first_draft",
    "next_number",
    "publish",
    "retire",
]

_COPIED = (
    "position", "code", "kind", "text", "hint", "is_required", "is_multiple", "options", "low", "high", "low_label",
    "high_label", "measures", "show_if",
)  # fmt: skip


class VersionError(Exception):
    """A step that a survey or a version cannot take; `str()` says why and what to do, in the language in force."""


class NotADraftError(VersionError):
    """The version is, or was, published already."""


class NoQuestionsError(VersionError):
    """A version without questions would ask nothing."""


class UnsoundQuestionError(VersionError):
    """A question that cannot be put; `item_code` names it, the sentence the place."""

    def __init__(self, message: str, *, item_code: str) -> None:
        super().__init__(message)
        self.item_code = item_code


class NotPublishedError(VersionError):
    """Only what is published can be retired."""


class AlreadyClosedError(VersionError):
    """The survey takes no answers any more."""


def next_number(survey: Survey) -> int:
    """Lock the survey until the transaction ends, and return the number of its next version."""
    Survey.objects.select_for_update(no_key=True).get(pk=survey.pk)
    return (SurveyVersion.objects.filter(survey=survey).aggregate(last=Max("number"))["last"] or 0) + 1


def first_draft(*, survey: Survey, by: User, now: datetime) -> SurveyVersion:
    """Give a new survey its first draft, without questions yet; returns the draft."""
    with transaction.atomic():
        ensure_activity_type()
        draft = SurveyVersion.objects.create(survey=survey, number=next_number(survey))
        audit.record("survey-drafted", draft, actor_id=by.pk, now=now, number=draft.number)
    return draft


def draft_from(*, version: SurveyVersion, by: User, now: datetime) -> SurveyVersion:
    """Copy the questions of a version, whatever its state, into a new draft; returns the draft."""
    with transaction.atomic():
        draft = SurveyVersion.objects.create(survey=version.survey, number=next_number(version.survey))
        Item.objects.bulk_create(
            Item(version=draft, **{name: getattr(item, name) for name in _COPIED}) for item in items_of(version.pk)
        )
        audit.record("survey-drafted", draft, actor_id=by.pk, now=now, number=draft.number, copied_from=version.number)
    return draft


def publish(*, version: SurveyVersion, by: User, now: datetime) -> SurveyVersion:
    """Publish a draft in place of what is published; where the survey is open, its audience is told. Returns it.

    Whoever has begun goes on with the version they began. Raises NotADraftError, NoQuestionsError or
    UnsoundQuestionError; then nothing has changed.
    """
    with transaction.atomic():
        draft = _locked(version)
        if draft.status != SurveyVersion.Status.DRAFT:
            raise NotADraftError(
                _("Version %(number)s was published already. To change it, make a new draft from it.")
                % {"number": draft.number}
            )
        _require_sound_questions(draft)
        replaced = SurveyVersion.objects.filter(survey=draft.survey, status=SurveyVersion.Status.PUBLISHED).first()
        if replaced is not None:
            replaced.status = SurveyVersion.Status.RETIRED
            replaced.save(update_fields=["status"])
        draft.status, draft.published_at = SurveyVersion.Status.PUBLISHED, now
        draft.save(update_fields=["status", "published_at"])
        ensure_activity_type()
        audit.record(
            "survey-published",
            draft,
            actor_id=by.pk,
            now=now,
            number=draft.number,
            takes_the_place_of=replaced.number if replaced else None,
        )
        announce(survey=draft.survey, now=now)
    return draft


def retire(*, version: SurveyVersion, by: User, now: datetime) -> SurveyVersion:
    """Take a version back: nobody begins it any more, who has begun may finish. Returns the version.

    Raises NotPublishedError; then nothing has changed.
    """
    with transaction.atomic():
        published = _locked(version)
        if published.status != SurveyVersion.Status.PUBLISHED:
            raise NotPublishedError(
                _("Version %(number)s is not published, so there is nothing to take back.")
                % {"number": published.number}
            )
        published.status = SurveyVersion.Status.RETIRED
        published.save(update_fields=["status"])
        audit.record("survey-retired", published, actor_id=by.pk, now=now, number=published.number)
    return published


def close(*, survey: Survey, by: User, now: datetime) -> Survey:
    """Close a survey at `now`: nothing more is begun or sent. Returns the survey.

    One that has not opened yet never does. Raises AlreadyClosedError; then nothing has changed.
    """
    with transaction.atomic():
        closed = Survey.objects.select_for_update(no_key=True).get(pk=survey.pk)
        if closed.is_closed_at(now):
            raise AlreadyClosedError(_("The survey is closed already. To open it again, give it a later end."))
        closed.closes_at = max(now, closed.opens_at)
        closed.save(update_fields=["closes_at"])
        audit.record("survey-closed", closed, actor_id=by.pk, now=now)
    return closed


def announce(*, survey: Survey, now: datetime) -> int:
    """Tell everybody who is asked and has not begun that the survey is open, each once; returns how many are asked.

    Does nothing where it is not open at `now`; run again it tells those who have come since.
    """
    published = SurveyVersion.objects.filter(survey=survey, status=SurveyVersion.Status.PUBLISHED)
    if not survey.is_open_at(now) or not published.exists():
        return 0
    begun = set(Response.objects.filter(survey=survey).values_list("employee", flat=True))
    asked = [employee_id for employee_id in people_asked(survey, at=now) if employee_id not in begun]
    messages.tell(
        SURVEY_OPENED,
        (Telling(employee_id, survey.pk, {"survey": survey.name}) for employee_id in asked),
        now=now,
    )
    return len(asked)


def announce_open(*, now: datetime) -> int:
    """Announce every survey that is open at `now`, one after the other; returns how many there are."""
    published = SurveyVersion.objects.filter(status=SurveyVersion.Status.PUBLISHED).values("survey")
    surveys = Survey.objects.open_at(now).filter(pk__in=published, program__is_active=True).order_by("pk")
    for survey in surveys:
        with transaction.atomic():
            announce(survey=survey, now=now)
    return len(surveys)


def _locked(version: SurveyVersion) -> SurveyVersion:
    """The version as it stands, under the lock of its survey and its own: no question changes meanwhile."""
    Survey.objects.select_for_update(no_key=True).get(pk=version.survey_id)
    return (
        SurveyVersion.objects.select_related("survey").select_for_update(of=("self",), no_key=True).get(pk=version.pk)
    )


def _require_sound_questions(draft: SurveyVersion) -> None:
    items = items_of(draft.pk)
    if not items:
        raise NoQuestionsError(
            _("Version %(number)s has no questions: it would ask nothing. Add one first.") % {"number": draft.number}
        )
    for position in range(len(items)):
        try:
            questions_of(items[: position + 1])
        except ConditionError as error:
            item, reason = items[position], error.translated(_)
            if error.path:
                reason = f"{error.path}: {reason}"
            raise UnsoundQuestionError(
                _("The question “%(question)s” cannot be put. %(reason)s") % {"question": item.text, "reason": reason},
                item_code=item.code,
            ) from error
