"""Benefits: what they are, who was given one by hand, and what was used."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models.fields.related import RelatedField
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin.links import LinkedRowFilter, VocabularyFilter, row_link, rows_link
from accounts.admin.refusals import RefusingAdmin
from accounts.admin.scoped import FixedFieldsForm, NeverDeleted, ReadOnlyAdmin, ScopedModelAdmin
from accounts.middleware import actor_behind
from accounts.models import Employee
from accounts.text import validate_plain_text
from loyalty.benefits import GrantError, grant, withdraw
from loyalty.models import Benefit, BenefitCell, BenefitGrant, BenefitQuota, BenefitUse

NEEDED = {
    Benefit.Kind.INFORMATION: ("address", gettext_lazy("Something to read needs the address where it is.")),
    Benefit.Kind.CONTACT: ("contact", gettext_lazy("A direct line needs the number or the address.")),
    Benefit.Kind.OFFER: ("offer_code", gettext_lazy("An offer needs the code that the partner asks for.")),
    Benefit.Kind.SERVICE: ("lead_days", gettext_lazy("A service needs the days within which it is done.")),
    Benefit.Kind.GOODS: ("lead_days", gettext_lazy("Something sent needs the days within which it is.")),
}
"""What each kind cannot be used without."""


class BenefitForm(FixedFieldsForm[Benefit]):
    """A benefit; what its kind needs is asked for beside the field."""

    fixed = ("code", "program")

    def clean(self) -> dict[str, Any]:
        """Say what is missing where it is missing."""
        cleaned = super().clean() or self.cleaned_data
        name, sentence = NEEDED.get(cleaned.get("kind", ""), ("", ""))
        if name in cleaned and cleaned[name] in ("", None):
            self.add_error(name, sentence)
        return cleaned


@admin.register(Benefit)
class BenefitAdmin(NeverDeleted[Benefit], ScopedModelAdmin[Benefit]):
    """Benefits; who gets which stands in the matrix."""

    form = BenefitForm
    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}
    list_display = ("name", "program", "kind", "is_active", "value", "rows_behind")
    list_filter = (("program", VocabularyFilter), "kind", "is_active")
    list_select_related = ("program",)
    search_fields = ("name", "code", "program__name")
    ordering = ("program__name", "name")
    fieldsets = (
        (None, {"fields": ("program", "name", "code", "kind", "is_active")}),
        (gettext_lazy("What the client reads"), {"fields": ("description", "how_to_use", "value")}),
        (
            gettext_lazy("What its kind needs"),
            {
                "fields": ("address", "contact", "offer_code", "lead_days"),
                "description": gettext_lazy(
                    "Something to read needs an address, a direct line a contact, an offer a code: the client sees it "
                    "on using the benefit. A service or something sent needs days: whoever looks after the company "
                    "then owes it, as a promise with that due day."
                ),
            },
        ),
    )

    @admin.display(description=gettext_lazy("rows behind it"))
    def rows_behind(self, benefit: Benefit) -> str:
        """Where it is given, and what was used of it."""
        cells = rows_link(BenefitCell, _("Cells"), benefit__id__exact=benefit.pk)
        uses = rows_link(BenefitUse, _("Uses"), benefit__id__exact=benefit.pk)
        return cells + " " + uses


@admin.register(BenefitCell)
class BenefitCellAdmin(ReadOnlyAdmin[BenefitCell]):
    """Cells of every version as a list; they change in the matrix."""

    list_display = ("benefit", "matrix", "tier", "role", "segment", "quota", "period")
    list_filter = (
        ("matrix__program", VocabularyFilter),
        "matrix__status",
        ("matrix", LinkedRowFilter),
        ("benefit", LinkedRowFilter),
        ("tier", LinkedRowFilter),
    )
    list_select_related = ("benefit", "matrix__program", "tier", "role", "segment")
    search_fields = ("benefit__name", "tier__name", "role__name")
    ordering = ("-pk",)


class GrantForm(forms.ModelForm[BenefitGrant]):
    """Who gets what, how often, until when, and why."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        hints = {
            "employee": _("Empty: the company as a whole."),
            "quota": _("Empty: as often as wanted."),
            "reason": _("The client reads it."),
        }
        for name, hint in hints.items():
            if name in self.fields:
                self.fields[name].help_text = hint


