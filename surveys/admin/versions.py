"""Versions of a survey: drawn up, published, taken back; each step with a page that says what follows."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.db.models.fields.related import RelatedField
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from accounts.admin.links import LinkedRowFilter, row_link, rows_link
from accounts.admin.steps import Step, SteppedAdmin
from surveys.admin.items import asked_if
from surveys.models import Item, Response, SurveyVersion
from surveys.sheets import items_of
from surveys.versions import VersionError, draft_from, next_number, publish, retire


@admin.register(SurveyVersion)
class SurveyVersionAdmin(SteppedAdmin[SurveyVersion]):
    """Versions. All that changes one is a step with a page to confirm it."""

    list_display = ("__str__", "status", "published_at", "question_list", "response_list")
    list_filter = ("status", ("survey", LinkedRowFilter))
    list_select_related = ("survey",)
    search_fields = ("survey__name", "survey__code")
    ordering = ("-pk",)
    refusal: ClassVar[type[Exception]] = VersionError
    steps: ClassVar[Mapping[str, Step]] = {
        "publish": Step(
            gettext_lazy("Publish"),
            gettext_lazy(
                "Whoever begins from now on is asked these questions; who has begun another version goes on with that "
                "one. The questions can no longer be changed: to change them, a new draft is made. Where the survey is "
                "open, everybody who is asked is told."
            ),
            gettext_lazy("%(row)s is published."),
            lambda version, by, now, _asked: publish(version=version, by=by, now=now),
        ),
        "retire": Step(
            gettext_lazy("Take back"),
            gettext_lazy(
                "Nobody begins the survey any more until another version is published. Who has begun may finish."
            ),
            gettext_lazy("%(row)s is taken back."),
            lambda version, by, now, _asked: retire(version=version, by=by, now=now),
        ),
        "draft": Step(
            gettext_lazy("Make a new draft from it"),
            gettext_lazy("Its questions are copied into the next version, which you can change until it is published."),
            gettext_lazy("%(row)s is drawn up; its questions can be changed now."),
            lambda version, by, now, _asked: draft_from(version=version, by=by, now=now),
            makes_new_row=True,
        ),
    }

    def get_fields(self, request: HttpRequest, obj: SurveyVersion | None = None) -> Any:
        """A new version only asks of which survey."""
        return ("survey_link", "number", "status", "published_at", "questions", "results") if obj else ("survey",)

    def get_readonly_fields(self, request: HttpRequest, obj: SurveyVersion | None = None) -> Any:
        """A version that exists changes by steps alone."""
        return self.get_fields(request, obj) if obj else ()

    def get_field_queryset(
        self, db: str | None, db_field: RelatedField[Any, Any], request: HttpRequest
    ) -> QuerySet[Any]:
        """Surveys by their names."""
        return super().get_field_queryset(db, db_field, request).order_by("name")

    def has_delete_permission(self, request: HttpRequest, obj: SurveyVersion | None = None) -> bool:
        """Drafts can be thrown away."""
        is_draft = obj is None or obj.status == SurveyVersion.Status.DRAFT
        return is_draft and super().has_delete_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: SurveyVersion, form: Any, change: bool) -> None:
        """Give a new version its number."""
        if not change:
            obj.number = next_number(obj.survey)
            super().save_model(request, obj, form, change)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """There is nothing to save."""
        nothing_to_save = {"show_save": False, "show_save_and_continue": False, "show_save_and_add_another": False}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **nothing_to_save})

    def offered(self, row: SurveyVersion) -> list[str]:
        """A draft is published, what is published is taken back; a draft is made from any."""
        return {
            SurveyVersion.Status.DRAFT.value: ["publish", "draft"],
            SurveyVersion.Status.PUBLISHED.value: ["draft", "retire"],
            SurveyVersion.Status.RETIRED.value: ["draft"],
        }[row.status]

    def further_tools(self, request: HttpRequest, row: SurveyVersion) -> list[dict[str, Any]]:
        """Questions are added to drafts."""
        if row.status != SurveyVersion.Status.DRAFT or not request.user.has_perm("surveys.add_item"):
            return []
        url = reverse("admin:surveys_item_add", query={"version": row.pk})
        return [{"label": _("Add a question"), "url": url}]

    @admin.display(description=gettext_lazy("survey"))
    def survey_link(self, version: SurveyVersion) -> str:
        """The survey's page."""
        return row_link(version.survey)

    @admin.display(description=gettext_lazy("questions"))
    def question_list(self, version: SurveyVersion) -> str:
        """A link to its questions."""
        return rows_link(Item, _("Questions"), version__exact=version.pk)

    @admin.display(description=gettext_lazy("responses"))
    def response_list(self, version: SurveyVersion) -> str:
        """A link to who answered it."""
        return rows_link(Response, _("Responses"), version__exact=version.pk)

    @admin.display(description=gettext_lazy("results"))
    def results(self, version: SurveyVersion) -> str:
        """A link to what its answers add up to."""
        if version.status == SurveyVersion.Status.DRAFT:
            return _("None: it was not published yet.")
        url = reverse("admin:surveys_survey_results", args=[version.survey_id], query={"version": version.number})
        return format_html('<a href="{}">{}</a>', url, _("Results"))

    @admin.display(description=gettext_lazy("questions"))
    def questions(self, version: SurveyVersion) -> str:
        """Every question with when it is asked, leading to its page."""
        items = items_of(version.pk)
        if not items:
            return _("No questions yet.")
        rows = [
            (row_link(item), item.get_kind_display(), asked_if(item, items[:place])) for place, item in enumerate(items)
        ]
        template = format_html("<li>{{}}<br>{{}} · {}: {{}}</li>", pgettext("survey", "asked"))
        return format_html("<ol>{}</ol>", format_html_join("", template, rows))
