"""`/companies/` and their people: read, created and changed by the numbers that other systems give them."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import django_filters
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.problems import FieldError, NotFoundProblem, Problem, invalid
from accounts.api.tags import check_if_match
from accounts.api.views import ApiView, Listing, Single
from accounts.directory import NoSuchCompanyError, NoSuchPartnerError, put_company, put_employee
from accounts.models import Company, Employee, RoleAssignment, Scope
from accounts.people import NoSuchRoleError


class CompanyIn(serializers.ModelSerializer[Company]):
    """What is said of a company; what is left out stays as it is."""

    name = serializers.CharField(required=False, max_length=200, help_text="Required for a new company.")
    served_by = serializers.CharField(
        required=False, allow_null=True, help_text="The customer number of the partner that serves it."
    )

    class Meta:
        model = Company
        fields = ["name", "kind", "country", "served_by"]


class CompanyOut(serializers.ModelSerializer[Company]):
    """A company; `id` is its customer number."""

    id = serializers.CharField(source="external_id")
    served_by = serializers.SerializerMethodField()

    class Meta:
        model = Company
        fields = ["id", "name", "kind", "country", "served_by", "created_at"]

    @extend_schema_field({"type": ["string", "null"]})
    def get_served_by(self, company: Company) -> str | None:
        """The partner's number, as far as the client may see the partner."""
        partners: dict[int, str] = self.context["partners"]
        return partners.get(company.served_by_id or 0)


class EmployeeIn(serializers.ModelSerializer[Employee]):
    """What is said of a person; what is left out stays as it is."""

    name = serializers.CharField(required=False, max_length=150, help_text="Required for a new person.")
    roles = serializers.ListField(
        child=serializers.SlugField(max_length=50),
        required=False,
        max_length=50,
        help_text="Codes of all stakeholder roles that hold from now on; those that are not named end.",
    )

    class Meta:
        model = Employee
        fields = ["name", "phone", "buying_role", "preferred_channel", "access", "is_active", "roles"]


class RoleOut(serializers.ModelSerializer[RoleAssignment]):
    """A stakeholder role that somebody plays, and since when."""

    role = serializers.CharField(source="role.code")

    class Meta:
        model = RoleAssignment
        fields = ["role", "starts_at"]


class EmployeeOut(serializers.ModelSerializer[Employee]):
    """A person who works in a company; `id` is the person's number there."""

    id = serializers.CharField(source="external_id")
    company = serializers.CharField(source="company.external_id")
    roles = serializers.SerializerMethodField()

    class Meta:
        model = Employee
        fields = [
            "id", "company", "name", "phone", "buying_role", "preferred_channel", "access", "is_active", "roles",
        ]  # fmt: skip

    @extend_schema_field(RoleOut(many=True))
    def get_roles(self, employee: Employee) -> list[dict[str, Any]]:
        """Read for all rows of a page at once."""
        roles: dict[int, list[RoleAssignment]] = self.context["roles"]
        return list(RoleOut(roles.get(employee.pk, []), many=True).data)


class CompanyFilters(django_filters.FilterSet):  # type: ignore[misc]
    """What companies can be looked for by."""

    id = django_filters.CharFilter("external_id", help_text="Customer number.")
    kind = django_filters.ChoiceFilter(choices=Company.Kind.choices)
    country = django_filters.CharFilter("country")
    served_by = django_filters.CharFilter("served_by__external_id", help_text="The partner's customer number.")

    class Meta:
        model = Company
        fields: ClassVar[list[str]] = []


class EmployeeFilters(django_filters.FilterSet):  # type: ignore[misc]
    """What people can be looked for by."""

    id = django_filters.CharFilter("external_id", help_text="The person's number in the company.")
    access = django_filters.ChoiceFilter(choices=Employee.Access.choices)
    is_active = django_filters.TypedChoiceFilter(
        choices=[("true", "true"), ("false", "false")], coerce=lambda word: word == "true"
    )

    class Meta:
        model = Employee
        fields: ClassVar[list[str]] = []


class CompanyView(ApiView):
    """Companies in the client's sight, those without a number left out: no address leads to them."""

    serializer_class = CompanyOut

    def get_queryset(self) -> QuerySet[Company]:
        """With what an answer names."""
        return Company.objects.visible_to(self.actor).exclude(external_id="")

    def read_along(self, rows: Sequence[Company]) -> dict[str, Any]:
        """Partners that the client may see as well; none is named to whom it could not be shown."""
        partners = {row.served_by_id for row in rows if row.served_by_id}
        if not partners:
            return {"partners": {}}
        found = Company.objects.visible_to(self.actor).filter(pk__in=partners)
        return {"partners": dict(found.values_list("pk", "external_id"))}


@extend_schema(tags=["companies"])
class Companies(CompanyView, Listing):
    """Companies."""

    filterset_class = CompanyFilters

    @extend_schema(operation_id="listCompanies")
    def get(self, request: Request, **kwargs: Any) -> Response:
        """Return companies, the newest first."""
        return super().get(request, **kwargs)


