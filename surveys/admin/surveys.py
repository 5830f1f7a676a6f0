"""Surveys: to whom and how long, their versions, and the page of results."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actors import Actor
from accounts.admin.condition_forms import ConditionField, condition_field
from accounts.admin.links import AskedFilter, VocabularyFilter, row_link
from accounts.admin.reshaping import ReshapedForm, ReshapingAdmin
from accounts.admin.scoped import FixedFieldsForm, manager_behind
from accounts.admin.steps import Step, SteppedAdmin
from accounts.conditions import ConditionError, parse, sentence
from accounts.reader import READER
from surveys.admin.charts import ItemChart
from surveys.admin.documents import check_document
from surveys.audience import audience_catalogue
from surveys.models import Survey, SurveyVersion
from surveys.results import results_of
from surveys.versions import VersionError, close, first_draft

CLOSING_WITHIN = timedelta(days=7)


class SurveyForm(ReshapedForm[Survey], FixedFieldsForm[Survey]):
    """A survey stays in its program and keeps its code: rules and activities name it."""

    fixed = ("program", "code")

    class Meta:
        field_classes: ClassVar[Mapping[str, Any]] = {"audience": ConditionField}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if audience := condition_field(self, "audience"):
            audience.ask(audience_catalogue())

    def clean(self) -> dict[str, Any]:
        """Check the audience against the facts and codes that exist."""
        cleaned = super().clean() or self.cleaned_data
        if "audience" in cleaned:
            check_document(self, "audience", lambda: parse(cleaned["audience"], audience_catalogue()))
        return cleaned


def closing_soon(surveys: QuerySet[Survey], at: datetime) -> QuerySet[Survey]:
    """Return those of `surveys` that are open and published at `at`, and close within a week."""
    published = SurveyVersion.objects.filter(survey=OuterRef("pk"), status=SurveyVersion.Status.PUBLISHED)
    return surveys.filter(Exists(published), opens_at__lte=at, closes_at__gt=at, closes_at__lte=at + CLOSING_WITHIN)


class ClosingFilter(AskedFilter):
    """Open surveys by when they close."""

    title = gettext_lazy("closes")
    parameter_name = "closes"
    choices_of = {"soon": gettext_lazy("within a week")}

    def cut(self, rows: QuerySet[Survey], asked: str, actor: Actor) -> QuerySet[Survey]:
        """Those that close soon."""
        return closing_soon(rows, actor.at)


@admin.register(Survey)
class SurveyAdmin(ReshapingAdmin[Survey], SteppedAdmin[Survey]):
    """Surveys."""

    form = SurveyForm
    list_display = ("name", "code", "program", "opens_at", "closes_at", "results_link")
    list_filter = (("program", VocabularyFilter), ClosingFilter)
    list_select_related = ("program",)
    search_fields = ("name", "code", "introduction")
    ordering = ("-pk",)
    refusal: ClassVar[type[Exception]] = VersionError
    steps: ClassVar[Mapping[str, Step]] = {
        "close": Step(
            gettext_lazy("Close"),
            gettext_lazy(
                "Nothing more is begun or sent from this moment on; what was begun and not sent is not counted. To "
                "open the survey again, give it a later end."
            ),
            gettext_lazy("%(row)s is closed."),
            lambda survey, by, now, _asked: close(survey=survey, by=by, now=now),
        ),
    }

    def get_fields(self, request: HttpRequest, obj: Survey | None = None) -> Any:
        """Versions come with the survey."""
        fields = ("program", "code", "name", "introduction", "minutes", "opens_at", "closes_at", "audience")
        return (*fields, "audience_in_words", "versions") if obj else fields

    def get_readonly_fields(self, request: HttpRequest, obj: Survey | None = None) -> Any:
        """What is worked out."""
        return ("audience_in_words", "versions")

    def save_model(self, request: HttpRequest, obj: Survey, form: Any, change: bool) -> None:
        """Give a new survey its first draft."""
        super().save_model(request, obj, form, change)
        if not change:
            first_draft(survey=obj, by=manager_behind(request), now=timezone.now())

    def offered(self, row: Survey) -> list[str]:
        """What is not closed can be closed."""
        return [] if row.is_closed_at(timezone.now()) else ["close"]

    def further_tools(self, request: HttpRequest, row: Survey) -> list[dict[str, Any]]:
        """The results."""
        return [{"label": _("Results"), "url": reverse("admin:surveys_survey_results", args=[row.pk])}]

    def get_urls(self) -> list[URLPattern]:
        """The page of results."""
        results = path(
            "<int:pk>/results/", self.admin_site.admin_view(self.results_view), name="surveys_survey_results"
        )
        return [results, *super().get_urls()]

    def results_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Counts, and what was said to every question of a version, the newest published one unless asked."""
        survey = self.get_object(request, str(pk))
        if survey is None:
            raise Http404
        if not self.has_view_permission(request, survey):
            raise PermissionDenied
        published = SurveyVersion.objects.filter(survey=survey).exclude(status=SurveyVersion.Status.DRAFT)
        versions = list(published.order_by("-number"))
        asked = request.GET.get("version", "")
        version = next((one for one in versions if str(one.number) == asked), versions[0] if versions else None)
        results = results_of(survey, version, at=timezone.now())
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": survey,
            "title": _("Results: %(survey)s") % {"survey": survey},
            "versions": versions,
            "version": version,
            "results": results,
            "charts": [ItemChart(result) for result in results.items],
            "as_of": timezone.now(),
        }
        return TemplateResponse(request, "admin/surveys/results.html", context)

    @admin.display(description=gettext_lazy("results"))
    def results_link(self, survey: Survey) -> str:
        """A link to what the answers add up to."""
        url = reverse("admin:surveys_survey_results", args=[survey.pk])
        return format_html('<a href="{}">{}</a>', url, _("Results"))

    @admin.display(description=gettext_lazy("who is asked, in words"))
    def audience_in_words(self, survey: Survey) -> str:
        """The audience as a sentence."""
        if not survey.audience:
            return _("Everybody in the program's companies who can sign in.")
        catalogue = audience_catalogue()
        try:
            condition = parse(survey.audience, catalogue)
        except ConditionError as error:
            return f"{error.path}: {error.translated(_)}" if error.path else error.translated(_)
        return sentence(condition, catalogue, READER)

    @admin.display(description=gettext_lazy("versions"))
    def versions(self, survey: Survey) -> str:
        """Every version with its state, leading to its page."""
        rows = [
            (row_link(version, _("Version %(number)s") % {"number": version.number}), version.get_status_display())
            for version in SurveyVersion.objects.filter(survey=survey).select_related("survey").order_by("-number")
        ]
        if not rows:
            return _("No versions yet.")
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{}, {}</li>", rows))
