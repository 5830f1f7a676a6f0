"""Responses and answers to look into; people write them, nobody edits them."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin.links import LinkedRowFilter, VocabularyFilter, row_link, rows_link
from accounts.admin.scoped import ReadOnlyAdmin, ReadOnlyInline
from surveys.asking import Given
from surveys.models import Answer, Item, Response
from surveys.sheets import in_words, plain_question


def answer_in_words(answer: Answer) -> str:
    """Return an answer with the labels of its options."""
    given = Given(tuple(answer.choices), answer.number, answer.text)
    return in_words(plain_question(answer.item), given) or _("not answered")


class AnswerInline(ReadOnlyInline[Answer, Response]):
    """What was answered, question by question."""

    model = Answer
    fields = ("item", "in_words")
    readonly_fields = ("item", "in_words")
    ordering = ("item__position", "pk")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Answer]:
        """Bring the questions."""
        return super().get_queryset(request).select_related("item")

    @admin.display(description=gettext_lazy("answer"))
    def in_words(self, answer: Answer) -> str:
        """The answer."""
        return answer_in_words(answer)


@admin.register(Response)
class ResponseAdmin(ReadOnlyAdmin[Response]):
    """Who began and who finished."""

    list_display = (
        "__str__",
        "survey",
        "version_number",
        "company",
        "employee",
        "started_at",
        "submitted_at",
        "answers",
    )
    list_filter = (
        ("submitted_at", admin.EmptyFieldListFilter),
        ("survey__program", VocabularyFilter),
        ("survey", LinkedRowFilter),
        ("version", LinkedRowFilter),
        ("company", LinkedRowFilter),
        ("employee", LinkedRowFilter),
    )
    list_select_related = ("survey", "version", "company", "employee")
    search_fields = ("survey__name", "survey__code", "company__name", "employee__name")
    ordering = ("-pk",)
    fields = ("survey", "version_number", "company", "employee", ("started_at", "submitted_at"), "activity_link")
    inlines = (AnswerInline,)

    @admin.display(description=gettext_lazy("version"))
    def version_number(self, response: Response) -> int:
        """Which wording was answered."""
        return response.version.number

    @admin.display(description=gettext_lazy("answers"))
    def answers(self, response: Response) -> str:
        """A link to the answers."""
        return rows_link(Answer, _("Answers"), response__exact=response.pk)

    @admin.display(description=gettext_lazy("activity"))
    def activity_link(self, response: Response) -> str:
        """The activity that rules judged."""
        return row_link(response.activity)


class GivenFilter(admin.SimpleListFilter):
    """Cuts answers down to those that gave one option or number. Shown only where a link asked for it."""

    title = gettext_lazy("answer")
    parameter_name = "given"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The one that was asked for."""
        given = request.GET.get(self.parameter_name, "")
        return [(given, given)] if given else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Answer]) -> QuerySet[Answer]:
        """Answers that hold it."""
        given = (self.value() or "").replace("\0", "")
        if not given:
            return queryset
        holds = Q(choices__contains=[given])
        if given.lstrip("-").isdecimal() and len(given) < 6:
            holds |= Q(number=int(given), item__kind=Item.Kind.SCALE)
        return queryset.filter(holds)


@admin.register(Answer)
class AnswerAdmin(ReadOnlyAdmin[Answer]):
    """All answers, newest first, to search in what people wrote."""

    list_display = ("__str__", "item", "in_words", "company", "employee", "sent_at")
    list_filter = (
        GivenFilter,
        ("response__submitted_at", admin.EmptyFieldListFilter),
        ("item", LinkedRowFilter),
        ("response", LinkedRowFilter),
    )
    list_select_related = ("item", "response__company", "response__employee")
    search_fields = ("text", "item__text", "response__company__name", "response__employee__name")
    ordering = ("-pk",)
    fields = ("response_link", "item", "in_words")

    @admin.display(description=gettext_lazy("answer"))
    def in_words(self, answer: Answer) -> str:
        """The answer."""
        return answer_in_words(answer)

    @admin.display(description=gettext_lazy("company"))
    def company(self, answer: Answer) -> str:
        """Whose employee answered."""
        return str(answer.response.company)

    @admin.display(description=gettext_lazy("employee"))
    def employee(self, answer: Answer) -> str:
        """Who answered."""
        return str(answer.response.employee)

    @admin.display(description=gettext_lazy("sent"))
    def sent_at(self, answer: Answer) -> Any:
        """When the response was sent."""
        return answer.response.submitted_at

    @admin.display(description=gettext_lazy("response"))
    def response_link(self, answer: Answer) -> str:
        """The response it belongs to."""
        return row_link(answer.response)
