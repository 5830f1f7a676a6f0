"""`/entitlements/`: what a person, and the company, may use now, and why."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actors import actor_of_employee
from accounts.api.problems import FieldError, Problem
from accounts.api.views import ApiView
from accounts.models import Employee
from loyalty.benefits import Entitlement, benefits_of
from loyalty.models import Membership

_NAMED = ("company", "employee")


class EntitlementOut(serializers.Serializer[Any]):
    """A benefit that may be used; `quota` and `left` null: as often as wanted."""

    program = serializers.CharField()
    benefit = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.CharField()
    is_for_company = serializers.BooleanField(help_text="Whether the company uses it as a whole.")
    may_use = serializers.BooleanField(help_text="Whether this person may, for itself or for the company.")
    quota = serializers.IntegerField(allow_null=True)
    used = serializers.IntegerField()
    left = serializers.IntegerField(allow_null=True)
    until = serializers.DateField(allow_null=True)
    why = serializers.CharField()


class EntitlementsOut(serializers.Serializer[Any]):
    """All of them."""

    items = EntitlementOut(many=True)


def _parameter(name: str, description: str, *, required: bool) -> OpenApiParameter:
    return OpenApiParameter(name, str, OpenApiParameter.QUERY, required=required, description=description)


@extend_schema(tags=["benefits"])
class Entitlements(ApiView):
    """Entitlements of one person."""

    serializer_class = EntitlementsOut

    def parameters(self) -> list[str]:
        """Whose, and which."""
        return [*_NAMED, "benefit", "program"]

    @extend_schema(
        operation_id="listEntitlements",
        parameters=[
            _parameter("company", "Customer number.", required=True),
            _parameter("employee", "The person's number in the company.", required=True),
            _parameter("benefit", "Code of a benefit.", required=False),
            _parameter("program", "Code of a program.", required=False),
        ],
        responses={200: EntitlementsOut},
    )
    def get(self, request: Request) -> Response:
        """Return what a person may use at this moment; an empty list where there is nothing, or no such person."""
        asked = {name: request.query_params.get(name, "") for name in self.parameters()}
        missing = [FieldError("required", name, "Name the person.") for name in _NAMED if not asked[name]]
        if missing:
            raise Problem("bad_parameter", errors=missing)
        person = (
            Employee.objects.visible_to(self.actor)
            .filter(company__external_id=asked["company"], external_id=asked["employee"])
            .select_related("company")
            .first()
        )
        return Response({"items": [] if person is None else self._items(person, asked)})

    def _items(self, person: Employee, asked: dict[str, str]) -> list[dict[str, Any]]:
        actor = actor_of_employee(person, now=self.now)
        memberships = Membership.objects.visible_to(self.actor).filter(company=person.company_id)
        if asked["program"]:
            memberships = memberships.filter(program__code=asked["program"])
        return [
            _shown(membership.program.code, right)
            for membership in memberships.in_force(self.now).select_related("program").order_by("program__code")
            for right in benefits_of(actor, membership, at=self.now).entitlements
            if asked["benefit"] in ("", right.benefit.code)
        ]


def _shown(program: str, right: Entitlement) -> dict[str, Any]:
    return {
        "program": program,
        "benefit": right.benefit.code,
        "name": right.benefit.name,
        "kind": right.benefit.kind,
        "is_for_company": right.is_for_company,
        "may_use": right.can_use,
        "quota": right.quota,
        "used": right.used,
        "left": right.left,
        "until": right.until,
        "why": right.why,
    }
