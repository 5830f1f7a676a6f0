"""Every company of a replay as a list to filter and to export, with the names of what it found under codes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.contrib import admin
from django.db.models import F, QuerySet, Value
from django.http import HttpRequest
from django.urls import reverse
from django.utils.formats import date_format, localize
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actors import Actor
from accounts.admin.links import AskedFilter, LinkedRowFilter, row_link, rows_link
from accounts.admin.scoped import ReadOnlyAdmin
from accounts.models import Segment, StakeholderRole
from accounts.wording import in_turn
from loyalty.models import Award, Replay, ReplayedCompany, Rule, Tier
from loyalty.replaying.comparing import COMPANY, NONE


@dataclass(frozen=True, slots=True)
class Names:
    """What tiers and rules of programs are called."""

    tiers: Mapping[int, Mapping[str, str]]
    """By the program, in the order of the ranks; first what having none is called."""
    rules: Mapping[tuple[int, str], str]
    """By the program and the code: of as many versions the latest says it."""
    in_version: Mapping[tuple[int, str], str]
    """By the version that was replayed and the code."""

    def tiers_of(self, replay: Replay) -> Mapping[str, str]:
        """The names of the program's tiers by their codes."""
        return self.tiers.get(replay.rule_set.program_id, {})

    def tier(self, row: ReplayedCompany, code: str) -> str:
        """The name of a tier; its code where it is gone."""
        return self.tiers_of(row.replay).get(code, code)

    def rule(self, row: ReplayedCompany, code: str) -> str:
        """The name of a rule in the version that was replayed, or else in the latest one; its code where it is gone."""
        version = row.replay.rule_set
        return self.in_version.get((version.pk, code)) or self.rules.get((version.program_id, code), code)


def names_of(replays: Iterable[Replay]) -> Names:
    """Return what the tiers and rules of these replays are called; two queries."""
    versions = {replay.rule_set_id: replay.rule_set.program_id for replay in replays}
    programs = set(versions.values())
    tiers: dict[int, dict[str, str]] = {program_id: {NONE: _("no tier")} for program_id in programs}
    ranked = Tier.objects.filter(program__in=programs).order_by("rank", "pk")
    for program_id, code, name in ranked.values_list("program", "code", "name"):
        tiers[program_id][code] = name
    rules, in_version = dict[tuple[int, str], str](), dict[tuple[int, str], str]()
    rows = Rule.objects.filter(rule_set__program__in=programs).order_by("rule_set")
    for program_id, version_id, code, name in rows.values_list("rule_set__program", "rule_set", "code", "name"):
        rules[program_id, code] = name
        if version_id in versions:
            in_version[version_id, code] = name
    return Names(tiers, rules, in_version)


def in_words(month: str) -> str:
    """Return a month, named by its first day, as people read it."""
    return date_format(date.fromisoformat(month), "YEAR_MONTH_FORMAT")


def segments_in_words() -> dict[str, str]:
    """Return what segments are called, by code; last, what being in none is called."""
    return {**dict(Segment.objects.order_by("name").values_list("code", "name")), NONE: _("companies in no segment")}


def roles_in_words() -> dict[str, str]:
    """Return what those are called that points go to, by code."""
    names = dict(StakeholderRole.objects.order_by("name").values_list("code", "name"))
    return {COMPANY: _("the company itself"), **names, NONE: _("people without a role")}


def companies_of(replay: Replay, **filters: str) -> str:
    """Return the address of the companies of a replay, cut down by `filters`."""
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


class TierFilter(admin.SimpleListFilter):
    """Companies by the tier that they hold; the tiers by their names, those of the replay asked for if there is one."""

    title = gettext_lazy("tier now")
    parameter_name = "tier_today"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        """Tiers in the order of their ranks."""
        tiers = Tier.objects.order_by("rank", "pk")
        asked = request.GET.get("replay__id__exact", "")
        if asked.isdecimal():
            tiers = tiers.filter(program__rule_sets__replays=int(asked))
        names: dict[str, list[str]] = {NONE: [_("no tier")]}
        for code, name in tiers.values_list("code", "name"):
            names.setdefault(code, []).append(name)
        return [(code, " / ".join(dict.fromkeys(called))) for code, called in names.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ReplayedCompany]) -> QuerySet[ReplayedCompany]:
        """Those that hold it."""
        asked = self.value()
        return queryset if asked is None else queryset.filter(**{str(self.parameter_name): asked})


class TierThenFilter(TierFilter):
    """Companies by the tier that they would hold."""

    title = gettext_lazy("tier then")
    parameter_name = "tier_then"


class LinkedCodeFilter(admin.SimpleListFilter):
    """Companies that have something under a code. Shown only where a link asked for it."""

    def named(self, code: str) -> str:
        """What it is called."""
        raise NotImplementedError

    def cut(self, rows: QuerySet[ReplayedCompany], code: str) -> QuerySet[ReplayedCompany]:
        """Those that have it."""
        raise NotImplementedError

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        """What was asked for."""
        asked = self.value()
        return [] if asked is None else [(asked, self.named(asked))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ReplayedCompany]) -> QuerySet[ReplayedCompany]:
        """All of them where nothing is asked."""
        asked = self.value()
        return queryset if asked is None else self.cut(queryset, asked)


