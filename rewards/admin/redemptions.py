"""Redemptions to look into: which reward, whose points, and the postings behind them."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from accounts.admin.links import LinkedRowFilter, VocabularyFilter, row_link, rows_link
from accounts.admin.scoped import ReadOnlyAdmin
from loyalty.models import Posting
from rewards.models import Redemption


@admin.register(Redemption)
class RedemptionAdmin(ReadOnlyAdmin[Redemption]):
    """Orders; they are placed and cancelled through their use cases."""

    list_display = ("reference", "reward", "company", "employee", "price", "state", "placed_at")
    list_filter = (
        "state",
        ("reward__program", VocabularyFilter),
        ("company", LinkedRowFilter),
        ("reward", LinkedRowFilter),
    )
    list_select_related = ("reward", "company", "employee")
    search_fields = ("company__name", "employee__name", "reward__name", "reward__code")
    ordering = ("-pk",)
    fields = (
        "reference",
        "reward",
        "company",
        "employee",
        "wallet",
        "price",
        "state",
        ("placed_at", "placed_by"),
        "cancelled_at",
        "paid",
        "paid_back",
    )

    @admin.display(description=_("number"), ordering="pk")
    def reference(self, redemption: Redemption) -> str:
        """The number that people call about."""
        return redemption.reference

    @admin.display(description=_("points"), ordering="points")
    def price(self, redemption: Redemption) -> str:
        """The points, leading to the postings that took them."""
        return rows_link(Posting, redemption.points, transaction__exact=redemption.debit_id)

    @admin.display(description=_("paid by"))
    def paid(self, redemption: Redemption) -> str:
        """The act that took the points."""
        return row_link(redemption.debit)

    @admin.display(description=_("paid back by"))
    def paid_back(self, redemption: Redemption) -> str:
        """The act that gave them back."""
        return row_link(redemption.credit)
