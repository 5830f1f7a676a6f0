"""Segments: listed by hand, or told by a condition that is counted before it is saved."""

import json
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts import company_facts
from accounts.admin.condition_forms import ConditionField, condition_field
from accounts.admin.links import LinkedRowFilter, VocabularyFilter, rows_link
from accounts.admin.refusals import RefusingAdmin
from accounts.admin.reshaping import ReshapedForm, ReshapingAdmin
from accounts.admin.scoped import FixedFieldsForm, NeverDeleted, ScopedModelAdmin, manager_behind
from accounts.conditions import ConditionError
from accounts.models import Company, Job, Segment, SegmentMembership
from accounts.segments import (
    AT_ONCE,
    Count,
    Refreshed,
    SegmentError,
    condition_in_words,
    count,
    parse_condition,
    save_condition,
)


class SegmentForm(ReshapedForm[Segment], FixedFieldsForm[Segment]):
    """A segment; a condition that is new is counted first, and saved when it is sent once more as it was counted."""

    counted = forms.CharField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = Segment
        fields = ("name", "code", "condition")
        field_classes = {"condition": ConditionField}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if field := condition_field(self, "condition"):
            field.ask(company_facts.catalogue())

    def clean(self) -> dict[str, Any]:
        """Check the condition; say how many it would put in, where nobody has been told yet."""
        cleaned = super().clean() or self.cleaned_data
        document = cleaned.get("condition", {})
        if document in ({}, self.instance.condition):
            return cleaned
        try:
            parse_condition(document, company_facts.catalogue())
        except ConditionError as error:
            sentence = error.translated(_)
            self.add_error("condition", f"{error.path}: {sentence}" if error.path else sentence)
        text = json.dumps(document, sort_keys=True)
        if not self.errors and cleaned.get("counted") != text:
            self.data = self.data.copy()  # type: ignore[attr-defined]
            self.data[self.add_prefix("counted")] = text  # type: ignore[index]
            self.add_error(None, _what_follows(count(segment=self.instance, document=document, now=timezone.now())))
        return cleaned


def _what_follows(counted: Count) -> str:
    text = ngettext(
        "This would put %(inside)s company in: %(entering)s would enter and %(leaving)s leave. Nothing is saved yet: "
        "save once more to do so.",
        "This would put %(inside)s companies in: %(entering)s would enter and %(leaving)s leave. Nothing is saved yet: "
        "save once more to do so.",
        counted.inside,
    )
    return text % {
        "inside": f"{counted.inside:,}",
        "entering": f"{counted.entering:,}",
        "leaving": f"{counted.leaving:,}",
    }


@admin.register(Segment)
class SegmentAdmin(ReshapingAdmin[Segment], RefusingAdmin[Segment]):
    """Segments, who is in them, and what says so."""

    form = SegmentForm
    refusals: ClassVar[tuple[type[Exception], ...]] = (SegmentError,)
    list_display = ("name", "code", "how", "companies")
    search_fields = ("name", "code")
    ordering = ("name",)
    fields = ("name", "code", "condition", "in_words", "companies", "counted")
    readonly_fields = ("in_words", "companies")

    @admin.display(description=gettext_lazy("who is in"))
    def how(self, segment: Segment) -> str:
        """What says who is in."""
        return _("by condition") if segment.is_by_condition else _("listed by hand")

    @admin.display(description=gettext_lazy("in words"))
    def in_words(self, segment: Segment) -> str:
        """The condition as a sentence."""
        return condition_in_words(segment) or _("listed by hand")

    @admin.display(description=gettext_lazy("companies"))
    def companies(self, segment: Segment) -> str:
        """A link to those who stand in it, with since when."""
        if segment.pk is None:
            return ""
        return rows_link(SegmentMembership, _("Companies"), segment__id__exact=segment.pk, ends_at__isnull="True")

    def save_model(self, request: HttpRequest, obj: Segment, form: Any, change: bool) -> None:
        """Save it, and say what became of the companies."""
        done = save_condition(segment=obj, by_id=manager_behind(request).pk, now=timezone.now())
        if isinstance(done, Job):
            text = _("There are more than %(most)s companies: %(job)s puts them in.")
            self.message_user(request, text % {"most": f"{AT_ONCE:,}", "job": _("a job")}, messages.INFO)
        elif isinstance(done, Refreshed):
            text = _("%(begun)s companies came in, %(ended)s left.")
            self.message_user(request, text % {"begun": f"{done.begun:,}", "ended": f"{done.ended:,}"}, messages.INFO)


class ListedForm(forms.ModelForm[SegmentMembership]):
    """A company listed by hand in a segment."""

    def clean_segment(self) -> Segment:
        """Refuse a segment by condition, and say why."""
        segment: Segment = self.cleaned_data["segment"]
        if segment.is_by_condition:
            raise forms.ValidationError(
                _("Its condition says who is in “%(segment)s”. Change the condition, or choose a listed segment."),
                params={"segment": segment.name},
            )
        return segment


@admin.register(SegmentMembership)
class SegmentMembershipAdmin(NeverDeleted[SegmentMembership], ScopedModelAdmin[SegmentMembership]):
    """Which company stands in which segment, since when, and what says so."""

    form = ListedForm
    list_display = ("company", "segment", "source", "starts_at", "ends_at")
    list_filter = (
        ("segment", VocabularyFilter),
        "source",
        ("ends_at", admin.EmptyFieldListFilter),
        ("company", LinkedRowFilter),
    )
    list_select_related = ("company", "segment")
    search_fields = ("company__name", "segment__name", "segment__code")
    ordering = ("-starts_at",)
    autocomplete_fields = ("company", "segment")

    def has_change_permission(self, request: HttpRequest, obj: SegmentMembership | None = None) -> bool:
        """What a condition put in, it takes out."""
        if obj is not None and obj.source == SegmentMembership.Source.CONDITION:
            return False
        return super().has_change_permission(request, obj)


def segments_by_condition(company: Company) -> str:
    """Return links to the segments that conditions put a company in, each with since when."""
    return rows_link(
        SegmentMembership,
        _("Segments by condition"),
        company__exact=company.pk,
        source__exact=SegmentMembership.Source.CONDITION.value,
        ends_at__isnull="True",
    )
