"""Examples of a program: given this client, when this happens, then so many points. They prove what a draft does."""

from __future__ import annotations

from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.history import history
from accounts.models import Company
from accounts.scope import Actor, ScopedQuerySet
from accounts.text import validate_plain_text
from loyalty.models.activities import ActivityType
from loyalty.models.programs import Program

MOST_TIMES = 1_000


class ExampleQuerySet(ScopedQuerySet["Example"]):
    """Examples: the program managers' own."""

    company_lookup = ""

    def seen_by_account_manager(self, actor: Actor) -> Self:
        return self.none()

    def seen_by_employee(self, actor: Actor) -> Self:
        return self.none()


class Example(models.Model):
    """A made-up client of a program, and where it stands after what its steps say; `code` is its name in a blueprint.

    What is left empty is not said: nothing is expected of it.
    """

    program = models.ForeignKey(Program, on_delete=models.CASCADE, related_name="examples", verbose_name=_("program"))
    code = models.SlugField(_("code"), max_length=50)
    name = models.CharField(_("name"), max_length=150, validators=[validate_plain_text])
    position = models.PositiveSmallIntegerField(_("order"), default=0)
    company_kind = models.CharField(_("kind of company"), max_length=20, choices=Company.Kind, default="CLIENT")
    country = models.CharField(_("country"), max_length=100, blank=True, validators=[validate_plain_text])
    segments = ArrayField(
        models.SlugField(max_length=50), verbose_name=_("segments"), blank=True, default=list,
        help_text=_("Codes of the segments that the company is in."),
    )  # fmt: skip
    tier = models.SlugField(
        _("tier at the beginning"), max_length=50, blank=True, help_text=_("Its code. Empty: the lowest one.")
    )
    roles = ArrayField(
        models.SlugField(max_length=50), verbose_name=_("roles of the person"), blank=True, default=list,
        help_text=_("Codes of the roles of whoever does it."),
    )  # fmt: skip
    may_earn = models.BooleanField(_("the company lets its people earn"), default=True)
    gives_company = models.BigIntegerField(_("then the company has (points)"), null=True, blank=True)
    gives_person = models.BigIntegerField(_("then the person has (points)"), null=True, blank=True)
    company_available = models.BigIntegerField(_("then the company can spend"), null=True, blank=True)
    company_waiting = models.BigIntegerField(_("then waiting for the company"), null=True, blank=True)
    person_available = models.BigIntegerField(_("then the person can spend"), null=True, blank=True)
    person_waiting = models.BigIntegerField(_("then waiting for the person"), null=True, blank=True)
    tier_after = models.SlugField(_("then the tier is"), max_length=50, blank=True)
    favours = ArrayField(
        models.CharField(max_length=120), verbose_name=_("then this was given"), blank=True, default=list,
        help_text=_("What rules gave beside points, such as badge:first-order."),
    )  # fmt: skip

    objects = ExampleQuerySet.as_manager()
    history = history()

    class Meta:
        verbose_name = _("example")
        verbose_name_plural = _("examples")
        constraints = [
            # Two examples under one code: a blueprint that is loaded again would not know which one it means.
            models.UniqueConstraint(
                fields=["program", "code"],
                name="example_code_unique",
                violation_error_message=_("Another example of this program has this code."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def states_wallets(self) -> bool:
        """Whether it says what wallets hold in the end."""
        said = (self.company_available, self.company_waiting, self.person_available, self.person_waiting)
        return any(points is not None for points in said)


class ExampleStepQuerySet(ScopedQuerySet["ExampleStep"]):
    """Steps of examples; visible with them."""

    company_lookup = ""

    def seen_by_account_manager(self, actor: Actor) -> Self:
        return self.none()

    def seen_by_employee(self, actor: Actor) -> Self:
        return self.none()


class ExampleStep(models.Model):
    """Something that happens in an example, so many times on a day, or the return of an earlier step."""

    example = models.ForeignKey(Example, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField(_("step"), validators=[MinValueValidator(1)])
    activity_type = models.ForeignKey(ActivityType, on_delete=models.PROTECT, related_name="+", verbose_name=_("what"))
    day = models.DateField(_("day"))
    times = models.PositiveSmallIntegerField(
        _("times"), default=1, validators=[MinValueValidator(1), MaxValueValidator(MOST_TIMES)]
    )
    amount = models.DecimalField(_("amount"), max_digits=14, decimal_places=4, null=True, blank=True)
    quantity = models.DecimalField(_("quantity"), max_digits=14, decimal_places=4, null=True, blank=True)
    object = models.CharField(_("object"), max_length=200, blank=True)
    attributes = models.JSONField(_("attributes"), default=dict, blank=True)
    by_person = models.BooleanField(_("by the person"), default=True)
    undoes = models.PositiveSmallIntegerField(
        _("returns step"), null=True, blank=True, help_text=_("The number of an earlier step that this one returns.")
    )
    gives_company = models.BigIntegerField(_("company gets"), null=True, blank=True)
    gives_person = models.BigIntegerField(_("person gets"), null=True, blank=True)

    objects = ExampleStepQuerySet.as_manager()

    class Meta:
        verbose_name = _("step of an example")
        verbose_name_plural = _("steps of examples")
        constraints = [
            # Two steps at one place: nobody could say which of them came first.
            models.UniqueConstraint(
                fields=["example", "position"],
                name="example_step_position_unique",
                violation_error_message=_("Two steps have the same number."),
            ),
            # A return before its purchase would wait for it, and the example prove nothing.
            models.CheckConstraint(
                condition=Q(undoes__isnull=True) | Q(undoes__lt=F("position"), times=1),
                name="example_step_returns_an_earlier_one",
                violation_error_message=_("A return names an earlier step, and happens once."),
            ),
            # A step of no times is none.
            models.CheckConstraint(
                condition=Q(times__gte=1, times__lte=MOST_TIMES),
                name="example_step_times",
                violation_error_message=_("A step happens from 1 to 1,000 times."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.example}, {self.position}"
