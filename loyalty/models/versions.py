"""What a program has in versions: drawn up as a draft, in force for a time, and never changed from then on."""

import pgtrigger
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from loyalty.models.programs import Program


class ProgramVersion(models.Model):
    """One version, in force from `starts_at` until `ends_at`; the steps between are in `loyalty.versions`."""

    class Status(models.TextChoices):
        DRAFT = "DRAFT", _("draft")
        ACTIVE = "ACTIVE", pgettext_lazy("version", "active")
        RETIRED = "RETIRED", _("retired")

    # Each kind of version says in its own field what a program calls them.
    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="+")
    version = models.PositiveIntegerField(_("version"))
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.DRAFT)
    starts_at = models.DateTimeField(_("from"), null=True, blank=True)
    ends_at = models.DateTimeField(_("until"), null=True, blank=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.program} v{self.version}"


def version_unique(name: str) -> models.UniqueConstraint:
    """Two versions under one number: a record that names the number would name neither."""
    return models.UniqueConstraint(fields=["program", "version"], name=f"{name}_version_unique")


def ends_after_start(name: str) -> models.CheckConstraint:
    """A version never ends before it starts: it would hold at no moment, yet look as if it had."""
    return models.CheckConstraint(
        condition=Q(ends_at__isnull=True) | Q(ends_at__gte=F("starts_at")), name=f"{name}_ends_after_start"
    )


def one_in_force(name: str) -> ExclusionConstraint:
    """Two versions in force at once would pay, or give, by whichever was read first."""
    span = Func(F("starts_at"), F("ends_at"), function="tstzrange", output_field=DateTimeRangeField())
    return ExclusionConstraint(
        name=f"{name}_one_in_force",
        expressions=[(span, RangeOperators.OVERLAPS), ("program", RangeOperators.EQUAL)],
        condition=~Q(status="DRAFT"),
        violation_error_message=_("Another version is in force in this time."),
    )


def in_force_is_immutable(name: str, *columns: str) -> pgtrigger.Trigger:
    """The trigger that lets a version change only while it is a draft, and from then on only end.

    `columns` are those that this kind of version has beside the ones that all have.
    The migrations hold the text as it stands here, spaces included.
    """
    fixed = ("program_id", "version", "starts_at", *columns)
    new, old = (", ".join(f"{row}.{column}" for column in fixed) for row in ("NEW", "OLD"))
    return pgtrigger.Trigger(
        name="in_force_is_immutable",
        level=pgtrigger.Row,
        when=pgtrigger.Before,
        operation=pgtrigger.Update | pgtrigger.Delete,
        func=f"""
                    IF OLD.status = 'DRAFT' THEN
                        IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
                        RETURN NEW;
                    END IF;
                    IF TG_OP = 'DELETE' OR NEW.status = 'DRAFT'
                       OR ({new})
                          IS DISTINCT FROM ({old})
                    THEN
                        RAISE EXCEPTION '{name.replace("_", " ")} % is in force: make a new version', OLD.id
                        USING ERRCODE = 'restrict_violation', CONSTRAINT = '{name}_in_force_is_immutable';
                    END IF;
                    RETURN NEW;
                """,
    )
