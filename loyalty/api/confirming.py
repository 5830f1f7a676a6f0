"""`/activities/confirm/`: what activities earned need not wait any longer."""

from typing import Any

from django.db.models import TextChoices
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.views import ApiView
from accounts.models import Scope
from loyalty.activities import confirm_activities
from loyalty.api.arriving import MOST_ITEMS
from loyalty.models import Activity, Source

EXAMPLE = {"source": "erp", "ids": ["INV-20471-1"]}


class Came(TextChoices):
    """What came of a confirmation."""

    CONFIRMED = "confirmed"
    CONFIRMED_BEFORE = "confirmed_before"
    NOTHING_WAITS = "nothing_waits"
    UNKNOWN = "unknown"


class ConfirmIn(serializers.Serializer[Any]):
    """Activities of one source, by its own ids."""

    source = serializers.CharField(  # type: ignore[assignment]  # a field of that name, as the API calls it
        max_length=50, help_text="Code of a source that the client may send as."
    )
    ids = serializers.ListField(
        child=serializers.CharField(max_length=200, trim_whitespace=False),
        min_length=1,
        max_length=MOST_ITEMS,
        help_text="The source's ids.",
    )


class ConfirmedOut(serializers.Serializer[Any]):
    """What came of one confirmation; `points` can be spent from now on, of the company and its people together."""

    id = serializers.CharField()
    status = serializers.ChoiceField(choices=[(came.value, came.name.lower()) for came in Came])
    activity = serializers.IntegerField(allow_null=True, help_text="Our id of it; null where there is none.")
    points = serializers.IntegerField()


class ConfirmationsOut(serializers.Serializer[Any]):
    """What came of each, in the order of the request."""

    items = ConfirmedOut(many=True)


@extend_schema(tags=["activities"])
class ConfirmActivities(ApiView):
    """Confirmation of activities."""

    scopes = {"POST": Scope.ACTIVITIES_WRITE}
    serializer_class = ConfirmIn

    @extend_schema(
        operation_id="confirmActivities",
        request=ConfirmIn,
        responses={200: ConfirmationsOut},
        examples=[OpenApiExample("One invoice was paid", EXAMPLE, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        """Confirm from one to 1,000 activities: points that waited for it can be spent.

        The answer (200) says of each what came of it: `confirmed`; `confirmed_before`, and `nothing_waits` where its
        points never waited, were released by their day or were taken back, change nothing; `unknown` is not there, or
        not for this client: send it again after the activity. Repeat a request as often as you like.
        """
        said = self.said(ConfirmIn)
        rows = Activity.objects.visible_to(self.actor).filter(
            source__in=Source.objects.visible_to(self.actor).filter(code=said["source"]),
            external_id__in=set(said["ids"]),
        )
        known = dict(rows.values_list("external_id", "pk"))
        came = confirm_activities(known.values(), by_user_id=self.actor.user_id, now=self.now) if known else {}
        items = []
        for external_id in said["ids"]:
            pk = known.get(external_id)
            outcome = came[pk] if pk is not None else None
            if outcome is None:
                status = Came.UNKNOWN
            elif outcome.points:
                status = Came.CONFIRMED
            else:
                status = Came.CONFIRMED_BEFORE if outcome.was_before else Came.NOTHING_WAITS
            items.append(
                {
                    "id": external_id,
                    "status": status.value,
                    "activity": pk,
                    "points": outcome.points if outcome else 0,
                }
            )
        return Response({"items": items})
