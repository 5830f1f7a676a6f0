"""Replays: how far one is, and what it found; every company of it as a list to filter and to export."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count, F, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actors import Actor
from accounts.admin.links import AskedFilter, LinkedRowFilter, row_link
from accounts.admin.scoped import ReadOnlyAdmin
from accounts.admin.steps import StepForm
from accounts.middleware import actor_behind
from accounts.models import Segment, StakeholderRole
from accounts.wording import in_turn
from loyalty.models import Replay, ReplayedCompany, Rule, Tier
from loyalty.replaying.comparing import COMPANY
from loyalty.rulebook import fingerprint

MOST_SHOWN = 20


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
            "may_cancel": replay.job.is_open and replay.asked_by_id == actor_behind(request).user_id,
            "is_outdated": rule_set.status == rule_set.Status.DRAFT and replay.fingerprint != fingerprint(rule_set),
            "back_url": reverse("admin:loyalty_ruleset_change", args=[rule_set.pk]),
            **(_found(replay, actor_behind(request)) if replay.finished_at else {}),
        }
        return TemplateResponse(request, "admin/loyalty/replay/page.html", context)


def _found(replay: Replay, actor: Actor) -> dict[str, Any]:
    companies = ReplayedCompany.objects.visible_to(actor).filter(replay=replay)
    names = _rule_names(replay)
    moves = companies.exclude(tier_today=F("tier_then")).values("tier_today", "tier_then")
    tiers = dict(Tier.objects.filter(program=replay.rule_set.program_id).values_list("code", "name"))
    total = Pair(_("All points"), replay.points_today, replay.points_then, _companies(replay))
    value = replay.rule_set.program.point_value
    return {
        "total": total,
        "money": [_money(points, value) for points in (total.today, total.then, total.difference)],
        "tables": [
            (_("By month"), list(_months(replay))),
            (_("By tier as it is now"), list(_pairs(replay, "tiers", tiers, replay_tier=True))),
            (_("By segment"), list(_pairs(replay, "segments", dict(Segment.objects.values_list("code", "name"))))),
            (_("By role"), list(_pairs(replay, "roles", _roles()))),
        ],
        "moves": [
            (
                tiers.get(row["tier_today"], row["tier_today"]) or _("no tier"),
                tiers.get(row["tier_then"], row["tier_then"]) or _("no tier"),
                row["number"],
                _companies(replay, tier_today__exact=row["tier_today"], tier_then__exact=row["tier_then"]),
            )
            for row in moves.annotate(number=Count("pk")).order_by("tier_today", "tier_then")
        ],
        "movers": [
            (_("Most gained"), _movers(companies.filter(difference__gt=0).order_by("-difference", "pk"), names)),
            (_("Most lost"), _movers(companies.filter(difference__lt=0).order_by("difference", "pk"), names)),
        ],
    }


def _money(points: int, value: Decimal) -> Decimal:
    return (points * value).quantize(Decimal("0.01"))


def _months(replay: Replay) -> Iterator[Pair]:
    for month, today, then in replay.findings["months"]:
        yield Pair(date_format(date.fromisoformat(month), "YEAR_MONTH_FORMAT"), today, then)


def _pairs(replay: Replay, key: str, names: Mapping[str, str], *, replay_tier: bool = False) -> Iterator[Pair]:
    for code, today, then in replay.findings[key]:
        url = _companies(replay, tier_today__exact=code) if replay_tier else ""
        yield Pair(names.get(code, code) or "–", today, then, url)


def _roles() -> dict[str, str]:
    names = dict(StakeholderRole.objects.values_list("code", "name"))
    return {COMPANY: _("the company itself"), "": _("people without a role"), **names}


def _rule_names(replay: Replay) -> dict[str, str]:
    """The latest name of each rule of the program, by its code; the draft's before all others."""
    rows = Rule.objects.filter(rule_set__program=replay.rule_set.program_id).order_by("rule_set")
    names = dict(rows.values_list("code", "name"))
    return names | dict(rows.filter(rule_set=replay.rule_set_id).values_list("code", "name"))


def _movers(companies: QuerySet[ReplayedCompany], names: Mapping[str, str]) -> list[Mover]:
    return [Mover(row, list(_by_rule(row, names))) for row in companies.select_related("company")[:MOST_SHOWN]]


def _by_rule(row: ReplayedCompany, names: Mapping[str, str]) -> Iterable[Pair]:
    """The rules that make the difference, the greatest first."""
    pairs = [Pair(names.get(code, code), today, then) for code, (today, then) in row.rules.items()]
    return sorted((pair for pair in pairs if pair.difference), key=lambda pair: -abs(pair.difference))


def _companies(replay: Replay, **filters: str) -> str:
    listed = reverse("admin:loyalty_replayedcompany_changelist")
    return f"{listed}?{urlencode({'replay__id__exact': str(replay.pk), **filters})}"


class MoveFilter(AskedFilter):
    """Companies by whether their tier would be another."""

    title = gettext_lazy("tier")
    parameter_name = "move"
    choices_of = {"yes": gettext_lazy("would be another"), "no": gettext_lazy("would be the same")}

    def cut(self, rows: QuerySet[ReplayedCompany], asked: str, actor: Actor) -> QuerySet[ReplayedCompany]:
        """Those asked for."""
        same = {"tier_today": F("tier_then")}
        return rows.exclude(**same) if asked == "yes" else rows.filter(**same)


@admin.register(ReplayedCompany)
class ReplayedCompanyAdmin(ReadOnlyAdmin[ReplayedCompany]):
    """Every company of a replay, to filter, to sort and to export."""

    list_display = ("company", "points_today", "points_then", "difference", "tier_today", "tier_then", "why")
    list_filter = (("replay", LinkedRowFilter), MoveFilter, "tier_today", "tier_then")
    list_select_related = ("company", "replay__rule_set__program")
    search_fields = ("company__name", "company__external_id")
    ordering = ("-replay_id", "-difference", "pk")
    sortable_by = ("points_today", "points_then", "difference")
    fields = ("replay_page", *list_display)
    readonly_fields = ("replay_page", "why")

    @admin.display(description=gettext_lazy("by rule"))
    def why(self, row: ReplayedCompany) -> str:
        """Points as they stand and as they would be, by the rule's code."""
        pairs = ((code, today, then) for code, (today, then) in row.rules.items() if today != then)
        return in_turn((f"{code}: {today} → {then}" for code, today, then in pairs), _) or "–"

    @admin.display(description=gettext_lazy("replay"))
    def replay_page(self, row: ReplayedCompany) -> str:
        """Where it belongs."""
        return row_link(row.replay)
