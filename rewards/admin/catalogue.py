"""The catalogue and its stock; pieces come in and go out by movements, each with a reason on record."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actors import Actor
from accounts.admin.links import AskedFilter, LinkedRowFilter, VocabularyFilter, rows_link
from accounts.admin.scoped import FixedFieldsForm, ReadOnlyAdmin, ScopedModelAdmin, manager_behind
from accounts.text import validate_plain_text
from rewards.models import Redemption, Reward, RewardStock, StockMovement
from rewards.stock import MOST_PIECES, TooFewLeftError, add_pieces


class RewardForm(FixedFieldsForm[Reward]):
    """A reward stays in its program: redemptions were paid there."""

    fixed = ("program", "code")


def out_of_stock(rewards: QuerySet[Reward]) -> QuerySet[Reward]:
    """Return those of `rewards` of which no piece is left, or never was one."""
    return rewards.exclude(stock__taken__lt=F("stock__total"))


class StockFilter(AskedFilter):
    """Rewards by what is left of them."""

    title = gettext_lazy("stock")
    parameter_name = "stock"
    choices_of = {"out": gettext_lazy("nothing left")}

    def cut(self, rows: QuerySet[Reward], asked: str, actor: Actor) -> QuerySet[Reward]:
        """Those that have run out."""
        return out_of_stock(rows)


@admin.register(Reward)
class RewardAdmin(ScopedModelAdmin[Reward]):
    """Rewards."""

    form = RewardForm
    list_display = ("name", "code", "program", "price", "left", "is_published")
    list_filter = ("is_published", StockFilter, ("program", VocabularyFilter))
    list_select_related = ("program", "stock")
    search_fields = ("name", "code", "description")
    ordering = ("name",)

    def get_fields(self, request: HttpRequest, obj: Reward | None = None) -> Any:
        """Stock comes once there is a reward."""
        fields = ("program", "code", "name", "description", "category", "price", "paid_from", "is_published")
        return (*fields, "pieces", "redemptions") if obj else fields

    def get_readonly_fields(self, request: HttpRequest, obj: Reward | None = None) -> Any:
        """Stock changes by movements."""
        return ("pieces", "redemptions")

    @admin.display(description=gettext_lazy("left"))
    def left(self, reward: Reward) -> int:
        """Pieces that can still be redeemed."""
        return reward.stock.left if hasattr(reward, "stock") else 0

    @admin.display(description=gettext_lazy("stock"))
    def pieces(self, reward: Reward) -> str:
        """What is left, the movements behind it, and the way to add pieces."""
        total = reward.stock.total if hasattr(reward, "stock") else 0
        text = _("%(left)s left of %(total)s") % {"left": self.left(reward), "total": total}
        add = reverse("admin:rewards_stockmovement_add", query={"reward": reward.pk})
        movements = rows_link(StockMovement, text, stock__exact=reward.pk)
        return format_html('{} · <a href="{}">{}</a>', movements, add, _("Add pieces"))

    @admin.display(description=gettext_lazy("redemptions"))
    def redemptions(self, reward: Reward) -> str:
        """A link to who redeemed it."""
        return rows_link(Redemption, _("Redemptions"), reward__exact=reward.pk)


@admin.register(RewardStock)
class RewardStockAdmin(ReadOnlyAdmin[RewardStock]):
    """How many pieces there are of what."""

    sortable_by = None
    list_display = ("reward", "program", "pieces", "taken", "left")
    list_filter = (("reward__program", VocabularyFilter),)
    list_select_related = ("reward__program",)
    search_fields = ("reward__name", "reward__code")
    ordering = ("reward__name",)

    @admin.display(description=gettext_lazy("program"))
    def program(self, stock: RewardStock) -> str:
        """Whose catalogue it is in."""
        return str(stock.reward.program)

    @admin.display(description=gettext_lazy("pieces in all"), ordering="total")
    def pieces(self, stock: RewardStock) -> str:
        """The pieces, leading to their movements."""
        return rows_link(StockMovement, stock.total, stock__exact=stock.pk)


class StockMovementForm(forms.ModelForm[StockMovement]):
    """Pieces in or out, and why."""

    reward = forms.ModelChoiceField(
        label=gettext_lazy("reward"),
        queryset=Reward.objects.select_related("program").order_by("name"),
    )
    pieces = forms.IntegerField(
        label=gettext_lazy("pieces"),
        min_value=-MOST_PIECES,
        max_value=MOST_PIECES,
        help_text=gettext_lazy("Below 0 to write pieces off."),
    )
    reason = forms.CharField(
        label=gettext_lazy("reason"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        validators=[validate_plain_text],
        help_text=gettext_lazy("Kept in the audit trail."),
    )

    def clean(self) -> dict[str, Any]:
        """Refuse what the use case would refuse, beside the field."""
        cleaned = super().clean() or self.cleaned_data
        reward, pieces = cleaned.get("reward"), cleaned.get("pieces")
        if pieces == 0:
            self.add_error("pieces", _("Say how many pieces come in, or below 0 how many are written off."))
        if reward and pieces:
            left = reward.stock.left if hasattr(reward, "stock") else 0
            if left + pieces < 0:
                self.add_error("pieces", too_few_left(left))
        return cleaned


def too_few_left(left: int) -> str:
    """Return why pieces cannot be written off, and what can be."""
    return _("Only %(left)s are left; the others are promised to somebody. Write off %(left)s at most.") % {
        "left": left
    }


@admin.register(StockMovement)
class StockMovementAdmin(ScopedModelAdmin[StockMovement]):
    """Movements: added through the use case, never edited."""

    list_display = ("created_at", "reward", "pieces")
    list_filter = (("stock", LinkedRowFilter), ("stock__reward__program", VocabularyFilter))
    list_select_related = ("stock__reward",)
    search_fields = ("stock__reward__name", "stock__reward__code")
    ordering = ("-pk",)
    form = StockMovementForm

    @admin.display(description=gettext_lazy("reward"))
    def reward(self, movement: StockMovement) -> str:
        """Of what."""
        return str(movement.stock.reward)

    def get_fields(self, request: HttpRequest, obj: StockMovement | None = None) -> Any:
        """Ask for the reason; afterwards it stands in the audit trail."""
        return ("stock", "pieces", "created_at") if obj else ("reward", "pieces", "reason")

    def has_change_permission(self, request: HttpRequest, obj: StockMovement | None = None) -> bool:
        """Nobody."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: StockMovement | None = None) -> bool:
        """Nobody."""
        return False

    def save_model(self, request: HttpRequest, obj: StockMovement, form: Any, change: bool) -> None:
        """Move the pieces."""
        moved = add_pieces(
            reward=form.cleaned_data["reward"],
            pieces=form.cleaned_data["pieces"],
            by=manager_behind(request),
            now=timezone.now(),
            reason=form.cleaned_data["reason"],
        )
        obj.pk, obj.stock = moved.movement.pk, moved.movement.stock

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Say so where the last pieces were taken between the form's check and the movement."""
        try:
            return super().add_view(request, form_url, extra_context)
        except TooFewLeftError as error:
            self.message_user(request, too_few_left(error.left), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())
