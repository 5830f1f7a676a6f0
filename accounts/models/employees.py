"""The people who work in a company, and the roles they play in it."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.history import history
from accounts.models.companies import Company
from accounts.models.dated import Dated, ends_after_start, one_at_a_time
from accounts.scope import Actor, DatedQuerySet, M, ScopedQuerySet
from accounts.text import validate_plain_text


class VocabularyQuerySet(ScopedQuerySet[M]):
    """Installation-wide words without a company: everybody who is somebody may read them."""

    company_lookup = ""

    def seen_by_service(self, actor: Actor) -> Self:
        return self.all()

    def seen_by_account_manager(self, actor: Actor) -> Self:
        return self.all()

    def seen_by_employee(self, actor: Actor) -> Self:
        return self.all()


class StakeholderRoleQuerySet(VocabularyQuerySet["StakeholderRole"]):
    """Stakeholder roles."""

    is_in_api = True


class StakeholderRole(models.Model):
    """A part that somebody plays in a client: accountant, owner, buyer, system administrator."""

    code = models.SlugField(_("code"), max_length=50, unique=True)
    name = models.CharField(_("name"), max_length=100, validators=[validate_plain_text])

    objects = StakeholderRoleQuerySet.as_manager()
    history = history()

    class Meta:
        verbose_name = _("stakeholder role")
        verbose_name_plural = _("stakeholder roles")

    def __str__(self) -> str:
        return self.name


class InterestQuerySet(VocabularyQuerySet["Interest"]):
    """Interests."""


class Interest(models.Model):
    """Something that people like or care about, asked before rewards are chosen."""

    code = models.SlugField(_("code"), max_length=50, unique=True)
    name = models.CharField(_("name"), max_length=100, validators=[validate_plain_text])

    objects = InterestQuerySet.as_manager()
    history = history()

    class Meta:
        verbose_name = _("interest")
        verbose_name_plural = _("interests")

    def __str__(self) -> str:
        return self.name


class EmployeeQuerySet(ScopedQuerySet["Employee"]):
    """Employees."""

    is_in_api = True

    def seen_by_employee(self, actor: Actor) -> Self:
        if actor.sees_company:
            return self.filter(company_id=actor.company_id)
        return self.filter(pk=actor.employee_id)

    def known_by(self, address: str) -> Self:
        """Those who sign in with an e-mail address, or are known by it as long as they have no login."""
        return self.filter(Q(user__email__iexact=address) | Q(address__iexact=address))


class Employee(models.Model):
    """Somebody who works in a company; may or may not sign in."""

    class BuyingRole(models.TextChoices):
        DECIDES = "DECIDES", _("decides")
        INFLUENCES = "INFLUENCES", _("influences")
        USES = "USES", pgettext_lazy("buying role", "uses")
        PAYS = "PAYS", _("pays")
        GUARDS = "GUARDS", _("guards")

    class Channel(models.TextChoices):
        INBOX = "INBOX", _("inbox on this site")
        EMAIL = "EMAIL", _("e-mail")
        PHONE = "PHONE", _("phone")
        MESSENGER = "MESSENGER", _("messenger")
        VISIT = "VISIT", _("visit")

    class Access(models.TextChoices):
        MEMBER = "MEMBER", _("own points")
        ADMIN = "ADMIN", _("own points and the company")

    company = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="employees")
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="employee",
        verbose_name=_("login"),
    )
    address = models.EmailField(
        _("e-mail address"),
        blank=True,
        help_text=_("What the person is known by until there is a login; with one, its address is what counts."),
    )
    external_id = models.CharField(_("number in other systems"), max_length=100, blank=True)
    name = models.CharField(_("name"), max_length=150, validators=[validate_plain_text])
    alias = models.CharField(
        _("alias"),
        max_length=50,
        blank=True,
        validators=[validate_plain_text],
        help_text=_("Shown to colleagues instead of the name, for example on a leaderboard."),
    )
    phone = models.CharField(_("phone"), max_length=50, blank=True, validators=[validate_plain_text])
    buying_role = models.CharField(_("buying role"), max_length=20, choices=BuyingRole, default=BuyingRole.USES)
    preferred_channel = models.CharField(_("preferred channel"), max_length=20, choices=Channel, default=Channel.INBOX)
    access = models.CharField(_("access"), max_length=10, choices=Access, default=Access.MEMBER)
    interests = models.ManyToManyField(Interest, blank=True, related_name="employees", verbose_name=_("interests"))
    is_active = models.BooleanField(_("active"), default=True)
    erased_at = models.DateTimeField(_("erased"), null=True, editable=False)

    objects = EmployeeQuerySet.as_manager()

    class Meta:
        verbose_name = _("employee")
        verbose_name_plural = _("employees")
        constraints = [
            # Two colleagues under one number would share one wallet.
            models.UniqueConstraint(
                fields=["company", "external_id"],
                condition=~Q(external_id=""),
                name="employee_external_id_unique",
                violation_error_message=_("Another employee of this company has this number."),
            ),
            # One person twice: whoever signs in with the address would find the points of one, never the other's.
            models.UniqueConstraint(
                "company",
                Lower("address"),
                condition=~Q(address=""),
                name="employee_address_unique",
                violation_error_message=_("Another employee of this company is known by this e-mail address."),
            ),
            # An old address beside a login: no colleague could be known by it, and nobody would see why.
            models.CheckConstraint(
                condition=Q(user__isnull=True) | Q(address=""),
                name="employee_address_until_login",
                violation_error_message=_("The login has an e-mail address of its own: leave this one empty."),
            ),
            # Somebody who was forgotten and is named again, or signs in.
            models.CheckConstraint(
                condition=Q(erased_at__isnull=True)
                | Q(is_active=False, address="", alias="", phone="", external_id=""),
                name="employee_erased_is_nobody",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class RoleAssignmentQuerySet(DatedQuerySet["RoleAssignment"]):
    """Who plays which role."""

    company_lookup = "employee__company"
    is_in_api = True

    def seen_by_employee(self, actor: Actor) -> Self:
        if actor.sees_company:
            return self.filter(employee__company_id=actor.company_id)
        return self.filter(employee_id=actor.employee_id)


class RoleAssignment(Dated):
    """An employee in a stakeholder role, for a time; a rule reads the role of the day of the activity."""

    employee = models.ForeignKey(Employee, on_delete=models.PROTECT, related_name="roles")
    role = models.ForeignKey(StakeholderRole, on_delete=models.PROTECT, related_name="assignments")

    objects = RoleAssignmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("role of an employee")
        verbose_name_plural = _("roles of employees")
        constraints = [
            ends_after_start("role_assignment_ends_after_start"),
            # The same role twice at once: ending one row would leave the other in force unseen.
            one_at_a_time(
                "role_assignment_one_at_a_time",
                "employee",
                "role",
                message=_("The employee already plays this role in this time."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.employee}: {self.role}"
