"""The optimistic lock of the admin's forms: nobody saves over what somebody else changed meanwhile."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, TypeVar

from django import forms
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.admin.utils import unquote
from django.contrib.contenttypes.models import ContentType
from django.db import models, router, transaction
from django.forms.models import _get_foreign_key
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

M = TypeVar("M", bound=models.Model)

STAMP = "shown"
"""The hidden field in which a form sends back how the row was when it was shown, and when that was."""

_STALE, _STAMPED = "_stale_sentence", "_stamp"
"""What a request carries from the comparison to the form."""


class StampedForm(forms.ModelForm[Any]):
    """A form that is refused where its row has changed; what was typed into it stays."""

    stale_sentence = SafeString()

    def clean(self) -> dict[str, Any]:
        """Refuse it, whatever else is wrong with it."""
        cleaned = super().clean() or self.cleaned_data
        if self.stale_sentence:
            self.add_error(None, self.stale_sentence)
        return cleaned


class StampedAdmin(admin.ModelAdmin[M]):
    """Forms carry a stamp of the row and of the rows edited with it; on saving, the row is locked and compared."""

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Stamp before the row is read to be shown, and compare before it is read to be saved.

        A page that was overtaken answers 409 and offers a new stamp.
        """
        if object_id is None or not self.has_change_permission(request):
            return super().changeform_view(request, object_id, form_url, extra_context)
        with transaction.atomic(using=router.db_for_write(self.model)):
            obj = self.get_object(request, unquote(object_id))
            if obj is not None and self.has_change_permission(request, obj):
                if request.method == "POST":
                    self.model._base_manager.select_for_update(of=("self",)).filter(pk=obj.pk).first()
                    setattr(request, _STALE, self._stale_sentence(request, obj))
                keeps = request.method == "POST" and not getattr(request, _STALE)
                setattr(request, _STAMPED, request.POST.get(STAMP, "") if keeps else self._stamp(request, obj))
            response = super().changeform_view(request, object_id, form_url, extra_context)
            if getattr(request, _STALE, ""):
                response.status_code = 409
            return response

    def get_form(
        self, request: HttpRequest, obj: M | None = None, change: bool = False, **kwargs: Any
    ) -> type[forms.ModelForm[M]]:
        """Return a form that knows whether the row has changed since it was shown."""
        form = super().get_form(request, obj, change=change, **kwargs)
        sentence = getattr(request, _STALE, "")
        if not change or not sentence:
            return form
        return type(form.__name__, (StampedForm, form), {"stale_sentence": sentence})

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Put the stamp into the form. One that is wrong for another reason keeps its own: nobody has looked anew."""
        context["stamp"] = getattr(request, _STAMPED, "")
        return super().render_change_form(request, context, *args, **kwargs)

    def _stamp(self, request: HttpRequest, obj: M) -> str:
        return f"{timezone.now().timestamp():.6f}-{self._digest(request, obj)}"

    def _stale_sentence(self, request: HttpRequest, obj: M) -> SafeString:
        """Return what to tell about a row that has changed since the form was shown; nothing where it has not."""
        at, _dash, digest = request.POST.get(STAMP, "").partition("-")
        if not digest or digest == self._digest(request, obj):
            return SafeString()
        return format_html(
            '{} {} <a href="{}" target="_blank" rel="noopener">{}</a>',
            _changed_by(obj, since=_moment(at)),
            _("Nothing is saved. Look at what changed, then save again."),
            request.path,
            _("The page as it is now (new tab)"),
        )

    def _digest(self, request: HttpRequest, obj: M) -> str:
        """Return a hash over what the form edits: the row's fields, its many-to-many rows, the rows edited with it."""
        digest = blake2b(digest_size=12)
        for value in self._stamped_values(request, obj):
            digest.update(repr(value).encode())
        return digest.hexdigest()

    def _stamped_values(self, request: HttpRequest, obj: M) -> Iterator[object]:
        row = self.model._base_manager.filter(pk=obj.pk)
        edited = self.get_form(request, obj, change=True).base_fields
        yield list(row.values_list(*_columns(self.model, edited)))
        for field in self.model._meta.many_to_many:
            if field.name in edited:
                yield sorted(row.filter(**{f"{field.name}__isnull": False}).values_list(field.name, flat=True))
        for inline in self.get_inline_instances(request, obj):
            if not (inline.has_change_permission(request, obj) or inline.has_delete_permission(request, obj)):
                continue
            key = _get_foreign_key(self.model, inline.model, fk_name=inline.fk_name)
            rows = inline.model._base_manager.filter(**{key.name: obj}).order_by("pk")
            fields = inline.get_formset(request, obj).form.base_fields
            yield list(rows.values_list(*_columns(inline.model, fields)))


def _columns(model: type[models.Model], edited: Iterable[str]) -> list[str]:
    names = set(edited)
    return ["pk", *(field.attname for field in model._meta.concrete_fields if field.name in names)]


def _moment(text: str) -> datetime:
    """Return when a form was shown; at the beginning of time where the stamp does not say."""
    try:
        return datetime.fromtimestamp(float(text), tz=UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.min.replace(tzinfo=UTC)


def _changed_by(obj: models.Model, *, since: datetime) -> str:
    """Say who changed a row, and when, as far as the admin's log or the configuration's history knows."""
    kind = ContentType.objects.get_for_model(obj)
    logged = LogEntry.objects.filter(content_type=kind, object_id=str(obj.pk), action_time__gte=since)
    entry = logged.select_related("user").order_by("-action_time").first()
    if entry is not None:
        return _sentence(getattr(entry.user, "name", str(entry.user)), entry.action_time)
    past = getattr(obj, "history", None)
    record = past.filter(history_date__gte=since).select_related("history_user").first() if past else None
    if record is not None and record.history_user is not None:
        return _sentence(record.history_user.name, record.history_date)
    return _("Changed by somebody else since you opened this page.")


def _sentence(who: str, at: datetime) -> str:
    local = localtime(at)
    when = date_format(local, "H:i")
    if local.date() != localtime().date():
        when = f"{date_format(local, 'DATE_FORMAT')}, {when}"
    return _("Changed by %(who)s at %(when)s since you opened this page.") % {"who": who, "when": when}