@extend_schema(tags=["companies"])
class OneCompany(CompanyView, Single):
    """One company."""

    lookup: ClassVar[dict[str, str]] = {"company": "external_id"}
    scopes: ClassVar[dict[str, Scope]] = {"PUT": Scope.PEOPLE_WRITE}

    @extend_schema(operation_id="readCompany")
    def get(self, request: Request, **kwargs: Any) -> Response:
        """Return a company."""
        return super().get(request, **kwargs)

    @extend_schema(
        operation_id="putCompany",
        request=CompanyIn,
        responses={200: CompanyOut, 201: CompanyOut},
        examples=[
            OpenApiExample("A client", {"name": "Miller Ltd", "kind": "CLIENT", "country": "GB"}, request_only=True)
        ],
    )
    def put(self, request: Request, company: str) -> Response:
        """Create a company (201) or change it (200).

        The same again changes nothing. With `If-Match` only what you have read is changed, with `If-None-Match: *` only
        created; else the answer is 412. A client with a list of companies changes those, and creates none.
        """
        said = self.said(CompanyIn)
        try:
            put = put_company(
                actor=self.actor, external_id=company, said=said, now=self.now, check=_match(self, request)
            )
        except NoSuchCompanyError as error:
            raise NotFoundProblem from error
        except NoSuchPartnerError as error:
            raise _unknown("served_by", _("There is no such company.")) from error
        except ValidationError as error:
            raise invalid(error, names={"external_id": "id"}) from error
        [shown] = self.shown([put.row])
        return self.tagged(shown, status=201 if put.is_new else 200)


class EmployeeView(ApiView):
    """The people of a company in the client's sight, those without a number left out."""

    serializer_class = EmployeeOut

    def company(self) -> Company:
        """The company that the address names. Raises Problem."""
        rows = Company.objects.visible_to(self.actor).exclude(external_id="")
        return self.one_of(rows, external_id=self.kwargs["company"])

    def get_queryset(self) -> QuerySet[Employee]:
        """With what an answer names."""
        return Employee.objects.visible_to(self.actor).exclude(external_id="").select_related("company")

    def read_along(self, rows: Sequence[Employee]) -> dict[str, Any]:
        """The roles that hold now."""
        roles: dict[int, list[RoleAssignment]] = {}
        held = RoleAssignment.objects.visible_to(self.actor).in_force(self.now).filter(employee__in=rows)
        for assignment in held.select_related("role").order_by("role__code"):
            roles.setdefault(assignment.employee_id, []).append(assignment)
        return {"roles": roles}


@extend_schema(tags=["companies"])
class Employees(EmployeeView, Listing):
    """The people of a company."""

    filterset_class = EmployeeFilters

    @extend_schema(operation_id="listEmployees")
    def get(self, request: Request, **kwargs: Any) -> Response:
        """Return the people of a company, the newest first."""
        self.company()
        return super().get(request, **kwargs)

    def get_queryset(self) -> QuerySet[Employee]:
        """Those of the company."""
        return super().get_queryset().filter(company__external_id=self.kwargs.get("company"))


@extend_schema(tags=["companies"])
class OneEmployee(EmployeeView, Single):
    """One person."""

    lookup: ClassVar[dict[str, str]] = {"company": "company__external_id", "employee": "external_id"}
    scopes: ClassVar[dict[str, Scope]] = {"PUT": Scope.PEOPLE_WRITE}

    @extend_schema(operation_id="readEmployee")
    def get(self, request: Request, **kwargs: Any) -> Response:
        """Return a person."""
        return super().get(request, **kwargs)

    @extend_schema(
        operation_id="putEmployee",
        request=EmployeeIn,
        responses={200: EmployeeOut, 201: EmployeeOut},
        examples=[
            OpenApiExample(
                "A buyer", {"name": "Ann Miller", "buying_role": "DECIDES", "roles": ["buyer"]}, request_only=True
            )
        ],
    )
    def put(self, request: Request, company: str, employee: str) -> Response:
        """Create a person of a company (201) or change one (200).

        The same again changes nothing. Roles begin and end now; what was earned before stays, and so does the company's
        consent. A new person has no login: the company's admin or you invite. `If-Match` and `If-None-Match` as for
        companies.
        """
        said = self.said(EmployeeIn)
        try:
            put = put_employee(
                actor=self.actor,
                company=self.company(),
                external_id=employee,
                said=said,
                now=self.now,
                check=_match(self, request),
            )
        except NoSuchRoleError as error:
            raise _unknown("roles", _("There is no such role.")) from error
        except ValidationError as error:
            raise invalid(error, names={"external_id": "id"}) from error
        [shown] = self.shown([put.row])
        return self.tagged(shown, status=201 if put.is_new else 200)


def _match(view: ApiView, request: Request) -> Callable[[Model | None], None]:
    """Check what `If-Match` and `If-None-Match` want of the row, under its lock."""
    if not {"If-Match", "If-None-Match"} & set(request.headers):
        return lambda row: None
    return lambda row: check_if_match(request.headers, None if row is None else view.shown([row])[0])


def _unknown(field: str, sentence: str) -> Problem:
    return Problem("invalid", errors=[FieldError("does_not_exist", field, sentence)])
