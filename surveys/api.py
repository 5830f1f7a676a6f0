"""`/surveys/` and their results, for clients that serve all companies: results add up what all of them said."""

from dataclasses import asdict
from typing import Any, ClassVar

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.views import ApiView, Listing, Single
from surveys.models import Survey, SurveyVersion
from surveys.results import ItemResult, results_of


class SurveyOut(serializers.ModelSerializer[Survey]):
    """A survey that was published."""

    program = serializers.CharField(source="program.code")
    survey = serializers.CharField(source="code")

    class Meta:
        model = Survey
        fields = ["program", "survey", "name", "opens_at", "closes_at"]


class SurveyFilters(django_filters.FilterSet):  # type: ignore[misc]
    """What surveys can be looked for by."""

    program = django_filters.CharFilter("program__code")
    survey = django_filters.CharFilter("code", help_text="Code of a survey.")

    class Meta:
        model = Survey
        fields: ClassVar[list[str]] = []


class SurveyView(ApiView):
    """Surveys in the client's sight."""

    def get_queryset(self) -> QuerySet[Survey]:
        """With what an answer names."""
        return Survey.objects.visible_to(self.actor).select_related("program")


@extend_schema(tags=["surveys"])
class Surveys(SurveyView, Listing):
    """Surveys."""

    filterset_class = SurveyFilters
    serializer_class = SurveyOut

    @extend_schema(operation_id="listSurveys")
    def get(self, request: Request, **kwargs: Any) -> Response:
        """Return surveys that were published, the newest first."""
        return super().get(request, **kwargs)


class AnswerOut(serializers.Serializer[Any]):
    """One answer, how many gave it, and their share of all who answered, in percent."""

    code = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # a field of that name, as results call it
    count = serializers.IntegerField()
    percent = serializers.IntegerField()


class ScoreOut(serializers.Serializer[Any]):
    """A score with its interval of 95 percent."""

    value = serializers.FloatField()
    low = serializers.FloatField()
    high = serializers.FloatField()


class ItemResultOut(serializers.Serializer[Any]):
    """What was said to one question; no words, which may name people."""

    item = serializers.CharField()
    text = serializers.CharField()
    kind = serializers.CharField()
    answered = serializers.IntegerField()
    passed_by = serializers.IntegerField()
    answers = AnswerOut(many=True)
    mean = serializers.FloatField(allow_null=True)
    score = ScoreOut(allow_null=True, help_text="NPS or CSAT, where the question measures one.")


class ResultsOut(serializers.Serializer[Any]):
    """`begun` and `finished` count every version; `items` are the questions of the latest published one."""

    program = serializers.CharField()
    survey = serializers.CharField()
    version = serializers.IntegerField()
    invited = serializers.IntegerField()
    begun = serializers.IntegerField()
    finished = serializers.IntegerField()
    items = ItemResultOut(many=True)


@extend_schema(tags=["surveys"])
class SurveyResults(SurveyView, Single):
    """Results of one survey."""

    serializer_class = ResultsOut
    lookup = {"code": "code"}

    @extend_schema(operation_id="readSurveyResults", responses={200: ResultsOut})
    def get(self, request: Request, **kwargs: Any) -> Response:
        """Return how many were asked, began and finished, and what they said, question by question."""
        survey: Survey = self.found()
        version = (
            SurveyVersion.objects.filter(survey=survey)
            .exclude(status=SurveyVersion.Status.DRAFT)
            .order_by("-number")
            .first()
        )
        results = results_of(survey, version, at=self.now)
        return self.tagged(
            {
                "program": survey.program.code,
                "survey": survey.code,
                "version": version.number if version else 0,
                "invited": results.invited,
                "begun": results.begun,
                "finished": results.finished,
                "items": [_shown(item) for item in results.items],
            }
        )


def _shown(result: ItemResult) -> dict[str, Any]:
    return {
        "item": result.item.code,
        "text": result.item.text,
        "kind": result.item.kind,
        "answered": result.n,
        "passed_by": result.passed_by,
        "answers": [asdict(bar) for bar in result.bars],
        "mean": result.mean,
        "score": result.score and {"value": result.score.value, "low": result.score.low, "high": result.score.high},
    }
