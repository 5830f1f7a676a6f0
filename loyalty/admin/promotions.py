"""Personal promotions: asked for here or at the desk, approved in the queue, ended; with what they have added."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin.links import LinkedRowFilter, VocabularyFilter, row_link, rows_link
from accounts.admin.refusals import RefusingAdmin
from accounts.admin.scoped import NeverDeleted, ReadOnlyAdmin, manager_behind
from accounts.admin.steps import Step, SteppedAdmin
from accounts.approvals import ApprovalError
from loyalty.admin.by_hand import refusal as said
from loyalty.models import PersonalPromotion, PromotedAward
from loyalty.promotions import PromotionError, Terms, ask, end, told, withdraw


def _withdraw(promotion: PersonalPromotion, by: Any, now: Any, _asked: Mapping[str, Any]) -> PersonalPromotion:
    try:
        return withdraw(promotion=promotion, by=by, now=now)
    except ApprovalError as error:
        raise PromotionError(said(error)) from error


STEPS: Mapping[str, Step] = {
    "withdraw": Step(
        gettext_lazy("Withdraw the request"),
        gettext_lazy("Nobody is asked any more; to change something, ask for another promotion."),
        gettext_lazy("The request for %(row)s is withdrawn."),
        _withdraw,
    ),
    "end": Step(
        gettext_lazy("End"),
        gettext_lazy(
            "The promotion ends at this moment, or never begins where it has not yet. What it added stays; whoever it "
            "was for is told."
        ),
        gettext_lazy("%(row)s is ended."),
        lambda promotion, by, now, _asked: end(promotion=promotion, by=by, now=now),
        is_danger=True,
    ),
}


@admin.register(PersonalPromotion)
class PersonalPromotionAdmin(
    NeverDeleted[PersonalPromotion], SteppedAdmin[PersonalPromotion], RefusingAdmin[PersonalPromotion]
):
    """Promotions: asked for once, never edited; all else is a step."""

    steps: ClassVar[Mapping[str, Step]] = STEPS
    refusal: ClassVar[type[Exception]] = PromotionError
    refusals: ClassVar[tuple[type[Exception], ...]] = (PromotionError,)
    list_display = ("__str__", "company", "state", "starts_on", "ends_on", "factor", "budget", "asked_by")
    list_filter = (
        "state",
        ("membership__program", VocabularyFilter),
        ("membership", LinkedRowFilter),
        ("employee", LinkedRowFilter),
    )
    list_select_related = ("membership__company", "membership__program", "employee", "asked_by")
    search_fields = ("membership__company__name", "membership__company__external_id", "employee__name")
    ordering = ("-asked_at", "-pk")
    autocomplete_fields = ("membership", "employee")
    actions = None
    asked_fields = ("membership", "employee", "rule_codes", "factor", "starts_on", "ends_on", "budget", "reason")

    def get_queryset(self, request: HttpRequest) -> QuerySet[PersonalPromotion]:
        """Bring whom it is for, by whom it is called."""
        rows = super().get_queryset(request)
        return rows.select_related("membership__company", "membership__program", "employee")

    def get_fields(self, request: HttpRequest, obj: PersonalPromotion | None = None) -> Any:
        """Ask for little; of one that exists, show how it reads and what it did."""
        if obj is None:
            return self.asked_fields
        shown = ("in_words", "effect", "which", "state", "starts_at", "ends_at", "asked_by", "asked_at", "decision")
        return (*shown, *self.asked_fields)

    def get_readonly_fields(self, request: HttpRequest, obj: PersonalPromotion | None = None) -> Any:
        """What was asked stays as it was asked."""
        return () if obj is None else self.get_fields(request, obj)

    @admin.display(description=gettext_lazy("company"), ordering="membership__company__name")
    def company(self, promotion: PersonalPromotion) -> str:
        """Whose."""
        return str(promotion.membership.company)

    @admin.display(description=gettext_lazy("in words"))
    def in_words(self, promotion: PersonalPromotion) -> str:
        """The sentence that the client reads."""
        return told([promotion], at=timezone.now())[0].sentence

    @admin.display(description=gettext_lazy("added so far"))
    def effect(self, promotion: PersonalPromotion) -> str:
        """Points that it brought, without what returns took back of them, and what is left of the budget."""
        [plain] = told([promotion], at=timezone.now())
        added = number_format(plain.added, force_grouping=True)
        if plain.left is None:
            return _("%(points)s points") % {"points": added}
        left = number_format(plain.left, force_grouping=True)
        return _("%(points)s points; %(left)s are left of the budget") % {"points": added, "left": left}

    @admin.display(description=gettext_lazy("awards"))
    def which(self, promotion: PersonalPromotion) -> str:
        """The awards that it added to."""
        return rows_link(PromotedAward, _("Awards"), promotion__exact=promotion.pk)

    @admin.display(description=gettext_lazy("second person"))
    def decision(self, promotion: PersonalPromotion) -> str:
        """The request, and how it was decided."""
        return row_link(promotion.approval, promotion.approval.get_state_display())

    def save_model(self, request: HttpRequest, obj: PersonalPromotion, form: Any, change: bool) -> None:
        """Ask a second person."""
        terms = Terms(
            factor=obj.factor,
            starts_on=obj.starts_on,
            ends_on=obj.ends_on,
            employee=obj.employee,
            rule_codes=tuple(obj.rule_codes),
            budget=obj.budget,
        )
        asked = ask(
            membership=obj.membership, terms=terms, reason=obj.reason, by=manager_behind(request), now=timezone.now()
        )
        obj.pk, obj.state, obj._state.adding = asked.pk, asked.state, False
        self.message_user(
            request, _("Nothing is added yet: the promotion waits for a second person's approval."), messages.WARNING
        )

    def offered(self, row: PersonalPromotion) -> list[str]:
        """Withdraw what waits; end what holds, or will."""
        if row.state == PersonalPromotion.State.WAITING:
            return ["withdraw"]
        is_open = row.ends_at is not None and row.starts_at != row.ends_at and row.ends_at > timezone.now()
        return ["end"] if is_open else []

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """It is asked once: there is nothing to save again."""
        buttons = {"show_save_and_add_another": False, "show_save_and_continue": False, "show_save": object_id is None}
        return super().changeform_view(request, object_id, form_url, {**(extra_context or {}), **buttons})


@admin.register(PromotedAward)
class PromotedAwardAdmin(ReadOnlyAdmin[PromotedAward]):
    """What promotions added, award by award."""

    list_display = ("award", "promotion", "points")
    list_filter = (("promotion", LinkedRowFilter),)
    list_select_related = ("award__rule", "promotion__membership__company", "promotion__employee")
    search_fields = ("promotion__membership__company__name", "promotion__employee__name")
    ordering = ("-pk",)
