"""`/activities/`: record what happened, read what was recorded, and why it brought what it brought."""

from collections.abc import Sequence
from typing import Any, ClassVar

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actors import Actor
from accounts.api.filters import MomentFilter
from accounts.api.views import ApiView, Listing, Single
from accounts.models import Employee, Scope
from loyalty.activities import MOST_PARTICIPANTS, Status
from loyalty.api import arriving
from loyalty.api.effects import effects_of
from loyalty.explaining import verdicts_of
from loyalty.models import Activity, Evaluation

EXAMPLE = {
    "items": [
        {
            "source": "erp",
            "id": "INV-20471-1",
            "type": "purchase",
            "company": "C-1001",
            "occurred_at": "2026-05-04T10:00:00Z",
            "amount": "149.90",
            "currency": "EUR",
        }
    ]
}


class AmountField(serializers.DecimalField):
    """An exact number; written as text, so that no reader rounds it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_digits=18, decimal_places=4, **options)


@extend_schema_field(
    {
        "oneOf": [
            {"type": "number", "minimum": 0},
            {"type": "string", "pattern": r"^[0-9]{1,12}(\.[0-9]{1,4})?$"},
            {"type": "null"},
        ]
    }
)
class AmountInField(AmountField):
    """An exact number, as a number or as text; its digits are kept."""


class ActivityIn(serializers.Serializer[Any]):
    """An activity as another system tells it; `company` and `employee` are that system's numbers for them."""

    source = serializers.CharField(  # type: ignore[assignment]  # a field of that name, as the API calls it
        help_text="Code of a source that the client may send as."
    )
    id = serializers.CharField(max_length=200, help_text="The source's own id: the same id again changes nothing.")
    type = serializers.CharField(help_text="Code of an activity type.")
    company = serializers.CharField(help_text="Customer number.")
    employee = serializers.CharField(required=False, allow_null=True, help_text="The person's number in the company.")
    participants = serializers.ListField(
        child=serializers.CharField(max_length=200), required=False, allow_null=True, max_length=MOST_PARTICIPANTS,
        help_text="Numbers of the company's people who had a part in it beside `employee`.",
    )  # fmt: skip
    occurred_at = serializers.DateTimeField(help_text="With a time zone; at most five minutes ahead.")
    object = serializers.CharField(required=False, allow_null=True, max_length=200, help_text="What it was about.")
    quantity = AmountInField(required=False, allow_null=True)
    amount = AmountInField(required=False, allow_null=True)
    currency = serializers.RegexField(r"^[A-Z]{3}$", required=False, allow_null=True)
    attributes = serializers.DictField(
        required=False, allow_null=True, help_text="Values of attributes that the type declares."
    )
    reverses = serializers.CharField(
        required=False, allow_null=True, max_length=200,
        help_text="The id of the activity that this one takes back, as a whole or by its amount or quantity.",
    )  # fmt: skip


class ActivitiesIn(serializers.Serializer[Any]):
    """One activity or many."""

    items = serializers.ListField(child=ActivityIn(), min_length=1, max_length=arriving.MOST_ITEMS)


class PointsOut(serializers.Serializer[Any]):
    """Points that came (or went, below 0), in a program, to a person or (`employee` null) the company."""

    program = serializers.CharField()
    employee = serializers.CharField(allow_null=True)
    points = serializers.IntegerField()


class TierMoveOut(serializers.Serializer[Any]):
    """A tier that the company came into."""

    program = serializers.CharField()
    tier = serializers.CharField()
    starts_at = serializers.DateTimeField()


class GivenOut(serializers.Serializer[Any]):
    """What a rule gave beside points, to a person or (`employee` null) the company: a badge, a benefit."""

    program = serializers.CharField()
    employee = serializers.CharField(allow_null=True)
    kind = serializers.CharField()
    code = serializers.CharField()


class EffectsOut(serializers.Serializer[Any]):
    """What an activity led to."""

    points = PointsOut(many=True)
    tiers = TierMoveOut(many=True)
    given = GivenOut(many=True)


class ItemErrorOut(serializers.Serializer[Any]):
    """Why an activity was not recorded."""

    code = serializers.CharField(help_text="For a program; codes never change.")
    field = serializers.CharField()
    sentence = serializers.CharField(help_text="For a person.")


class OutcomeOut(serializers.Serializer[Any]):
    """What became of an activity."""

    index = serializers.IntegerField(help_text="Its place in the request, from 0.")
    id = serializers.CharField(allow_null=True)
    status = serializers.ChoiceField(choices=[(status.value, status.name.lower()) for status in Status])
    activity = serializers.IntegerField(allow_null=True, help_text="Our id of it; null where it was rejected.")
    effects = EffectsOut(allow_null=True)
    error = ItemErrorOut(allow_null=True)


class OutcomesOut(serializers.Serializer[Any]):
    """What became of each activity, in the order of the request."""

    items = OutcomeOut(many=True)


