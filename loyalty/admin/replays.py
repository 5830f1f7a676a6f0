"""Replays: how far one is, and what it found; every number leads to the companies behind it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count, F, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from django_stubs_ext import StrOrPromise

from accounts.actors import Actor
from accounts.admin.links import LinkedRowFilter
from accounts.admin.scoped import ReadOnlyAdmin
from accounts.admin.steps import StepForm
from accounts.job_views import stop
from accounts.middleware import actor_behind
from loyalty.admin.replayed_companies import (
    Names,
    companies_of,
    in_words,
    names_of,
    roles_in_words,
    segments_in_words,
)
from loyalty.models import Replay, ReplayedCompany, RuleSet
from loyalty.rulebook import fingerprint

MOST_SHOWN = 20

_HEADINGS: Mapping[str, StrOrPromise] = {
    "months": gettext_lazy("By month"),
    "tiers": gettext_lazy("By tier as it is now"),
    "segments": gettext_lazy("By segment"),
    "roles": gettext_lazy("By role"),
}
_PARAMETERS = {"months": "month", "tiers": "tier_today", "segments": "segment", "roles": "role"}
"""By which the list of companies is cut down to what stands behind a sum."""


class ReplayForm(StepForm):
    """How far back."""

    days = forms.TypedChoiceField(
        label=gettext_lazy("Over"), choices=Replay.Days.choices, coerce=int, initial=Replay.Days.ALL
    )


@dataclass(frozen=True, slots=True)
class Pair:
    """Points on both sides under a name; `url` leads to the rows behind them."""

    name: str
    today: int
    then: int
    url: str = ""

    @property
    def difference(self) -> int:
        """How many more there would be."""
        return self.then - self.today


@dataclass(frozen=True, slots=True)
class Mover:
    """A company that gains or loses much, and by which rules."""

    row: ReplayedCompany
    rules: list[Pair]


@admin.register(Replay)
class ReplayAdmin(ReadOnlyAdmin[Replay]):
    """What drafts would have given."""

    list_display = ("__str__", "asked_at", "asked_by", "state", "points_today", "points_then")
    list_filter = (("rule_set", LinkedRowFilter), "days")
    list_select_related = ("rule_set__program", "asked_by", "job")
    search_fields = ("rule_set__program__name", "asked_by__name")
    ordering = ("-pk",)

    @admin.display(description=gettext_lazy("state"))
    def state(self, replay: Replay) -> str:
        """How far its job is."""
        return replay.job.get_state_display()

    def get_urls(self) -> list[URLPattern]:
        """Where one that is worked out is stopped."""
        cancel = self.admin_site.admin_view(require_POST(self.cancel_view))
        return [path("<int:pk>/cancel/", cancel, name="loyalty_replay_cancel"), *super().get_urls()]

    def cancel_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Stop a replay that one asked for oneself, and stay at it."""
        replay = self.get_object(request, str(pk))
        if replay is None:
            raise Http404
        if not _may_cancel(request, replay):
            raise PermissionDenied
        stop(request, replay.job)
        return HttpResponseRedirect(reverse("admin:loyalty_replay_change", args=[pk]))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show how far it is, or what it found."""
        if request.method == "POST":
            raise PermissionDenied
        replay = self.get_object(request, object_id)
        if replay is None:
            raise Http404
        rule_set = replay.rule_set
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": replay,
            "replay": replay,
            "title": _("Replay of %(version)s") % {"version": rule_set},
            "job": replay.job,
            "may_cancel": replay.job.is_open and not replay.job.is_cancel_asked and _may_cancel(request, replay),
            "again_url": reverse("admin:loyalty_ruleset_replay", args=[rule_set.pk])
            if _may_repeat(request, replay)
            else "",
            "is_outdated": rule_set.status == rule_set.Status.DRAFT and replay.fingerprint != fingerprint(rule_set),
            "back_url": reverse("admin:loyalty_ruleset_change", args=[rule_set.pk]),
            **(_found(replay, actor_behind(request)) if replay.finished_at else {}),
        }
        return TemplateResponse(request, "admin/loyalty/replay/page.html", context)


def _may_cancel(request: HttpRequest, replay: Replay) -> bool:
    return replay.asked_by_id == actor_behind(request).user_id


def _may_repeat(request: HttpRequest, replay: Replay) -> bool:
    """Whether nothing came of it, and whoever reads that could ask for another one."""
    is_over = not replay.finished_at and not replay.job.is_open
    can_be_asked = replay.rule_set.status != RuleSet.Status.RETIRED
    return is_over and can_be_asked and request.user.has_perm("loyalty.add_ruleset")


def _found(replay: Replay, actor: Actor) -> dict[str, Any]:
    companies = ReplayedCompany.objects.visible_to(actor).filter(replay=replay)
    names = names_of([replay])
    total = Pair(_("All points"), replay.points_today, replay.points_then, companies_of(replay))
    value = replay.rule_set.program.point_value
    in_words_of = {
        "months": {month: in_words(month) for month in _months(replay)},
        "tiers": names.tiers_of(replay),
        "segments": segments_in_words(),
        "roles": roles_in_words(),
    }
    # Replays of before companies kept their parts have sums alone, which lead nowhere.
    parameters = _PARAMETERS if companies.exclude(months={}).exists() else {"tiers": _PARAMETERS["tiers"]}
    return {
        "total": total,
        "money": [_money(points, value) for points in (total.today, total.then, total.difference)],
        "judged_url": f"{reverse('admin:loyalty_evaluation_changelist')}"
        f"?{urlencode({'program__id__exact': replay.rule_set.program_id})}",
        "tables": [
            (str(heading), _pairs(replay, key, parameters.get(key, ""), in_words_of[key]))
            for key, heading in _HEADINGS.items()
        ],
        "moves": _moves(replay, companies, names.tiers_of(replay)),
        "movers": [
            (_("Most gained"), _movers(companies.filter(difference__gt=0).order_by("-difference", "pk"), names)),
            (_("Most lost"), _movers(companies.filter(difference__lt=0).order_by("difference", "pk"), names)),
        ],
    }


def _money(points: int, value: Decimal) -> Decimal:
    return (points * value).quantize(Decimal("0.01"))


def _months(replay: Replay) -> list[str]:
    return [month for month, _today, _then in replay.findings["months"]]


def _pairs(replay: Replay, key: str, parameter: str, names: Mapping[str, str]) -> list[Pair]:
    """What was found under codes, in the order of their `names`; what has none any more comes last.

    Each leads to the companies that `parameter` of their list cuts down to; "": nowhere.
    """
    places = {code: place for place, code in enumerate(names)}
    found = sorted(replay.findings[key], key=lambda row: (places.get(row[0], len(places)), row[0]))
    return [
        Pair(names.get(code, code), today, then, companies_of(replay, **{parameter: code}) if parameter else "")
        for code, today, then in found
    ]


def _moves(
    replay: Replay, companies: QuerySet[ReplayedCompany], tiers: Mapping[str, str]
) -> list[tuple[str, str, int, str]]:
    """From which tier to which one how many companies move, in the order of the tiers, and where they are listed."""
    places = {code: place for place, code in enumerate(tiers)}
    moves = companies.exclude(tier_today=F("tier_then")).values_list("tier_today", "tier_then")
    found = [(before, after, count) for before, after, count in moves.annotate(number=Count("pk")).order_by()]
    found.sort(key=lambda row: [(places.get(code, len(places)), code) for code in row[:2]])
    return [
        (
            tiers.get(before, before),
            tiers.get(after, after),
            count,
            companies_of(replay, tier_today=before, tier_then=after),
        )
        for before, after, count in found
    ]


def _movers(companies: QuerySet[ReplayedCompany], names: Names) -> list[Mover]:
    rows = companies.select_related("company", "replay__rule_set")[:MOST_SHOWN]
    return [Mover(row, list(_by_rule(row, names))) for row in rows]


def _by_rule(row: ReplayedCompany, names: Names) -> Iterable[Pair]:
    """The rules that make the difference, the greatest first."""
    pairs = [Pair(names.rule(row, code), today, then) for code, (today, then) in row.rules.items()]
    return sorted((pair for pair in pairs if pair.difference), key=lambda pair: -abs(pair.difference))
