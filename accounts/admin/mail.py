"""E-mails, what became of them, and the addresses that take none."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, TypeVar

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.formats import localize
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts import naming
from accounts.admin.links import AskedFilter, LinkedRowFilter, row_link
from accounts.admin.scoped import ReadOnlyAdmin, manager_behind
from accounts.admin.steps import Step, SteppedAdmin
from accounts.mail import kinds, mending
from accounts.messages import codes as inbox_codes
from accounts.models import Mail, MailReport, SuppressedAddress, User

M = TypeVar("M", bound=Model)

MOST_AT_ONCE = 1_000


def _send_again(mail: Mail, by: User, now: datetime, _asked: Mapping[str, Any]) -> Mail:
    if not mending.send_again(mail_ids=[mail.pk], by_user_id=by.pk, now=now):
        raise mending.NotNowError(_("The e-mail waits already, or has been sent."))
    return mail


def _write_off(mail: Mail, by: User, now: datetime, _asked: Mapping[str, Any]) -> Mail:
    if not mending.write_off(mail_ids=[mail.pk], by_user_id=by.pk, now=now):
        raise mending.NotNowError(_("There is nothing to write off: the e-mail waits, has been sent or is not wanted."))
    return mail


AGAIN = gettext_lazy("Send again")
AGAIN_MEANS = gettext_lazy(
    "A worker sends it as it would have been sent the first time, unless the person or the address takes none. "
    "One that is uncertain may arrive twice."
)


class MendedAdmin(ReadOnlyAdmin[M], SteppedAdmin[M]):
    """Rows that nobody edits, and that change by steps which somebody may take who may change e-mails."""

    refusal = mending.NotNowError

    def has_mending_permission(self, request: HttpRequest) -> bool:
        """Whether the user may do something about them."""
        return manager_behind(request).has_perm("accounts.change_mail")

    def may_take(self, request: HttpRequest, row: Any, step: Step) -> bool:
        """Whoever may mend."""
        return self.has_mending_permission(request)


class KindFilter(AskedFilter):
    """E-mails of one kind; the kinds that there are, not those of a million rows."""

    title = gettext_lazy("kind")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Their names."""
        known = sorted({*kinds.codes(), *inbox_codes()})
        return sorted(((code, naming.LETTERS.of(code)) for code in known), key=lambda choice: choice[1])

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Those of the kind asked for."""
        asked = self.value()
        return queryset.filter(kind=asked) if asked else queryset


@admin.register(Mail)
class MailAdmin(MendedAdmin[Mail]):
    """E-mails; what is uncertain or has failed is sent again or written off by somebody who has thought about it."""

    list_display = ("created_at", "address", "called", "company", "state", "tries", "due_at", "ended_at")
    list_filter = ("state", KindFilter, ("user", LinkedRowFilter))
    list_select_related = ("user__employee__company",)
    search_fields = ("address", "kind", "user__name", "user__employee__company__name")
    search_help_text = gettext_lazy("Address, kind, person or company")
    ordering = ("-pk",)
    fields = (
        "address", "person", "company", "called", "about", ("state", "tries"), "why",
        ("created_at", "due_at", "ended_at"), "code",
    )  # fmt: skip
    readonly_fields = ("person", "company", "called", "about", "code")
    actions = ("send_again",)  # type: ignore[assignment]  # where nothing is edited there are none, but for this
    steps: ClassVar[Mapping[str, Step]] = {
        "again": Step(AGAIN, AGAIN_MEANS, gettext_lazy("The e-mail waits to be sent again."), _send_again),
        "off": Step(
            gettext_lazy("Write off"),
            gettext_lazy("It is left alone from now on. It can still be sent again later."),
            gettext_lazy("The e-mail is written off."),
            _write_off,
        ),
    }

    def offered(self, row: Mail) -> list[str]:
        """What can be done about it in its state."""
        states = {"again": mending.CAN_BE_SENT_AGAIN, "off": mending.CAN_BE_WRITTEN_OFF}
        return [name for name, able in states.items() if row.state in able]

    @admin.display(description=gettext_lazy("kind"), ordering="kind")
    def called(self, mail: Mail) -> str:
        """What its kind is called."""
        return naming.LETTERS.of(mail.kind)

    @admin.display(description=gettext_lazy("to"))
    def person(self, mail: Mail) -> str:
        """Whose login it is."""
        return row_link(mail.user)

    @admin.display(description=gettext_lazy("company"))
    def company(self, mail: Mail) -> str:
        """Whose employee is written to."""
        employee = getattr(mail.user, "employee", None)
        return str(employee.company) if employee is not None else ""

    @admin.display(description=gettext_lazy("message"))
    def about(self, mail: Mail) -> str:
        """The message of the inbox that it carries."""
        return row_link(mail.message)

    @admin.action(description=AGAIN, permissions=("mending",))
    def send_again(self, request: HttpRequest, queryset: QuerySet[Mail]) -> HttpResponse:
        """Send the chosen e-mails again, once their number has been looked at."""
        back = request.get_full_path()
        rows = list(queryset.order_by("pk")[: MOST_AT_ONCE + 1])
        if len(rows) > MOST_AT_ONCE:
            text = _("Choose at most %(most)s e-mails at once.") % {"most": localize(MOST_AT_ONCE)}
            self.message_user(request, text, messages.WARNING)
            return HttpResponseRedirect(back)
        if "confirm" in request.POST:
            by, ids = manager_behind(request), [row.pk for row in rows]
            count = mending.send_again(mail_ids=ids, by_user_id=by.pk, now=timezone.now())
            text = ngettext(
                "%(count)s e-mail waits to be sent again.", "%(count)s e-mails wait to be sent again.", count
            )
            self.message_user(request, text % {"count": localize(count)}, messages.SUCCESS)
            return HttpResponseRedirect(back)
        return self._confirm(request, rows, back)

    def _confirm(self, request: HttpRequest, rows: list[Mail], back: str) -> HttpResponse:
        able = sum(row.state in mending.CAN_BE_SENT_AGAIN for row in rows)
        uncertain = sum(row.state == Mail.State.UNCERTAIN for row in rows)
        title = ngettext("Send %(count)s e-mail again", "Send %(count)s e-mails again", able)
        chosen = [(ACTION_CHECKBOX_NAME, row.pk) for row in rows]
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": title % {"count": localize(able)},
            "facts": [
                (_("will be sent again"), localize(able)),
                (_("of these uncertain"), localize(uncertain)),
                (_("stay as they are"), localize(len(rows) - able)),
            ],
            "consequence": AGAIN_MEANS,
            "submit": AGAIN,
            "hidden": [*chosen, ("action", "send_again"), ("index", 0), ("confirm", "yes")],
            "is_impossible": not able,
            "back_url": back,
        }
        return TemplateResponse(request, "admin/step.html", context)


@admin.register(MailReport)
class MailReportAdmin(ReadOnlyAdmin[MailReport]):
    """What whoever carries our e-mails said of them."""

    list_display = ("at", "address", "event", "kind", "mail", "reported_at")
    list_filter = ("event", "kind", ("mail", LinkedRowFilter))
    list_select_related = ("mail",)
    search_fields = ("address",)
    ordering = ("-pk",)


def _try_again(row: SuppressedAddress, by: User, now: datetime, _asked: Mapping[str, Any]) -> SuppressedAddress:
    if not mending.try_again(address=row.address, by_user_id=by.pk, now=now):
        raise mending.NotNowError(_("E-mails to this address are sent already."))
    return row


@admin.register(SuppressedAddress)
class SuppressedAddressAdmin(MendedAdmin[SuppressedAddress]):
    """Addresses that nothing is sent to, and why."""

    list_display = ("address", "reason", "since", "lifted_at")
    list_filter = ("reason", ("lifted_at", admin.EmptyFieldListFilter))
    search_fields = ("address",)
    ordering = ("-since",)
    steps: ClassVar[Mapping[str, Step]] = {
        "retry": Step(
            gettext_lazy("Send to it again"),
            gettext_lazy("E-mails that are written from now on go there again. If one comes back, they stop again."),
            gettext_lazy("E-mails go to this address again."),
            _try_again,
        ),
    }

    def offered(self, row: SuppressedAddress) -> list[str]:
        """Trying again, where nothing is sent."""
        return [] if row.lifted_at else ["retry"]
