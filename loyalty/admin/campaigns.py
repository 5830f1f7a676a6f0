"""Campaigns: when they are on, what they multiply with, and what of their budget is spent."""

from django.contrib import admin
from django.db.models import CharField, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Concat
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from accounts.admin.links import LinkedRowFilter, VocabularyFilter
from loyalty.activities.limits import CAMPAIGN
from loyalty.admin.drafts import PartOfRulesAdmin, PartOfRulesForm
from loyalty.models import Campaign, CapUsage


class CampaignForm(PartOfRulesForm[Campaign]):
    """A campaign of a draft."""


@admin.register(Campaign)
class CampaignAdmin(PartOfRulesAdmin[Campaign]):
    """Campaigns of drafts to edit, campaigns of versions in force to read."""

    form = CampaignForm
    list_display = ("name", "code", "rule_set", "starts_on", "ends_on", "factor", "budget", "used")
    list_filter = (("rule_set__program", VocabularyFilter), "rule_set__status", ("rule_set", LinkedRowFilter))
    list_select_related = ("rule_set__program",)
    search_fields = ("name", "code", "rule_set__program__name")
    ordering = ("-rule_set_id", "starts_on", "code")
    fields = ("rule_set", "name", "code", "starts_on", "ends_on", "factor", "budget", "used")
    readonly_fields = ("used",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Campaign]:
        """Bring what the counter says, which all versions of a campaign share."""
        code = Concat(Value(CAMPAIGN), OuterRef("code"), output_field=CharField())
        counters = CapUsage.objects.filter(program=OuterRef("rule_set__program"), rule_code=code)
        return super().get_queryset(request).annotate(spent=Subquery(counters.values("used")[:1]))

    @admin.display(description=gettext_lazy("spent (points)"))
    def used(self, campaign: Campaign) -> int:
        """How much of the budget is spent; 0 where there is none to count against."""
        return getattr(campaign, "spent", None) or 0
