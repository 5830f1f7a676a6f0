"""Points for everybody of a segment: whom, how many and why; the dry run of the list comes next."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actors import Actor
from accounts.admin.scoped import manager_behind
from accounts.idempotency import KeyUsedForAnotherRequestError
from accounts.middleware import actor_behind
from accounts.models import Segment, StakeholderRole
from accounts.text import validate_plain_text
from loyalty.admin.by_hand import new_key, refusal
from loyalty.by_hand import MOST_POINTS, ByHandError
from loyalty.models import Adjustment, Program
from loyalty.moving.segments import NobodyThereError, Recipients, give_to_segment

COMPANIES, PEOPLE = "companies", "people"


class SegmentPointsForm(forms.Form):
    """Who gets how many points, and why."""

    program = forms.ModelChoiceField(label=gettext_lazy("Program"), queryset=Program.objects.none())
    segment = forms.ModelChoiceField(label=gettext_lazy("Segment"), queryset=Segment.objects.none())
    to = forms.ChoiceField(
        label=gettext_lazy("Who gets the points"),
        choices=[
            (COMPANIES, gettext_lazy("each company of the segment")),
            (PEOPLE, gettext_lazy("each of their people")),
        ],
    )
    role = forms.ModelChoiceField(
        label=gettext_lazy("Only people of this role"),
        queryset=StakeholderRole.objects.none(),
        required=False,
        help_text=gettext_lazy("Empty: all people. Where companies get the points, no role is asked for."),
    )
    points = forms.IntegerField(label=gettext_lazy("Points for each"), min_value=1, max_value=MOST_POINTS)
    reason_code = forms.ChoiceField(
        label=gettext_lazy("Reason"),
        choices=[row for row in Adjustment.Reason.choices if row[0] != Adjustment.Reason.OPENING],
    )
    reason = forms.CharField(
        label=gettext_lazy("Why, in words"),
        max_length=300,
        validators=[validate_plain_text],
        help_text=gettext_lazy("Whoever gets the points reads this."),
    )

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        programs = Program.objects.visible_to(actor).filter(is_active=True).order_by("name")
        rows = (
            ("program", programs),
            ("segment", Segment.objects.visible_to(actor).order_by("name")),
            ("role", StakeholderRole.objects.order_by("name")),
        )
        for name, choices in rows:
            field = self.fields[name]
            assert isinstance(field, forms.ModelChoiceField)  # noqa: S101 (as declared above)
            field.queryset = choices

    def clean(self) -> dict[str, Any]:
        """Refuse a role where companies get the points."""
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("to") == COMPANIES and cleaned.get("role"):
            self.add_error("role", _("Companies play no role. Leave this empty, or give the points to their people."))
        return cleaned

    def recipients(self) -> Recipients:
        """Return who gets the points."""
        chosen = self.cleaned_data
        return Recipients(chosen["program"], chosen["segment"], chosen["to"] == PEOPLE, chosen["role"])


def segment_view(request: HttpRequest) -> HttpResponse:
    """Ask for a list that gives points to everybody of a segment; its page tells how many, and asks again."""
    me = manager_behind(request)
    if not me.has_perms(("loyalty.add_adjustment", "accounts.add_import")):
        raise PermissionDenied
    form = SegmentPointsForm(request.POST if request.method == "POST" else None, actor=actor_behind(request))
    status = 422 if form.is_bound else 200
    key = request.POST.get("key", "")[:60] or new_key()
    if form.is_valid():
        chosen = form.cleaned_data
        try:
            import_ = give_to_segment(
                recipients=form.recipients(),
                points=chosen["points"],
                reason_code=chosen["reason_code"],
                reason=chosen["reason"],
                key=key,
                by=me,
                now=timezone.now(),
            )
        except (ByHandError, KeyUsedForAnotherRequestError) as error:
            form.add_error(None, _said(error))
            status = 409
        else:
            return HttpResponseRedirect(reverse("admin:accounts_import_change", args=[import_.pk]))
    context = {
        **admin.site.each_context(request),
        "opts": Adjustment._meta,
        "title": _("Points for a whole segment"),
        "consequence": _(
            "Nothing is given yet: a list of the wallets comes next, and a dry run counts them. Above the program’s "
            "limit a second person approves the list as a whole."
        ),
        "submit": _("Count"),
        "form": form,
        "hidden": [("key", key)],
        "back_url": reverse("admin:loyalty_adjustment_changelist"),
    }
    return TemplateResponse(request, "admin/step.html", context, status=status)


def _said(error: Exception) -> str:
    if isinstance(error, NobodyThereError):
        return _("Nobody of this segment takes part in the program, or nobody plays this role. Choose another one.")
    return refusal(error)
