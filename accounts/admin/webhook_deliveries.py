"""Deliveries of webhooks: each with its attempts, sent again or set aside, one or many."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import urlsplit

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.formats import date_format, localize
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.admin.exports import Shown
from accounts.admin.links import LinkedRowFilter, VocabularyFilter
from accounts.admin.scoped import ReadOnlyAdmin, manager_behind
from accounts.admin.steps import Step, SteppedAdmin
from accounts.models import User, WebhookAttempt, WebhookDelivery, WebhookEvent
from accounts.webhooks import NotOverError, known_kinds, replay, set_aside
from accounts.webhooks.delivering import body_of, message_id_of

State = WebhookDelivery.State

MOST_AT_ONCE = 500
"""So many deliveries are chosen by hand together; more are sent again by a span of time."""

OVER = (State.DELIVERED, State.DEAD, State.SET_ASIDE)
_COMES_FROM: Mapping[str, Sequence[str]] = {"replay": OVER, "set_aside": (State.DEAD,)}
_TAKE: Mapping[str, Callable[..., int]] = {"replay": replay, "set_aside": set_aside}


def given_up(rows: QuerySet[WebhookDelivery]) -> QuerySet[WebhookDelivery]:
    """Return those of `rows` that were given up, and that somebody has to look at."""
    return rows.filter(state=State.DEAD)


class DeliveryNotOverError(Exception):
    """A delivery that cannot take the step; `str()` says why."""

    def __init__(self) -> None:
        super().__init__(_("This delivery is not where the step begins any more. Look at it again."))


def _take_one(name: str) -> Callable[[WebhookDelivery, User, datetime, Mapping[str, Any]], WebhookDelivery]:
    def take(row: WebhookDelivery, by: User, now: datetime, asked: Mapping[str, Any]) -> WebhookDelivery:
        try:
            _TAKE[name](delivery_ids=[row.pk], by=by, now=now)
        except NotOverError as error:
            raise DeliveryNotOverError from error
        return row

    return take


class KindFilter(admin.SimpleListFilter):
    """Cuts a list down to one kind of event."""

    title = gettext_lazy("event")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """All kinds."""
        return [(kind.code, kind.label) for kind in known_kinds()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Those asked for; all of them where nothing known is asked."""
        asked = self.value()
        is_known = asked in {kind.code for kind in known_kinds()}
        return queryset.filter(event__kind=asked) if is_known else queryset


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnlyAdmin[WebhookDelivery], SteppedAdmin[WebhookDelivery]):
    """Every event on its way to every system."""

    refusal = DeliveryNotOverError
    list_display = ("kind", "webhook", "state", "tries", "next_try", "last", "happened", "company")
    list_filter = ("state", ("subscription", VocabularyFilter), KindFilter, ("event", LinkedRowFilter))
    list_select_related = ("event__company", "subscription__health")
    search_fields = ("event__company__name", "event__company_number", "subscription__name")
    ordering = ("-pk",)
    actions = ("replay", "set_aside")  # type: ignore[assignment]
    fields = (
        "event",
        "subscription",
        "state",
        "tries",
        "next_try",
        "give_up_at",
        "ended_at",
        "attempts",
        "message",
        "body",
    )
    steps: ClassVar[Mapping[str, Step]] = {
        "replay": Step(
            gettext_lazy("Send again"),
            gettext_lazy("It is sent under its old id: a receiver that knows it may drop it."),
            gettext_lazy("It is on its way again."),
            _take_one("replay"),
        ),
        "set_aside": Step(
            gettext_lazy("Set aside"),
            gettext_lazy("It need not arrive any more, and leaves the queue of what was given up."),
            gettext_lazy("It is set aside."),
            _take_one("set_aside"),
        ),
    }

    def offered(self, row: WebhookDelivery) -> list[str]:
        """What leads on from its state."""
        return [name for name in self.steps if row.state in _COMES_FROM[name]]

    def with_extras(self, rows: Sequence[WebhookDelivery]) -> Sequence[WebhookDelivery]:
        """Bring the last attempt of each."""
        attempts = WebhookAttempt.objects.filter(delivery__in=[row.pk for row in rows]).order_by("delivery", "-pk")
        last = {attempt.delivery_id: attempt for attempt in attempts.distinct("delivery")}
        for row in rows:
            row.last_attempt = last.get(row.pk)
        return rows

    @admin.display(description=gettext_lazy("happened"), ordering="pk")
    def happened(self, delivery: WebhookDelivery) -> datetime:
        """When."""
        return delivery.event.occurred_at

    @admin.display(description=gettext_lazy("event"))
    def kind(self, delivery: WebhookDelivery) -> str:
        """What happened."""
        return Shown.of(_breakable(delivery.event.kind), delivery.event.kind)

    @admin.display(description=gettext_lazy("webhook"), ordering="subscription__name")
    def webhook(self, delivery: WebhookDelivery) -> str:
        """To whom, and where that is."""
        name, host = delivery.subscription.name, urlsplit(delivery.subscription.url).netloc
        return Shown.of(format_html('{}<br><bdi class="calm">{}</bdi>', name, _breakable(host)), name)

    @admin.display(description=gettext_lazy("next try"), ordering="due_at")
    def next_try(self, delivery: WebhookDelivery) -> datetime | str:
        """From when on, at the earliest: its endpoint may be left alone for longer than it waits itself."""
        if delivery.state != State.WAITING:
            return "–"
        return max(delivery.due_at, delivery.subscription.health.paused_until or delivery.due_at)

    @admin.display(description=gettext_lazy("company"))
    def company(self, delivery: WebhookDelivery) -> str:
        """Whose."""
        return str(delivery.event.company or "–")

    @admin.display(description=gettext_lazy("last answer"))
    def last(self, delivery: WebhookDelivery) -> str:
        """What came of the last attempt."""
        return _said(delivery.last_attempt) if delivery.last_attempt else "–"

    @admin.display(description=gettext_lazy("attempts"))
    def attempts(self, delivery: WebhookDelivery) -> str:
        """When each was, and what came of it."""
        rows = [
            (
                attempt.at.isoformat(),
                date_format(localtime(attempt.at), "DATETIME_FORMAT"),
                _said(attempt),
                _told(attempt),
            )
            for attempt in delivery.attempts.order_by("pk")
        ]
        items = format_html_join("", '<li><time datetime="{}">{}</time>: {}{}</li>', rows)
        return format_html('<ol class="steps">{}</ol>', items) if rows else "–"

    @admin.display(description=gettext_lazy("id"))
    def message(self, delivery: WebhookDelivery) -> str:
        """The id by which a receiver knows it."""
        return message_id_of(delivery.event)

    @admin.display(description=gettext_lazy("what is sent"))
    def body(self, delivery: WebhookDelivery) -> str:
        """The body, to be read."""
        told = json.dumps(json.loads(body_of(delivery.event)), ensure_ascii=False, indent=2)
        return format_html("<pre>{}</pre>", told)

    def has_replay_permission(self, request: HttpRequest) -> bool:
        """Program managers."""
        return request.user.has_perm("accounts.change_webhookdelivery")

    def may_take(self, request: HttpRequest, row: WebhookDelivery, step: Step) -> bool:
        """Program managers."""
        return self.has_replay_permission(request)

    @admin.action(description=gettext_lazy("Send again"), permissions=["replay"])
    def replay(self, request: HttpRequest, queryset: QuerySet[WebhookDelivery]) -> HttpResponse | None:
        """Send the chosen deliveries again, after a look at how many there are."""
        return self._many(request, queryset, "replay")

    @admin.action(description=gettext_lazy("Set aside"), permissions=["replay"])
    def set_aside(self, request: HttpRequest, queryset: QuerySet[WebhookDelivery]) -> HttpResponse | None:
        """Set the chosen deliveries aside, after a look at how many there are."""
        return self._many(request, queryset, "set_aside")

    def _many(self, request: HttpRequest, queryset: QuerySet[WebhookDelivery], name: str) -> HttpResponse:
        rows = list(queryset.order_by("pk")[: MOST_AT_ONCE + 1])
        if len(rows) > MOST_AT_ONCE:
            text = _("Choose at most %(most)s deliveries at once, or send a span of a webhook again.")
            self.message_user(request, text % {"most": localize(MOST_AT_ONCE)}, messages.WARNING)
            return HttpResponseRedirect(request.get_full_path())
        able = [row for row in rows if row.state in _COMES_FROM[name]]
        step = self.steps[name]
        if "confirm" in request.POST and able:
            return self._take_many(request, able, name)
        count = len(able)
        title = ngettext("%(step)s: %(count)s delivery", "%(step)s: %(count)s deliveries", count)
        hidden = [(ACTION_CHECKBOX_NAME, row.pk) for row in rows]
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": title % {"step": step.label, "count": localize(count)},
            "facts": [(_("Deliveries"), localize(count)), (_("These stay as they are"), localize(len(rows) - count))],
            "consequence": step.consequence,
            "form": step.form(),
            "hidden": [*hidden, ("action", name), ("index", 0), ("confirm", "yes")],
            "submit": step.label,
            "is_impossible": not able,
            "back_url": request.get_full_path(),
        }
        return TemplateResponse(request, self.step_template, context)

    def _take_many(self, request: HttpRequest, rows: list[WebhookDelivery], name: str) -> HttpResponse:
        try:
            count = _TAKE[name](delivery_ids=[row.pk for row in rows], by=manager_behind(request), now=timezone.now())
        except NotOverError:
            self.message_user(request, str(DeliveryNotOverError()), messages.WARNING)
        else:
            text = ngettext("%(step)s: %(count)s delivery.", "%(step)s: %(count)s deliveries.", count)
            told = text % {"step": self.steps[name].label, "count": localize(count)}
            self.message_user(request, told, messages.SUCCESS)
        return HttpResponseRedirect(request.get_full_path())