class MonthFilter(LinkedCodeFilter):
    """Companies that have points in a month."""

    title = gettext_lazy("month")
    parameter_name = "month"

    def named(self, code: str) -> str:
        """The month in words."""
        try:
            return in_words(code)
        except ValueError:
            return code

    def cut(self, rows: QuerySet[ReplayedCompany], code: str) -> QuerySet[ReplayedCompany]:
        """Those with points on either side."""
        return rows.filter(months__has_key=code).annotate(asked_month=Value(code))


class RoleFilter(LinkedCodeFilter):
    """Companies whose people of a role, or which themselves, have points."""

    title = gettext_lazy("role")
    parameter_name = "role"

    def named(self, code: str) -> str:
        """What the role is called."""
        return roles_in_words().get(code, code)

    def cut(self, rows: QuerySet[ReplayedCompany], code: str) -> QuerySet[ReplayedCompany]:
        """Those with points on either side."""
        return rows.filter(roles__has_key=code).annotate(asked_role=Value(code))


class SegmentFilter(LinkedCodeFilter):
    """Companies that were in a segment, or in none."""

    title = gettext_lazy("segment")
    parameter_name = "segment"

    def named(self, code: str) -> str:
        """What the segment is called."""
        return segments_in_words().get(code, code)

    def cut(self, rows: QuerySet[ReplayedCompany], code: str) -> QuerySet[ReplayedCompany]:
        """Those in it."""
        return rows.filter(segments=[]) if code == NONE else rows.filter(segments__contains=[code])


_PARTS = ("month", "role")
"""Of these a company has points in several: where one is asked for, what it has there stands beside its sum."""


@admin.register(ReplayedCompany)
class ReplayedCompanyAdmin(ReadOnlyAdmin[ReplayedCompany]):
    """Every company of a replay, to filter, to sort and to export."""

    list_display = ("company", "points_today", "points_then", "difference", "tier_now", "tier_to_be", "why")
    list_filter = (
        ("replay", LinkedRowFilter),
        MoveFilter,
        TierFilter,
        TierThenFilter,
        MonthFilter,
        SegmentFilter,
        RoleFilter,
    )
    list_select_related = ("company", "replay__rule_set__program")
    search_fields = ("company__name", "company__external_id")
    ordering = ("-replay_id", "-difference", "pk")
    sortable_by = ("points_today", "points_then", "difference")
    fields = (
        "replay_page",
        "company",
        "points_today",
        "points_then",
        "difference",
        "tier_now",
        "tier_to_be",
        "all_rules",
    )

    def get_readonly_fields(self, request: HttpRequest, obj: ReplayedCompany | None = None) -> Any:
        """All of it."""
        return self.fields

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """Beside the sums stands what a company has in the part that was asked for."""
        asked = [f"{part}_{side}" for part in _PARTS if part in request.GET for side in ("today", "then")]
        return [*self.list_display[:1], *asked, *self.list_display[1:]]

    def with_extras(self, rows: Sequence[ReplayedCompany]) -> Sequence[ReplayedCompany]:
        """Bring the names of tiers and rules."""
        names = names_of({row.replay_id: row.replay for row in rows}.values())
        for row in rows:
            row.names = names  # type: ignore[attr-defined]
        return rows

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> ReplayedCompany | None:
        """The page of one shows names, too."""
        row = super().get_object(request, object_id, from_field)
        return row and self.with_extras([row])[0]

    @admin.display(description=gettext_lazy("in the month: as it stands"))
    def month_today(self, row: Any) -> int:
        """Points of the month that was asked for."""
        return int(row.months[row.asked_month][0])

    @admin.display(description=gettext_lazy("in the month: with these rules"))
    def month_then(self, row: Any) -> int:
        """Points that the month would have."""
        return int(row.months[row.asked_month][1])

    @admin.display(description=gettext_lazy("of the role: as it stands"))
    def role_today(self, row: Any) -> int:
        """Points of those who have the role that was asked for."""
        return int(row.roles[row.asked_role][0])

    @admin.display(description=gettext_lazy("of the role: with these rules"))
    def role_then(self, row: Any) -> int:
        """Points that those would have."""
        return int(row.roles[row.asked_role][1])

    @admin.display(description=gettext_lazy("tier now"))
    def tier_now(self, row: Any) -> str:
        """By its name."""
        return str(row.names.tier(row, row.tier_today))

    @admin.display(description=gettext_lazy("tier then"))
    def tier_to_be(self, row: Any) -> str:
        """By its name."""
        return str(row.names.tier(row, row.tier_then))

    @admin.display(description=gettext_lazy("by rule"))
    def why(self, row: Any) -> str:
        """Points as they stand and as they would be, by the rules that make the difference."""
        pairs = ((code, today, then) for code, (today, then) in row.rules.items() if today != then)
        return in_turn((f"{row.names.rule(row, code)}: {today} → {then}" for code, today, then in pairs), _) or "–"

    @admin.display(description=gettext_lazy("by rule"))
    def all_rules(self, row: Any) -> str:
        """The same of every rule; what stands leads to what the rule gave, returns not taken off."""
        program_id = row.replay.rule_set.program_id
        its_own = {"company__id__exact": row.company_id, "program__id__exact": program_id}
        lines = (
            (row.names.rule(row, code), rows_link(Award, today, **its_own, q=code), localize(then))
            for code, (today, then) in row.rules.items()
        )
        listed = format_html_join("", "<li><bdi>{}</bdi>: {} → {}</li>", lines)
        return format_html("<ul>{}</ul>", listed) if row.rules else "–"

    @admin.display(description=gettext_lazy("replay"))
    def replay_page(self, row: ReplayedCompany) -> str:
        """Where it belongs."""
        return row_link(row.replay)
