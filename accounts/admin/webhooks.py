"""Webhooks: who is told of what, with which key, and how each endpoint does."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminSplitDateTime, AdminTextInputWidget
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format, localize
from django.utils.html import format_html
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.actors import Actor
from accounts.admin.links import AskedFilter, rows_link
from accounts.admin.refusals import RefusingAdmin
from accounts.admin.scoped import NeverDeleted, manager_behind
from accounts.admin.steps import Step, StepForm, SteppedAdmin
from accounts.models import User, WebhookDelivery, WebhookSubscription
from accounts.outside import UnsafeAddressError, read_url
from accounts.webhooks import SubscriptionError, known_kinds, ping, replay_span, rotate_secret, save_subscription
from accounts.webhooks.delivering import AILING
from accounts.webhooks.sending import installed_reach

State = WebhookDelivery.State


class SubscriptionForm(forms.ModelForm[WebhookSubscription]):
    """Where to, of what, and of whom."""

    kinds = forms.MultipleChoiceField(label=gettext_lazy("Events"), widget=forms.CheckboxSelectMultiple)

    class Meta:
        model = WebhookSubscription
        fields = ("name", "url", "kinds", "is_for_all_companies", "companies", "is_active")
        widgets: ClassVar[Mapping[str, forms.Widget]] = {"url": AdminTextInputWidget({"class": "vLargeTextField"})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields.get("kinds")
        if isinstance(field, forms.MultipleChoiceField):
            field.choices = [(kind.code, f"{kind.label} ({kind.code})") for kind in known_kinds()]

    def clean_url(self) -> str:
        """Refuse what can be seen to be wrong without asking anybody."""
        url: str = self.cleaned_data["url"]
        try:
            read_url(url, inside=installed_reach().inside)
        except UnsafeAddressError as error:
            raise ValidationError(str(error)) from error
        return url

    def clean(self) -> dict[str, Any]:
        """Refuse a webhook that would hear of nobody, and one of which nobody could say whom it hears of."""
        cleaned = super().clean() or self.cleaned_data
        if bool(cleaned.get("is_for_all_companies")) == bool(cleaned.get("companies")):
            self.add_error("companies", _("Choose the companies, or all of them: one of the two."))
        return cleaned


class RotateForm(StepForm):
    """Whether the old key may go on for a day."""

    is_leaked = forms.BooleanField(
        label=gettext_lazy("The old key has leaked: it signs no more at once"),
        required=False,
        help_text=gettext_lazy(
            "Until the receiver has the new key, it will refuse what it gets. It is all sent again."
        ),
    )


class SpanForm(StepForm):
    """Which deliveries to send again."""

    since = forms.SplitDateTimeField(label=gettext_lazy("What happened from"), widget=AdminSplitDateTime)
    until = forms.SplitDateTimeField(label=gettext_lazy("until before"), widget=AdminSplitDateTime)
    count = forms.IntegerField(
        label=gettext_lazy("How many these are"),
        required=False,
        min_value=0,
        help_text=gettext_lazy("Leave it empty to be told; then write the number to confirm."),
    )


class CountFirstError(SubscriptionError):
    """So many deliveries would be sent again, and somebody has to say that this is meant."""

    def __init__(self, count: int) -> None:
        text = ngettext(
            "This is %(count)s delivery. Nothing is sent yet: write the number below to confirm.",
            "These are %(count)s deliveries. Nothing is sent yet: write the number below to confirm.",
            count,
        )
        super().__init__(text % {"count": localize(count)})


def _ping(row: WebhookSubscription, by: User, now: datetime, asked: Mapping[str, Any]) -> WebhookDelivery:
    return ping(subscription=row, by=by, now=now)


def _rotate(row: WebhookSubscription, by: User, now: datetime, asked: Mapping[str, Any]) -> WebhookSubscription:
    row.fresh_secret = rotate_secret(subscription=row, is_leaked=asked["is_leaked"], by=by, now=now)
    return row


def _replay_span(row: WebhookSubscription, by: User, now: datetime, asked: Mapping[str, Any]) -> WebhookSubscription:
    count = asked["count"]
    found = replay_span(
        subscription=row,
        since=asked["since"],
        until=asked["until"],
        count=-1 if count is None else count,
        by=by,
        now=now,
    )
    if found != count:
        raise CountFirstError(found)
    return row


def failing(rows: QuerySet[WebhookSubscription]) -> QuerySet[WebhookSubscription]:
    """Return those of `rows` whose endpoint keeps failing."""
    return rows.filter(is_active=True, health__failures__gte=AILING)


class EndpointFilter(AskedFilter):
    """Webhooks by how their endpoint does."""

    title = gettext_lazy("endpoint")
    parameter_name = "endpoint"
    choices_of: ClassVar[Mapping[str, Any]] = {"failing": gettext_lazy("keeps failing")}

    def cut(self, rows: QuerySet[WebhookSubscription], asked: str, actor: Actor) -> QuerySet[WebhookSubscription]:
        """Those that keep failing."""
        return failing(rows)


@admin.register(WebhookSubscription)
class WebhookSubscriptionAdmin(
    NeverDeleted[WebhookSubscription], RefusingAdmin[WebhookSubscription], SteppedAdmin[WebhookSubscription]
):
    """Systems that are told of events; each is switched off rather than deleted."""

    form = SubscriptionForm
    refusals: ClassVar[tuple[type[Exception], ...]] = (UnsafeAddressError, SubscriptionError)
    refusal = SubscriptionError
    list_display = ("name", "url", "is_active", "condition", "delivered", "hears_of")
    list_filter = (EndpointFilter, "is_active")
    list_select_related = ("health", "created_by")
    search_fields = ("name", "url")
    ordering = ("name", "pk")
    autocomplete_fields = ("companies",)
    actions = None
    steps: ClassVar[Mapping[str, Step]] = {
        "ping": Step(
            gettext_lazy("Send a test"),
            gettext_lazy("An event of the kind “ping” is sent, signed and retried like every other."),
            gettext_lazy("The test is on its way; this page shows what comes of it."),
            _ping,
        ),
        "replay": Step(
            gettext_lazy("Send a span again"),
            gettext_lazy(
                "What was delivered, given up or set aside is sent again under its old id: the receiver knows a repeat."
            ),
            gettext_lazy("It is on its way again."),
            _replay_span,
            SpanForm,
        ),
        "rotate": Step(
            gettext_lazy("Change the key"),
            gettext_lazy("A new key is made and shown once. For one day, the old one signs beside it."),
            gettext_lazy("The new key is in use."),
            _rotate,
            RotateForm,
        ),
    }

    def get_fields(self, request: HttpRequest, obj: WebhookSubscription | None = None) -> Any:
        """Say how the endpoint does, once there is one."""
        asked = ("name", "url", "kinds", "is_for_all_companies", "companies", "is_active")
        return (*asked, "condition", "delivered", "behind", ("created_by", "created_at")) if obj else asked

    def get_readonly_fields(self, request: HttpRequest, obj: WebhookSubscription | None = None) -> Any:
        """What happens to it is not typed."""
        return ("condition", "delivered", "behind", "created_by", "created_at") if obj else ()

    @admin.display(description=gettext_lazy("events"))
    def hears_of(self, subscription: WebhookSubscription) -> str:
        """How many kinds of events."""
        return localize(len(subscription.kinds))

    @admin.display(description=gettext_lazy("endpoint"))
    def condition(self, subscription: WebhookSubscription) -> str:
        """Whether it answers."""
        health = subscription.health
        if not health.failures:
            return _("well") if health.tried_at else _("not tried yet")
        text = ngettext("failed %(count)s time in a row", "failed %(count)s times in a row", health.failures)
        said = text % {"count": localize(health.failures)}
        if health.paused_until is None:
            return said
        until = date_format(localtime(health.paused_until), "DATETIME_FORMAT")
        return _("%(failed)s; left alone until %(until)s") % {"failed": said, "until": until}

    @admin.display(description=gettext_lazy("last delivered"))
    def delivered(self, subscription: WebhookSubscription) -> datetime | str:
        """When it last took an event."""
        return subscription.health.delivered_at or "–"

    @admin.display(description=gettext_lazy("deliveries"))
    def behind(self, subscription: WebhookSubscription) -> str:
        """The way to its deliveries."""
        to = partial(rows_link, WebhookDelivery, subscription__id__exact=subscription.pk)
        return format_html(
            "{} · {} · {}",
            to(_("all")),
            to(_("waiting"), state__exact=State.WAITING.value),
            to(_("given up"), state__exact=State.DEAD.value),
        )

    def save_model(self, request: HttpRequest, obj: WebhookSubscription, form: Any, change: bool) -> None:
        """Keep it; a new one's key is shown by the next page and never again."""
        by = manager_behind(request)
        obj.fresh_secret = save_subscription(obj, by=by, reach=installed_reach(), now=timezone.now())

    def response_add(
        self, request: HttpRequest, obj: WebhookSubscription, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Show the key."""
        return self._show_key(request, obj)

    def taken(self, request: HttpRequest, step: Step, result: Any) -> HttpResponse:
        """Show a new key, and nowhere else; lead from a test to its delivery."""
        if isinstance(result, WebhookSubscription) and result.fresh_secret:
            self.log_change(request, result, str(step.done))
            return self._show_key(request, result)
        response = super().taken(request, step, result)
        if isinstance(result, WebhookDelivery):
            return HttpResponseRedirect(reverse("admin:accounts_webhookdelivery_change", args=[result.pk]))
        return response

    def _show_key(self, request: HttpRequest, row: WebhookSubscription) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": row,
            "title": _("The key of %(name)s") % {"name": row.name},
            "key": row.fresh_secret,
            "back_url": reverse("admin:accounts_webhooksubscription_change", args=[row.pk]),
        }
        response = TemplateResponse(request, "admin/accounts/webhooksubscription/key.html", context)
        response["Cache-Control"] = "no-store"
        return response
