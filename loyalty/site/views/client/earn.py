"""What to do next: surveys, and every rule as a way to points, the least effort first."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.access import employees_only
from accounts.middleware import actor_behind
from accounts.reader import READER
from loyalty.earning import MayEarn, may_earn_sentence
from loyalty.models import ActivityType
from loyalty.promotions import promotions_told
from loyalty.prospects import (
    Allowance,
    Effort,
    Prospect,
    prospects,
    situation_of,
    used_limits,
    with_situation,
    with_used_limits,
)
from loyalty.selectors import membership_of, memberships_of
from loyalty.vocabulary import Vocabulary
from surveys.activity import TYPE_CODE
from surveys.selectors import OpenSurvey, open_surveys_for


@dataclass(frozen=True, slots=True)
class Way:
    """A rule as the page shows it."""

    name: str
    when: str
    gives: str
    is_long: bool
    to: str
    is_used_up: bool
    is_done: bool
    allowances: tuple[Allowance, ...]
    obstacles: tuple[str, ...]


@require_safe
@employees_only
def earn(request: HttpRequest) -> HttpResponse:
    """What brings points now, what brings none any more, and what is closed to the reader and why."""
    actor = actor_behind(request)
    rows = with_used_limits(with_situation(memberships_of(actor), actor), actor)
    membership = membership_of(actor, chosen=request.GET.get("program", ""), among=rows)
    if membership is None:
        return render(request, "client/no_program.html")
    situation = situation_of(membership, actor)
    may_earn = situation.may_earn
    used = used_limits(membership, actor)
    found = prospects(membership, situation, actor, words=Vocabulary(), used=used)
    types = {kind.pk: kind for kind in ActivityType.objects.filter(pk__in={way.type_id for way in found})}
    surveys = open_surveys_for(actor)
    by_survey = {pk for pk, kind in types.items() if kind.code == TYPE_CODE}
    shown = [
        (prospect, _way(prospect, types[prospect.type_id].name))
        for prospect in found
        if prospect.type_id not in by_survey  # each open survey says for itself what it brings
    ]
    free = [(prospect, way) for prospect, way in shown if not prospect.obstacles and not prospect.is_used_up]
    context = {
        "program": membership.program,
        "promotions": promotions_told(membership, actor) if situation.has_promotion else [],
        "may_not_earn": "" if may_earn is MayEarn.YES else may_earn_sentence(may_earn, READER),
        "surveys": sorted(surveys, key=_points_a_minute, reverse=True),
        "once": [way for prospect, way in free if prospect.effort is Effort.ONCE],
        "each_time": [way for prospect, way in free if prospect.effort is Effort.EACH_TIME],
        "growing": [way for prospect, way in free if prospect.effort is Effort.GROWS],
        "used_up": [way for prospect, way in shown if not prospect.obstacles and prospect.is_used_up],
        "closed": [way for prospect, way in shown if prospect.obstacles],
        "is_empty": not shown and not surveys,
        "as_of": actor.at,
    }
    return render(request, "client/earn.html", context)


def _points_a_minute(survey: OpenSurvey) -> float:
    return (survey.points or survey.company_points) / (survey.minutes or 1)


def _way(prospect: Prospect, when: str) -> Way:
    if prospect.for_me and prospect.for_company:
        to = _("to you, and the same to your company")
    else:
        to = _("to your company") if prospect.for_company else _("to you")
    return Way(
        name=prospect.rule.name,
        when=when,
        gives=prospect.gives,
        is_long=prospect.is_long,
        to=to,
        is_used_up=prospect.is_used_up,
        is_done=prospect.is_done,
        allowances=prospect.allowances,
        obstacles=prospect.obstacles,
    )
