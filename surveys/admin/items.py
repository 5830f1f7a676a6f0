"""Questions: edited while their version is a draft, with the condition shown as the sentence that it is."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import Max, QuerySet
from django.db.models.fields.related import RelatedField
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from accounts.admin.condition_forms import ConditionField, condition_field
from accounts.admin.links import LinkedRowFilter, VocabularyFilter
from accounts.admin.reshaping import ReshapedForm, ReshapingAdmin
from accounts.admin.scoped import ScopedModelAdmin
from accounts.conditions import ConditionError, sentence
from accounts.reader import READER
from surveys.admin.documents import OptionsField, check_document
from surveys.asking import Question, catalogue_of, parse_show_if
from surveys.models import Item, SurveyVersion
from surveys.sheets import items_of, plain_question


def is_open(item: Item | None) -> bool:
    """Whether a question may still change: it is new, or its version is a draft."""
    return item is None or item.version.status == SurveyVersion.Status.DRAFT


def asked_if(item: Item, earlier: list[Item]) -> str:
    """Return when the question is put, in plain words, or what keeps it from being put."""
    questions = [plain_question(one) for one in earlier]
    try:
        condition = parse_show_if(item.show_if, questions)
    except ConditionError as error:
        return f"{error.path}: {error.translated(_)}" if error.path else error.translated(_)
    return sentence(condition, catalogue_of(questions), READER)


class ItemForm(ReshapedForm[Item]):
    """A question of a draft."""

    options = OptionsField()

    class Meta:
        field_classes: ClassVar[Mapping[str, Any]] = {"show_if": ConditionField}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        version = self.fields.get("version")
        if version is not None and self.instance._state.adding is False:
            version.disabled = True
        if show_if := condition_field(self, "show_if"):
            show_if.ask(catalogue_of(self._earlier(self._typed("version"), self._typed("position"))))

    def _typed(self, name: str) -> int | None:
        """Return a number that a field says now; None where it says none."""
        if name not in self.fields or self.fields[name].disabled:
            saved: int | None = getattr(self.instance, f"{name}_id" if name == "version" else name)
            return saved
        text = str(self[name].value())
        return int(text) if text.isdecimal() and len(text) < 10 else None

    def _earlier(self, version_id: int | None, position: int | None) -> list[Question]:
        """Return the questions that come before: what can be asked about."""
        if version_id is None or position is None:
            return []
        place = (position, self.instance.pk or float("inf"))
        return [plain_question(item) for item in items_of(version_id) if (item.position, item.pk) < place]

    def clean(self) -> dict[str, Any]:
        """Check the condition against the questions that come before."""
        cleaned = super().clean() or self.cleaned_data
        version, position = cleaned.get("version"), cleaned.get("position")
        if version and position is not None and "show_if" in cleaned:
            earlier = self._earlier(version.pk, position)
            check_document(self, "show_if", lambda: parse_show_if(cleaned["show_if"], earlier))
        return cleaned


def _before(item: Item, items: list[Item]) -> list[Item]:
    return [one for one in items if (one.position, one.pk) < (item.position, item.pk)]


@admin.register(Item)
class ItemAdmin(ReshapingAdmin[Item], ScopedModelAdmin[Item]):
    """Questions of drafts to edit, published ones to read."""

    form = ItemForm
    list_display = ("text", "code", "version", "position", "kind", "sentence")
    list_filter = (("version__survey", VocabularyFilter), "version__status", "kind", ("version", LinkedRowFilter))
    list_select_related = ("version__survey",)
    search_fields = ("text", "code", "version__survey__name")
    ordering = ("-version_id", "position", "pk")
    fieldsets = (
        (None, {"fields": ("version", "position", "code", "kind", "text", "hint", "is_required")}),
        (gettext_lazy("For a choice"), {"fields": ("options", "is_multiple")}),
        (
            gettext_lazy("For a scale"),
            {"fields": (("low", "low_label"), ("high", "high_label"), "measures")},
        ),
        (gettext_lazy("Ask only if"), {"fields": ("show_if", "sentence")}),
    )
    readonly_fields = ("sentence",)

    def with_extras(self, rows: Sequence[Item]) -> Sequence[Item]:
        """Say every condition in words; the versions that the questions stand in are read once."""
        siblings: dict[int, list[Item]] = {}
        versions = {item.version_id for item in rows}
        for item in Item.objects.filter(version__in=versions).order_by("position", "pk"):
            siblings.setdefault(item.version_id, []).append(item)
        for item in rows:
            sentence = asked_if(item, _before(item, siblings.get(item.version_id, [])))
            item.plain_sentence = sentence  # type: ignore[attr-defined]
        return rows

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Put a new question last."""
        initial: dict[str, Any] = dict(super().get_changeform_initial_data(request))
        version = str(initial.get("version", ""))
        if version.isdecimal() and "position" not in initial:
            items = self.get_queryset(request).filter(version=int(version[:18]))
            initial["position"] = (items.aggregate(last=Max("position"))["last"] or 0) + 1
        return initial

    def get_field_queryset(
        self, db: str | None, db_field: RelatedField[Any, Any], request: HttpRequest
    ) -> QuerySet[Any]:
        """New questions go into drafts."""
        rows = super().get_field_queryset(db, db_field, request)
        if db_field.name == "version":
            rows = rows.filter(status=SurveyVersion.Status.DRAFT).select_related("survey").order_by("-pk")
        return rows

    @admin.display(description=pgettext_lazy("survey", "asked"))
    def sentence(self, item: Item) -> str:
        """When the question is put."""
        if item.pk is None:
            return ""
        if not hasattr(item, "plain_sentence"):
            return asked_if(item, _before(item, items_of(item.version_id)))
        return str(item.plain_sentence)

    def has_change_permission(self, request: HttpRequest, obj: Item | None = None) -> bool:
        """Published questions never change."""
        return is_open(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Item | None = None) -> bool:
        """Published questions stay."""
        return is_open(obj) and super().has_delete_permission(request, obj)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        """Say why the page of a published question has nothing to save."""
        item = context.get("original")
        if not is_open(item):
            text = _(
                "Version %(number)s was published, so its questions stay. To change one, make a new draft from it."
            )
            self.message_user(request, text % {"number": item.version.number}, messages.INFO)
        return super().render_change_form(request, context, *args, **kwargs)
