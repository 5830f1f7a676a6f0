"""`/transfers/`: points passed on within a company, in a person's name, where the program allows it."""

from collections.abc import Mapping
from typing import Any, ClassVar

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actors import actor_of_employee
from accounts.api.filters import MomentFilter
from accounts.api.keys import KEY_PARAMETER, key_of, once
from accounts.api.problems import FieldError, Problem
from accounts.api.views import ApiView, Listing, Single
from accounts.models import Scope
from accounts.text import validate_plain_text
from loyalty.api.naming import membership_named, person_named
from loyalty.models import Transfer
from loyalty.transfers import (
    MOST_POINTS,
    InsufficientPointsError,
    NotAllowedError,
    NotToThemError,
    NotYoursToPassOnError,
    pass_on,
    refusal,
)

_CODES: Mapping[type[Exception], tuple[str, str]] = {
    NotAllowedError: ("not_offered", "program"),
    NotYoursToPassOnError: ("may_not_pass_on", "employee"),
    NotToThemError: ("not_to_them", "to"),
    InsufficientPointsError: ("insufficient_points", "points"),
}
"""The stable code and the field of each refusal."""


class TransferIn(serializers.Serializer[Any]):
    """Points to be passed on in a person's name."""

    program = serializers.CharField(max_length=200)
    company = serializers.CharField(max_length=200, help_text="Customer number.")
    employee = serializers.CharField(max_length=200, help_text="Number of the person in whose name it is done.")
    to = serializers.CharField(
        max_length=200,
        allow_null=True,
        required=False,
        default=None,
        help_text="Number of a colleague who gets the company's points, which an admin of the company passes on. "
        "Nothing: the company gets the person's own.",
    )
    points = serializers.IntegerField(min_value=1, max_value=MOST_POINTS)
    reason = serializers.CharField(
        max_length=300, validators=[validate_plain_text], help_text="Stands on both statements."
    )


class TransferOut(serializers.ModelSerializer[Transfer]):
    """Points that were passed on between the company and one of its people."""

    transfer = serializers.IntegerField(source="pk")
    transaction = serializers.IntegerField(source="transaction_id")
    program = serializers.CharField(source="membership.program.code")
    company = serializers.CharField(source="membership.company.external_id")
    employee = serializers.CharField(source="employee.external_id")

    class Meta:
        model = Transfer
        fields = [
            "transfer", "transaction", "program", "company", "employee", "is_to_company", "points", "reason_code",
            "made_at",
        ]  # fmt: skip


class TransferFilters(django_filters.FilterSet):  # type: ignore[misc]
    """What transfers can be looked for by."""

    program = django_filters.CharFilter("membership__program__code")
    company = django_filters.CharFilter("membership__company__external_id", help_text="Customer number.")
    employee = django_filters.CharFilter("employee__external_id", help_text="The person's number in the company.")
    is_to_company = django_filters.BooleanFilter("is_to_company")
    made_from = MomentFilter("made_at", "gte", help_text="At this time or later.")
    made_before = MomentFilter("made_at", "lt", help_text="Before this time.")

    class Meta:
        model = Transfer
        fields: ClassVar[list[str]] = []


class TransferView(ApiView):
    """Transfers in the client's sight."""

    scopes: ClassVar[dict[str, Scope]] = {"POST": Scope.POINTS_WRITE}

    def get_queryset(self) -> QuerySet[Transfer]:
        """With what an answer names."""
        rows = Transfer.objects.visible_to(self.actor)
        return rows.select_related("membership__program", "membership__company", "employee")


@extend_schema(tags=["points"])
class Transfers(TransferView, Listing):
    """Transfers."""

    filterset_class = TransferFilters
    serializer_class = TransferOut

    @extend_schema(operation_id="listTransfers")
    def get(self, request: Request, **kwargs: Any) -> Response:
        """Return points that were passed on, the newest first."""
        return super().get(request, **kwargs)

    @extend_schema(
        operation_id="passOn",
        request=TransferIn,
        responses={201: TransferOut},
        parameters=[KEY_PARAMETER],
        examples=[
            OpenApiExample(
                "A person's points for the company's order",
                {
                    "program": "club", "company": "M-1001", "employee": "E-7", "points": 40,
                    "reason": "For the press that we want together",
                },
                request_only=True,
            ),
            OpenApiExample(
                "The company's points for somebody",
                {
                    "program": "club", "company": "M-1001", "employee": "E-1", "to": "E-7", "points": 40,
                    "reason": "For a week of night shifts",
                },
                request_only=True,
            ),
        ],
        filters=False,
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Pass a person's points on to the company, or as its admin the company's to one of its people.

        The program says which of the two it allows. No point is made by it, and each keeps its last day. A refusal
        (409) moves nothing; its `errors` say why.
        """
        key, said = key_of(request), self.said(TransferIn)
        person = person_named(self.actor, company=said["company"], employee=said["employee"], and_who_left=True)
        to = None
        if said["to"] is not None:
            to = person_named(self.actor, company=said["company"], employee=said["to"], field="to", and_who_left=True)
        membership = membership_named(self.actor, company_id=person.company_id, program=said["program"], at=self.now)

        def do() -> int:
            return pass_on(
                actor=actor_of_employee(person, now=self.now),
                membership=membership,
                to=to,
                points=said["points"],
                reason=said["reason"],
                key=None,
                now=self.now,
                made_by_id=self.actor.user_id,
            ).transfer.pk

        try:
            made = once(user_id=self.actor.user_id, key=key, content=["pass on", said], do=do)
        except tuple(_CODES) as error:
            code, field = _CODES[type(error)]
            raise Problem("conflict", errors=[FieldError(code, field, refusal(error))]) from error
        [shown] = self.shown([self.get_queryset().get(pk=made)])
        return self.tagged(shown, status=201)


@extend_schema(tags=["points"])
class OneTransfer(TransferView, Single):
    """One transfer."""

    serializer_class = TransferOut

    @extend_schema(operation_id="readTransfer")
    def get(self, request: Request, **kwargs: Any) -> Response:
        """Return points that were passed on once."""
        return super().get(request, **kwargs)
