"""`/companies/…/memberships/`: which programs a company takes part in, and enrolling it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

from django.db import IntegrityError
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import audit
from accounts.api.views import ApiView, Listing, Single
from accounts.models import Company, Scope
from loyalty.memberships import Joining, enrol
from loyalty.models import Membership, Program, TierAssignment


class MembershipIn(serializers.Serializer[Any]):
    """From when on a company takes part; from now on where nothing is said."""

    starts_at = serializers.DateTimeField(required=False)


class MembershipOut(serializers.ModelSerializer[Membership]):
    """A company in a program, and the tier that it holds now."""

    company = serializers.CharField(source="company.external_id")
    program = serializers.CharField(source="program.code")
    tier = serializers.SerializerMethodField()

    class Meta:
        model = Membership
        fields = ["company", "program", "origin", "starts_at", "ends_at", "tier"]

    @extend_schema_field({"type": ["string", "null"], "description": "Code of the tier."})
    def get_tier(self, membership: Membership) -> str | None:
        """Read for all rows of a page at once."""
        tiers: dict[int, str] = self.context["tiers"]
        return tiers.get(membership.pk)


class MembershipView(ApiView):
    """Memberships of a company in the client's sight."""

    serializer_class = MembershipOut

    def company(self) -> Company:
        """The company that the address names. Raises Problem."""
        return self.one_of(Company.objects.visible_to(self.actor), external_id=self.kwargs["company"])

    def get_queryset(self) -> QuerySet[Membership]:
        """Of the company, with what an answer names."""
        rows = Membership.objects.visible_to(self.actor).select_related("company", "program")
        return rows.filter(company__external_id=self.kwargs.get("company"))

    def read_along(self, rows: Sequence[Membership]) -> dict[str, Any]:
        """The tiers that are held now."""
        held = TierAssignment.objects.visible_to(self.actor).in_force(self.now).filter(membership__in=rows)
        return {"tiers": dict(held.values_list("membership", "tier__code"))}


@extend_schema(tags=["companies"])
class Memberships(MembershipView, Listing):
    """The programs that a company takes part in."""

    @extend_schema(operation_id="listMemberships")
    def get(self, request: Request, **kwargs: Any) -> Response:
        """Return the memberships of a company, past ones too, the newest first."""
        self.company()
        return super().get(request, **kwargs)


@extend_schema(tags=["companies"])
class OneMembership(MembershipView, Single):
    """A company's membership in a program."""

    scopes: ClassVar[dict[str, Scope]] = {"PUT": Scope.PEOPLE_WRITE}

    def found(self) -> Membership:
        """The membership that holds now, or will."""
        rows = self.get_queryset().filter(program__code=self.kwargs["program"])
        return self.one_of(rows.exclude(ends_at__lte=self.now).order_by("starts_at"))

    @extend_schema(operation_id="readMembership")
    def get(self, request: Request, **kwargs: Any) -> Response:
        """Return a company's membership in a program."""
        return super().get(request, **kwargs)

    @extend_schema(
        operation_id="putMembership",
        request=MembershipIn,
        responses={200: MembershipOut, 201: MembershipOut},
        examples=[OpenApiExample("From the first of May", {"starts_at": "2026-05-01T00:00:00Z"}, request_only=True)],
    )
    def put(self, request: Request, company: str, program: str) -> Response:
        """Enrol a company in a program (201); one that takes part already is left as it is (200).

        The company earns from then on; its people begin to earn when its management consents.
        """
        said = self.said(MembershipIn)
        is_new = self._enrol(self.company(), said.get("starts_at", self.now))
        [shown] = self.shown([self.found()])
        return self.tagged(shown, status=201 if is_new else 200)

    def _enrol(self, company: Company, starts_at: datetime) -> bool:
        program = self.one_of(Program.objects.visible_to(self.actor), code=self.kwargs["program"])
        if self.get_queryset().filter(program=program).exclude(ends_at__lte=self.now).exists():
            return False
        try:
            [membership] = enrol(program=program, joinings=[Joining(company.pk, starts_at)])
        except IntegrityError:  # somebody else enrolled it meanwhile
            return False
        audit.record("enrolled", membership, actor_id=self.actor.user_id, now=self.now, company_id=company.pk)
        return True
