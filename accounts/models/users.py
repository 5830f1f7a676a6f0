"""People who sign in: client employees, account managers, program managers."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.scope import Actor, ScopedQuerySet, portfolio
from accounts.text import validate_plain_text
from accounts.time_zones import time_zones


def validate_time_zone(value: str) -> None:
    """Raise ValidationError unless `value` names a time zone of the IANA database."""
    if value not in time_zones():
        raise ValidationError(_("“%(value)s” is not a time zone."), params={"value": value})


class UserQuerySet(ScopedQuerySet["User"]):
    """Users."""

    def seen_by_account_manager(self, actor: Actor) -> Self:
        return self.filter(Q(pk=actor.user_id) | Q(employee__company__in=portfolio(actor)))

    def seen_by_employee(self, actor: Actor) -> Self:
        if actor.is_company_admin:
            return self.filter(employee__company_id=actor.company_id)
        return self.filter(pk=actor.user_id)


class UserManager(BaseUserManager.from_queryset(UserQuerySet)["User"]):  # type: ignore[misc]
    """Makes users, whose e-mail address is their login."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Return a new user; without a password nobody can sign in as it."""
        user: User = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Return a new program manager who may do everything."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """Somebody who signs in. A user is one employee; moving firms makes a new employee."""

    email = models.EmailField(_("e-mail address"))
    name = models.CharField(_("name"), max_length=150, validators=[validate_plain_text])
    language = models.CharField(_("language"), max_length=10, choices=settings.LANGUAGES, default="en")
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC", validators=[validate_time_zone])
    is_staff = models.BooleanField(_("program manager"), default=False, help_text=_("May enter the admin."))
    is_active = models.BooleanField(_("active"), default=True)
    joined_at = models.DateTimeField(_("joined"), default=timezone.now)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = [
            # Two logins that differ in capitals only would be one person to everybody but the database.
            models.UniqueConstraint(
                Lower("email"),
                name="user_email_unique",
                violation_error_message=_("Somebody already signs in with this e-mail address."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.email})"
