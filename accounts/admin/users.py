"""Logins: the e-mail address is the name to sign in with; who may grant what is kept narrow."""

from typing import Any

from django.contrib import admin
from django.contrib.auth import admin as auth_admin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.admin.asked_again import AskedAgainAdmin, must_be_asked
from accounts.admin.links import row_link, rows_link
from accounts.admin.scoped import ScopedModelAdmin, manager_behind
from accounts.models import Mail, SuppressedAddress, User
from accounts.reauthentication import ask_again

ACCESS_FIELDS = ("is_staff", "is_superuser", "groups", "user_permissions")
"""What decides who may do what; each change goes on record (A1), as does whether somebody is let in at all."""


class NewUserForm(AdminUserCreationForm[User]):
    """A new login, with a password or, for those who sign in another way, without."""

    class Meta:
        model = User
        fields = ("email", "name")


class UserForm(UserChangeForm[User]):
    """An existing login; the password is changed on a page of its own."""

    class Meta:
        model = User
        fields = "__all__"


@admin.register(User)
class UserAdmin(AskedAgainAdmin[User], ScopedModelAdmin[User], auth_admin.UserAdmin[User]):
    """Logins of clients and of the vendor's own people. They are switched off, not deleted."""

    form = UserForm
    add_form = NewUserForm
    list_display = ("email", "name", "employee", "is_staff", "is_active", "last_login")
    list_filter = ("is_active", "is_staff", "groups")
    list_select_related = ("employee",)
    search_fields = ("email", "name")
    ordering = ("email",)
    filter_horizontal = ("groups", "user_permissions")
    readonly_fields = ("e_mails", "last_login", "joined_at")
    fieldsets = (
        (None, {"fields": ("email", "name", "password")}),
        (_("Preferences"), {"fields": ("language", "time_zone", "e_mails")}),
        (_("Access"), {"fields": ("is_active", *ACCESS_FIELDS)}),
        (_("Dates"), {"fields": ("last_login", "joined_at")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "name", "usable_password", "password1", "password2")}),)

    @admin.display(description=_("employee"))
    def employee(self, user: User) -> str:
        """Whose login it is, for a client's people."""
        return str(user.employee) if hasattr(user, "employee") else ""

    @admin.display(description=_("e-mails"))
    def e_mails(self, user: User) -> str:
        """What was sent, and whether anything still is."""
        stopped = SuppressedAddress.objects.in_force().filter(address=user.email.lower()).first()
        if stopped is not None:
            return row_link(stopped, stopped.get_reason_display())
        return rows_link(Mail, _("sent as wanted"), user__id__exact=user.pk)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Who may do everything is changed only by somebody who may do everything, or a password could be taken."""
        allowed = super().has_change_permission(request, obj)
        if obj is not None and hasattr(obj, "service_client"):
            return False  # another system's user: nobody signs in as it, so nobody gives it a password
        return allowed and (obj is None or not obj.is_superuser or manager_behind(request).is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Nobody: what somebody did keeps a name. Logins are switched off."""
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Nobody widens the own access, and only who may do everything lets others do everything."""
        user = manager_behind(request)
        fields = super().get_readonly_fields(request, obj)
        if obj is not None and obj.pk == user.pk:
            return (*fields, "is_active", *ACCESS_FIELDS)
        return fields if user.is_superuser else (*fields, "is_superuser", "user_permissions")

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        """Set somebody's password: with it one is them."""
        return ask_again(request) if must_be_asked(request) else super().user_change_password(request, id, form_url)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Put every change of access on record."""
        super().save_related(request, form, formsets, change)
        changed = [field for field in ("is_active", *ACCESS_FIELDS) if field in form.changed_data]
        if changed:
            user: User = form.instance
            audit.record(
                "access-changed",
                user,
                actor_id=manager_behind(request).pk,
                now=timezone.now(),
                is_active=int(user.is_active),
                is_staff=int(user.is_staff),
                is_superuser=int(user.is_superuser),
                groups=_ids(user.groups.all()),
                permissions=_ids(user.user_permissions.all()),
            )


def _ids(rows: QuerySet[Any]) -> str:
    """The ids of rows, for the record."""
    return ",".join(str(pk) for pk in rows.order_by("pk").values_list("pk", flat=True))


admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(AskedAgainAdmin[Group], ScopedModelAdmin[Group], auth_admin.GroupAdmin):
    """What a group of the vendor's people may do."""

    list_display = ("name",)
    search_fields = ("name",)
    ordering = ("name",)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Put on record what everybody in the group may do from now on (A1)."""
        super().save_related(request, form, formsets, change)
        if "permissions" in form.changed_data:
            group: Group = form.instance
            permissions = _ids(group.permissions.all())
            by = manager_behind(request)
            audit.record("group-changed", group, actor_id=by.pk, now=timezone.now(), permissions=permissions)
