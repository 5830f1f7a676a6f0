"""The groups of vendor staff: who may see, who may approve, who may change."""

from collections.abc import Iterable

from django.contrib.auth.models import Group, Permission
from django.db.models import Q

from accounts.models import User
from accounts.models.users import UserQuerySet

MANAGER, APPROVER, VIEWER = "manager", "approver", "viewer"
APPS = ("accounts", "loyalty", "rewards", "surveys")
_ACTIONS: dict[str, tuple[str, ...]] = {
    MANAGER: ("view", "add", "change", "delete"),
    APPROVER: ("view",),
    VIEWER: ("view",),
}


def ensure_groups() -> None:
    """Make the three groups and bring their permissions up to date; safe to run again after every migration.

    What an approver approves is offered by the pages of each kind of request, not by permissions on tables.
    """
    permissions = list(Permission.objects.filter(content_type__app_label__in=APPS))
    for name, actions in _ACTIONS.items():
        group, _created = Group.objects.get_or_create(name=name)
        group.permissions.set(_of(permissions, actions))


def may_approve(user: User) -> bool:
    """Whether somebody of the vendor approves and rejects what clients and colleagues ask for."""
    if not user.is_active or not user.is_staff:
        return False
    return user.is_superuser or user.groups.filter(name__in=(MANAGER, APPROVER)).exists()


def approvers() -> UserQuerySet:
    """Return everybody of whom `may_approve` holds."""
    decides = Q(is_superuser=True) | Q(pk__in=User.groups.through.objects.filter(
        group__name__in=(MANAGER, APPROVER)
    ).values("user"))  # fmt: skip
    found: UserQuerySet = User.objects.filter(decides, is_active=True, is_staff=True)
    return found


def _of(permissions: Iterable[Permission], actions: tuple[str, ...]) -> list[Permission]:
    return [permission for permission in permissions if permission.codename.split("_")[0] in actions]
