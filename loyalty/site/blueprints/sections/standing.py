"""What a standing is made of: metrics, tiers and the ways to them, badges."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.conditions import Catalogue
from accounts.models import Segment
from loyalty.models import ActivityAttribute, ActivityType, Badge, Metric, Program, Tier, TierThreshold
from loyalty.own_activities import ensure_derived_types
from loyalty.site.blueprints.documents import Path, nearest
from loyalty.site.blueprints.keys import keys_of, number
from loyalty.site.blueprints.schema import CODE, Schema, entries, keys
from loyalty.site.blueprints.sections.section import Loading
from loyalty.site.blueprints.sections.table import Table
from loyalty.titles import enrolment_catalogue
from loyalty.vocabulary import Vocabulary


class MetricSection(Table):
    """Numbers that are kept per company and month."""

    key = "metrics"
    title = gettext_lazy("metrics")
    about = "What is counted, company by company and month by month."
    model = Metric
    keys = keys_of(
        Metric, "code", "name", "measure", "attribute", "condition", fixed=("measure", "attribute"), condition="only_if"
    )

    further_required = ("of",)

    def further_schema(self) -> dict[str, Schema]:
        """The type of activities whose numbers add up."""
        return {"of": CODE}

    def refer(self, row: Metric, entry: Mapping[str, Any], loading: Loading, path: Path) -> bool:
        """Find the type of activities, and that what is added up is a number of it."""
        types = {kind.code: kind for kind in ActivityType.objects.all()}
        kind = loading.find(types, entry.get("of"), (*path, "of"))
        if kind is None:
            return False
        if row.pk and row.activity_type_id != kind.pk:
            words = {"row": row, "value": row.activity_type.code}
            text = _("“%(row)s” counts “%(value)s”, and goes on with that. Choose another code for another metric.")
            loading.fault((*path, "of"), text % words)
            return False
        row.activity_type = kind
        numbers = ActivityAttribute.objects.filter(activity_type=kind, type=ActivityAttribute.Type.NUMBER)
        codes = set(numbers.values_list("code", flat=True))
        if row.attribute and row.attribute not in codes:
            words = {"code": row.attribute, "kind": kind, "hint": nearest(row.attribute, codes)}
            text = _("“%(kind)s” has no attribute “%(code)s” that is a number. %(hint)s")
            loading.fault((*path, "attribute"), text % words)
            return False
        return True

    def further(self, row: Metric) -> dict[str, Any]:
        """The code of the type."""
        return {"of": row.activity_type.code}

    def catalogue(self, row: Metric) -> Catalogue:
        """What such activities can be asked."""
        return Vocabulary().catalogue(activity_type_id=row.activity_type_id, program=row.program)

    def further_said(self, row: Metric) -> dict[str, str]:
        """The name of the type."""
        return {_("of"): row.activity_type.name}


class TierSection(Table):
    """Tiers, the lowest first, and the ways to each."""

    key = "tiers"
    title = gettext_lazy("tiers")
    about = "The tiers, lowest first, and the ways to each."
    model = Tier
    keys = keys_of(
        Tier,
        *("code", "name", "rank", "is_earned", "threshold", "is_chosen", "is_invited", "is_paid", "condition"),
        *("fee", "fee_currency", "fee_months", "fee_grace_days"),
        condition="only_if",
    )

    def rows(self, program: Program) -> Any:
        """By rank."""
        return Tier.objects.filter(program=program).order_by("rank").prefetch_related("thresholds__segment")

    def schema(self) -> Schema:
        """The rank follows from the place, if nothing else is said."""
        schema = dict(super().schema())
        return {**schema, "items": {**schema["items"], "required": ["code", "name"]}}

    def further_schema(self) -> dict[str, Schema]:
        """What it asks of segments."""
        threshold = {"type": "number", "minimum": 0}
        return {"thresholds": entries(keys(("segment", "threshold"), segment=CODE, threshold=threshold))}

    def completed(self, entry: Mapping[str, Any], index: int, program: Mapping[str, Any]) -> dict[str, Any]:
        """The rank is the place; a fee is in the program's currency."""
        complete = {"rank": index + 1, **entry}
        if complete.get("paid"):
            complete = {"fee_currency": program["currency"], **complete}
        if thresholds := complete.get("thresholds"):
            complete["thresholds"] = sorted(thresholds, key=lambda each: str(each["segment"]))
        return complete

    def shortened(self, entry: dict[str, Any], index: int, program: Mapping[str, Any]) -> dict[str, Any]:
        """Both are left out where they follow."""
        usual = {"rank": index + 1, "fee_currency": program["currency"]}
        return {name: value for name, value in entry.items() if usual.get(name) != value}

    def further(self, row: Tier) -> dict[str, Any]:
        """What it asks of segments."""
        rows = sorted(row.thresholds.all(), key=lambda each: each.segment.code)
        said = [{"segment": each.segment.code, "threshold": number(each.threshold)} for each in rows]
        return {"thresholds": said} if said else {}

    def catalogue(self, row: Tier) -> Catalogue:
        """What a company that wants to enrol can be asked."""
        return enrolment_catalogue(row.program)

    def after(self, row: Tier, entry: Mapping[str, Any], loading: Loading, path: Path) -> None:
        """What it asks of segments is as the document says; rules can be made for a tier that is reached."""
        ensure_derived_types()
        row.thresholds.all().delete()
        segments = {segment.code: segment for segment in Segment.objects.all()}
        for index, given in enumerate(entry.get("thresholds", [])):
            at: Path = (*path, "thresholds", index)
            segment = loading.find(segments, given["segment"], (*at, "segment"))
            if segment is not None:
                threshold = TierThreshold(tier=row, segment=segment, threshold=given["threshold"])
                if loading.check(threshold, (), at):
                    threshold.save()
        row._prefetched_objects_cache = {}  # type: ignore[attr-defined]

    def further_said(self, row: Tier) -> dict[str, str]:
        """What it asks of segments."""
        if not row.pk:
            return {}
        rows = row.thresholds.select_related("segment").order_by("segment__code")
        return {
            _("from, for “%(segment)s”") % {"segment": each.segment.name}: str(number(each.threshold)) for each in rows
        }


class BadgeSection(Table):
    """Badges that rules give."""

    key = "badges"
    title = gettext_lazy("badges")
    about = "Badges that rules give."
    model = Badge
    keys = keys_of(Badge, "code", "name", "description")

    def after(self, row: Badge, entry: Mapping[str, Any], loading: Loading, path: Path) -> None:
        """Rules can be made for a badge that is received."""
        ensure_derived_types()