def _breakable(name: str) -> SafeString:
    """A name with dots, which may go on in another line after each of them."""
    return format_html_join(mark_safe(".<wbr>"), "{}", ((part,) for part in name.split(".")))


def _said(attempt: WebhookAttempt) -> str:
    """What came of an attempt, in words."""
    if attempt.status is None:
        return str(attempt.get_failure_display())
    return f"{attempt.status} {attempt.get_failure_display()}" if attempt.failure else str(attempt.status)


def _told(attempt: WebhookAttempt) -> str:
    return format_html("<br><span>{}</span>", attempt.answer) if attempt.answer else SafeString()


@admin.register(WebhookEvent)
class WebhookEventAdmin(ReadOnlyAdmin[WebhookEvent]):
    """What was announced, and to how many."""

    list_display = ("occurred_at", "kind", "company", "object_key")
    list_filter = (("company", LinkedRowFilter),)
    list_select_related = ("company",)
    search_fields = ("company__name", "company_number")
    ordering = ("-pk",)
    fields = ("occurred_at", "kind", "company", "company_number", "object_key", "uid", "facts")


@admin.register(WebhookAttempt)
class WebhookAttemptAdmin(ReadOnlyAdmin[WebhookAttempt]):
    """All attempts, to search in."""

    list_display = ("at", "delivery", "status", "failure", "answer", "milliseconds")
    list_filter = ("failure", ("delivery", LinkedRowFilter))
    list_select_related = ("delivery__event", "delivery__subscription")
    search_fields = ("answer", "delivery__subscription__name")
    ordering = ("-pk",)
