"""The clients' people, the roles they play, and the words for roles and interests."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit
from accounts.admin.asked_again import AskedAgainAdmin
from accounts.admin.links import LinkedRowFilter, VocabularyFilter
from accounts.admin.scoped import FixedFieldsForm, ReadOnlyAdmin, ScopedInline, ScopedModelAdmin, manager_behind
from accounts.models import Employee, Interest, RoleAssignment, StakeholderRole
from accounts.people import person_at
from accounts.webhooks.people import announce_employee


class RoleInline(ScopedInline[RoleAssignment, Employee]):
    """The roles that somebody plays; rules and consents read them as of the day of an activity."""

    model = RoleAssignment
    autocomplete_fields = ("role",)
    ordering = ("-starts_at",)


class EmployeeForm(FixedFieldsForm[Employee]):
    """Somebody who moves firms becomes a new employee: points and orders stay with the old firm."""

    fixed = ("company",)

    def clean(self) -> dict[str, Any]:
        """Refuse the address of a colleague's login: the two would be taken for one person."""
        cleaned = super().clean() or self.cleaned_data
        company, address = cleaned.get("company"), cleaned.get("address")
        colleague = person_at(company.pk, address) if company and address else None
        if colleague is not None and colleague.user_id is not None and colleague != self.instance:
            self.add_error("address", _("Another employee of this company signs in with this e-mail address."))
        return cleaned


@admin.register(Employee)
class EmployeeAdmin(AskedAgainAdmin[Employee], ScopedModelAdmin[Employee]):
    """Employees."""

    form = EmployeeForm
    list_display = ("name", "company", "buying_role", "access", "is_active")
    list_filter = ("is_active", "access", "buying_role", ("company", LinkedRowFilter))
    list_select_related = ("company",)
    search_fields = ("name", "external_id", "company__name", "user__email", "address")
    ordering = ("name",)
    autocomplete_fields = ("company", "user", "interests")
    inlines = (RoleInline,)

    def save_model(self, request: HttpRequest, obj: Employee, form: Any, change: bool) -> None:
        """Put on record who may do what from now on, in the words of `accounts.people` (A1)."""
        super().save_model(request, obj, form, change)
        changed = set(form.changed_data)
        acts: list[tuple[str, dict[str, str]]] = []
        if not change:
            acts.append(("person-added", {"access": obj.access}))
        else:
            if "access" in changed:
                acts.append(("access-changed", {"access": obj.access}))
            if "buying_role" in changed:
                acts.append(("buying-role-changed", {"buying_role": obj.buying_role}))
            if "is_active" in changed:
                acts.append(("reactivated" if obj.is_active else "deactivated", {}))
        by, now = manager_behind(request), timezone.now()
        for action, numbers in acts:
            audit.record(action, obj, actor_id=by.pk, now=now, company_id=obj.company_id, **numbers)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Announce the person once all about it is written."""
        super().save_related(request, form, formsets, change)
        announce_employee(form.instance, now=timezone.now())

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Put every change of a role on record (A1)."""
        super().save_formset(request, form, formset, change)
        if formset.model is not RoleAssignment:
            return
        now = timezone.now()
        for assignment in [*formset.new_objects, *(changed for changed, _fields in formset.changed_objects)]:
            audit.record(
                "role-assigned",
                assignment,
                actor_id=manager_behind(request).pk,
                now=now,
                company_id=assignment.employee.company_id,
                employee=assignment.employee_id,
                role=assignment.role_id,
                holds=int(assignment.ends_at is None or assignment.ends_at > now),
            )


@admin.register(RoleAssignment)
class RoleAssignmentAdmin(ReadOnlyAdmin[RoleAssignment]):
    """Who plays which role; roles are given on the employee's page, where each change is put on record."""

    list_display = ("employee", "role", "starts_at", "ends_at")
    list_filter = (("role", VocabularyFilter), ("ends_at", admin.EmptyFieldListFilter))
    list_select_related = ("employee", "role")
    search_fields = ("employee__name", "employee__company__name", "role__name", "role__code")
    ordering = ("-starts_at",)


@admin.register(StakeholderRole)
class StakeholderRoleAdmin(ScopedModelAdmin[StakeholderRole]):
    """The words for roles."""

    form = FixedFieldsForm[StakeholderRole]
    list_display = ("name", "code")
    search_fields = ("name", "code")
    ordering = ("name",)


@admin.register(Interest)
class InterestAdmin(ScopedModelAdmin[Interest]):
    """The words for interests."""

    form = FixedFieldsForm[Interest]
    list_display = ("name", "code")
    search_fields = ("name", "code")
    ordering = ("name",)