class ActivityOut(serializers.ModelSerializer[Activity]):
    """An activity as it was recorded."""

    activity = serializers.IntegerField(source="pk")
    source = serializers.CharField(source="source.code")  # type: ignore[assignment]  # see above
    id = serializers.CharField(source="external_id")
    type = serializers.CharField(source="type.code")
    company = serializers.CharField(source="company.external_id")
    employee = serializers.CharField(source="employee.external_id", allow_null=True, default=None)
    participants = serializers.SerializerMethodField()
    quantity = AmountField(allow_null=True)
    amount = AmountField(allow_null=True)
    attributes = serializers.DictField()
    reverses = serializers.CharField(source="reverses_external_id")
    effects = serializers.SerializerMethodField()

    class Meta:
        model = Activity
        fields = [
            "activity", "source", "id", "type", "company", "employee", "participants", "occurred_at",
            "recorded_at", "object", "quantity", "amount", "currency", "attributes", "reverses", "effects",
        ]  # fmt: skip

    @extend_schema_field({"type": "array", "items": {"type": "string"}})
    def get_participants(self, activity: Activity) -> list[str]:
        """Read for all rows of a page at once."""
        numbers: dict[int, str] = self.context["numbers"]
        return [numbers[employee_id] for employee_id in activity.participants if employee_id in numbers]

    @extend_schema_field(EffectsOut)
    def get_effects(self, activity: Activity) -> dict[str, Any]:
        """Read for all rows of a page at once."""
        effects: dict[int, dict[str, Any]] = self.context["effects"]
        return effects[activity.pk]


class VerdictOut(serializers.Serializer[Any]):
    """What one rule said of an activity."""

    rule = serializers.CharField(source="rule_name")
    sentence = serializers.CharField(help_text="The rule, in a sentence.")
    reason = serializers.CharField(help_text="What it said of this activity, and why.")
    is_met = serializers.BooleanField()
    is_capped = serializers.BooleanField(help_text="Whether a limit cut what it gave.")
    points = serializers.IntegerField()


class WhyOut(serializers.Serializer[Any]):
    """What the rules of one program said."""

    program = serializers.CharField()
    rules = VerdictOut(many=True)


class ActivityWithWhyOut(ActivityOut):
    """An activity, and what every rule said of it."""

    why = serializers.SerializerMethodField()

    class Meta(ActivityOut.Meta):
        fields = [*ActivityOut.Meta.fields, "why"]

    @extend_schema_field(WhyOut(many=True))
    def get_why(self, activity: Activity) -> list[dict[str, Any]]:
        """Computed again by the code that paid."""
        actor: Actor = self.context["view"].actor
        judged = Evaluation.objects.visible_to(actor).filter(activity=activity).select_related("program")
        whys = []
        for evaluation in judged.order_by("program__code"):
            evaluation.activity = activity
            rules = VerdictOut(verdicts_of(evaluation, actor), many=True).data
            whys.append({"program": evaluation.program.code, "rules": rules})
        return whys


class ActivityFilters(django_filters.FilterSet):  # type: ignore[misc]
    """What activities can be looked for by."""

    company = django_filters.CharFilter("company__external_id", help_text="Customer number.")
    employee = django_filters.CharFilter("employee__external_id", help_text="The person's number in the company.")
    source = django_filters.CharFilter("source__code")
    id = django_filters.CharFilter("external_id", help_text="The source's own id.")
    type = django_filters.CharFilter("type__code")
    occurred_from = MomentFilter("occurred_at", "gte", help_text="At this time or later.")
    occurred_before = MomentFilter("occurred_at", "lt", help_text="Before this time.")

    class Meta:
        model = Activity
        fields: ClassVar[list[str]] = []


class ActivityView(ApiView):
    """Activities in the client's sight."""

    def get_queryset(self) -> QuerySet[Activity]:
        """With what an answer names."""
        return Activity.objects.visible_to(self.actor).select_related("source", "type", "company", "employee")

    def read_along(self, rows: Sequence[Activity]) -> dict[str, Any]:
        """What each of them led to."""
        people = {employee_id for row in rows for employee_id in row.participants}
        known = Employee.objects.visible_to(self.actor).filter(pk__in=people) if people else Employee.objects.none()
        return {
            "effects": effects_of([row.pk for row in rows]),
            "numbers": dict(known.values_list("pk", "external_id")),
        }


@extend_schema(tags=["activities"])
class Activities(ActivityView, Listing):
    """Activities."""

    scopes = {"POST": Scope.ACTIVITIES_WRITE}
    filterset_class = ActivityFilters
    serializer_class = ActivityOut

    @extend_schema(operation_id="listActivities")
    def get(self, request: Request, **kwargs: Any) -> Response:
        """Return activities, the newest first."""
        return super().get(request, **kwargs)

    @extend_schema(
        operation_id="recordActivities",
        request=ActivitiesIn,
        responses={200: OutcomesOut},
        examples=[OpenApiExample("One purchase", EXAMPLE, request_only=True)],
        filters=False,
    )
    def post(self, request: Request) -> Response:
        """Record from one to 1,000 activities.

        What is sound is recorded, what is not is rejected alone, and the answer (200) says of each which, in the order
        of the request. An activity that was sent before is a `duplicate`, with what it led to then: repeat a request
        as often as you like. A `waiting` one takes back an activity that has not come yet.
        """
        return Response({"items": arriving.record(request.data, actor=self.actor, now=self.now)})


@extend_schema(tags=["activities"])
class OneActivity(ActivityView, Single):
    """One activity."""

    serializer_class = ActivityWithWhyOut

    @extend_schema(operation_id="readActivity")
    def get(self, request: Request, **kwargs: Any) -> Response:
        """Return an activity, what it led to, and what every rule said of it."""
        return super().get(request, **kwargs)