class WithdrawForm(forms.Form):
    """Why a benefit is withdrawn."""

    reason = forms.CharField(
        label=gettext_lazy("reason"),
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 3}),
        validators=[validate_plain_text],
        help_text=gettext_lazy("The client reads it."),
    )


@admin.register(BenefitGrant)
class BenefitGrantAdmin(NeverDeleted[BenefitGrant], RefusingAdmin[BenefitGrant]):
    """Benefits given by hand: given once, withdrawn with a reason, never edited."""

    refusals: ClassVar[tuple[type[Exception], ...]] = (GrantError,)
    form = GrantForm
    change_form_template = "admin/with_tools.html"
    list_display = ("benefit", "company", "employee", "quota", "period", "starts_at", "ends_at", "granted_by")
    list_filter = (
        ("membership__program", VocabularyFilter),
        ("ends_at", admin.EmptyFieldListFilter),
        ("benefit", LinkedRowFilter),
        ("membership", LinkedRowFilter),
    )
    list_select_related = ("benefit", "membership__company", "membership__program", "employee", "granted_by")
    search_fields = ("benefit__name", "membership__company__name", "employee__name", "reason")
    ordering = ("-granted_at", "-pk")
    autocomplete_fields = ("membership", "employee", "benefit")
    actions = None

    def get_fields(self, request: HttpRequest, obj: BenefitGrant | None = None) -> Any:
        """Ask for what to give; show also who gave it."""
        asked = ("membership", "employee", "benefit", "quota", "period", "starts_at", "ends_at", "reason")
        return (*asked, ("granted_by", "granted_at"), "used") if obj else asked

    def get_readonly_fields(self, request: HttpRequest, obj: BenefitGrant | None = None) -> Any:
        """What was given stays as it was given."""
        return self.get_fields(request, obj) if obj else ()

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Begin now."""
        return {"starts_at": timezone.now(), **super().get_changeform_initial_data(request)}

    @admin.display(description=gettext_lazy("company"), ordering="membership__company__name")
    def company(self, given: BenefitGrant) -> str:
        """To whom."""
        return str(given.membership.company)

    @admin.display(description=gettext_lazy("used"))
    def used(self, given: BenefitGrant) -> str:
        """How often, and the rows."""
        return rows_link(BenefitUse, given.uses.count(), grant__id__exact=given.pk)

    def get_field_queryset(self, db: str | None, db_field: RelatedField[Any, Any], request: HttpRequest) -> Any:
        """Offer people who work there now."""
        rows = super().get_field_queryset(db, db_field, request)
        return rows.filter(is_active=True) if db_field.remote_field.model is Employee else rows

    def has_change_permission(self, request: HttpRequest, obj: BenefitGrant | None = None) -> bool:
        """Nobody edits."""
        return False

    def save_model(self, request: HttpRequest, obj: BenefitGrant, form: Any, change: bool) -> None:
        """Give it, and tell who may use it."""
        given = grant(
            membership=obj.membership,
            employee=obj.employee,
            benefit=obj.benefit,
            quota=obj.quota,
            period=obj.period,
            starts_at=obj.starts_at,
            ends_at=obj.ends_at,
            by=actor_behind(request),
            reason=obj.reason,
            now=timezone.now(),
        )
        obj.pk, obj._state.adding = given.pk, False

    def get_urls(self) -> list[URLPattern]:
        """The page that confirms a withdrawal."""
        step = path(
            "<int:pk>/withdraw/", self.admin_site.admin_view(self.withdraw_view), name="loyalty_benefitgrant_withdraw"
        )
        return [step, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Offer the withdrawal while there is something to withdraw."""
        given = self.get_object(request, object_id)
        tools = []
        if given and self._may_withdraw(request) and (given.ends_at is None or given.ends_at > timezone.now()):
            url = reverse("admin:loyalty_benefitgrant_withdraw", args=[given.pk])
            tools.append({"label": _("Withdraw"), "url": url})
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "tools": tools})

    def withdraw_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Confirm a withdrawal and take it, or say why there is nothing to withdraw."""
        given = self.get_object(request, str(pk))
        if given is None:
            raise Http404
        if not self._may_withdraw(request):
            raise PermissionDenied
        form = WithdrawForm(request.POST if request.method == "POST" else None)
        status = 422 if form.is_bound else 200
        back_url = reverse("admin:loyalty_benefitgrant_change", args=[pk])
        if form.is_valid():
            try:
                withdraw(grant=given, by=actor_behind(request), reason=form.cleaned_data["reason"], now=timezone.now())
            except GrantError as error:
                form.add_error(None, str(error))
                status = 409
            else:
                self.message_user(request, _("It is withdrawn; the client has been told."), messages.SUCCESS)
                return HttpResponseRedirect(back_url)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": given,
            "title": _("Withdraw: %(what)s") % {"what": given},
            "facts": [
                (_("Company"), given.membership.company),
                (_("Benefit"), given.benefit),
                (_("Given for"), given.reason),
            ],
            "consequence": _(
                "It ends at this moment. What was used of it stays on record, and the client is told why."
            ),
            "form": form,
            "submit": _("Withdraw"),
            "is_danger": True,
            "back_url": back_url,
        }
        return TemplateResponse(request, "admin/step.html", context, status=status)

    @staticmethod
    def _may_withdraw(request: HttpRequest) -> bool:
        return request.user.has_perm("loyalty.change_benefitgrant")


@admin.register(BenefitUse)
class BenefitUseAdmin(ReadOnlyAdmin[BenefitUse]):
    """What was used, by whom, and what is owed for it."""

    list_display = ("used_at", "benefit", "company", "employee", "is_for_company", "wish", "promise")
    list_filter = (
        ("membership__program", VocabularyFilter),
        "is_for_company",
        ("benefit", LinkedRowFilter),
        ("grant", LinkedRowFilter),
        ("membership", LinkedRowFilter),
        ("employee", LinkedRowFilter),
    )
    list_select_related = ("benefit", "membership__company", "membership__program", "employee", "follow_up", "grant")
    search_fields = ("benefit__name", "membership__company__name", "employee__name", "wish")
    ordering = ("-used_at", "-pk")

    @admin.display(description=gettext_lazy("company"))
    def company(self, used: BenefitUse) -> str:
        """Whose person used it."""
        return row_link(used.membership.company)

    @admin.display(description=gettext_lazy("promised"))
    def promise(self, used: BenefitUse) -> str:
        """The promise, with its due day and state."""
        if used.follow_up is None:
            return "–"
        return f"{used.follow_up.due_on:%Y-%m-%d}, {used.follow_up.get_state_display()}"


@admin.register(BenefitQuota)
class BenefitQuotaAdmin(ReadOnlyAdmin[BenefitQuota]):
    """Counters of quotas."""

    list_display = ("benefit", "company", "employee", "period_start", "used", "limit")
    list_filter = (("benefit", LinkedRowFilter), ("membership", LinkedRowFilter))
    list_select_related = ("benefit", "membership__company", "employee", "grant")
    search_fields = ("benefit__name", "membership__company__name", "employee__name")
    ordering = ("-pk",)

    @admin.display(description=gettext_lazy("company"))
    def company(self, quota: BenefitQuota) -> str:
        """Whose."""
        return str(quota.membership.company)
