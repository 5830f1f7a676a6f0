"""Surveys, their versions and items; what was published never changes, a new version takes its place."""

from __future__ import annotations

from datetime import datetime
from typing import Self

import pgtrigger
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.history import history
from accounts.scope import Actor, ScopedQuerySet
from accounts.text import validate_plain_text
from loyalty.models import Program
from surveys.asking import ItemKind, Measure

MOST_STEPS = 10
"""How far the ends of a scale lie apart at most: a phone shows no more numbers on one page."""


class SurveyQuerySet(ScopedQuerySet["Survey"]):
    """Surveys; a client sees those of its programs that have been published."""

    company_lookup = "program__memberships__company"
    is_in_api = True

    def seen_by_account_manager(self, actor: Actor) -> Self:
        return self.filter(program__in=Program.objects.visible_to(actor))

    def seen_by_service(self, actor: Actor) -> Self:
        """Those that were published, for a client that serves all companies: results add up what all of them said."""
        return self.seen_by_employee(actor) if actor.serves_all_companies else self.none()

    def seen_by_employee(self, actor: Actor) -> Self:
        published = SurveyVersion.objects.filter(survey=OuterRef("pk")).exclude(status=SurveyVersion.Status.DRAFT)
        return self.filter(Exists(published), program__in=Program.objects.visible_to(actor))

    def open_at(self, at: datetime) -> Self:
        """Those that can be answered at `at`, as far as their days say."""
        return self.filter(Q(closes_at__isnull=True) | Q(closes_at__gt=at), opens_at__lte=at)


class Survey(models.Model):
    """Something that clients are asked, for a time; what exactly stands in its versions.

    `audience` is a condition over the facts of companies and employees; empty, everybody in the program is asked.
    """

    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="surveys")
    code = models.SlugField(
        _("code"),
        max_length=50,
        unique=True,
        help_text=_("Rules name the survey by it: attribute.survey is this code."),
    )
    name = models.CharField(_("name"), max_length=150, validators=[validate_plain_text])
    introduction = models.TextField(_("introduction"), blank=True, validators=[validate_plain_text])
    audience = models.JSONField(_("who is asked"), default=dict, blank=True)
    minutes = models.PositiveSmallIntegerField(
        _("takes about (minutes)"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(120)],
    )
    opens_at = models.DateTimeField(_("opens"), default=timezone.now)
    closes_at = models.DateTimeField(_("closes"), null=True, blank=True)

    objects = SurveyQuerySet.as_manager()
    history = history()

    class Meta:
        verbose_name = _("survey")
        verbose_name_plural = _("surveys")
        constraints = [
            # A survey that closes before it opens could be answered at no moment, yet would look as if it could.
            models.CheckConstraint(
                condition=Q(closes_at__isnull=True) | Q(closes_at__gte=F("opens_at")),
                name="survey_closes_after_it_opens",
                violation_error_message=_("The survey closes before it opens."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def is_open_at(self, at: datetime) -> bool:
        """Whether the survey can be answered at `at`, as far as its days say."""
        return self.opens_at <= at and not self.is_closed_at(at)

    def is_closed_at(self, at: datetime) -> bool:
        """Whether its last moment has passed."""
        return self.closes_at is not None and self.closes_at <= at


class SurveyVersionQuerySet(ScopedQuerySet["SurveyVersion"]):
    """Versions; a client sees those that were published."""

    company_lookup = "survey__program__memberships__company"

    def seen_by_account_manager(self, actor: Actor) -> Self:
        return self.filter(survey__in=Survey.objects.visible_to(actor))

    def seen_by_employee(self, actor: Actor) -> Self:
        return self.filter(survey__in=Survey.objects.visible_to(actor)).exclude(status=SurveyVersion.Status.DRAFT)


class SurveyVersion(models.Model):
    """One wording of a survey; whoever began with it goes on with it."""

    class Status(models.TextChoices):
        DRAFT = "DRAFT", _("draft")
        PUBLISHED = "PUBLISHED", _("published")
        RETIRED = "RETIRED", _("retired")

    survey = models.ForeignKey(Survey, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField(_("version"))
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.DRAFT)
    published_at = models.DateTimeField(_("published"), null=True, blank=True)

    objects = SurveyVersionQuerySet.as_manager()

    class Meta:
        verbose_name = _("survey version")
        verbose_name_plural = _("survey versions")
        constraints = [
            # Two versions under one number: a result that names the number would name neither.
            models.UniqueConstraint(fields=["survey", "number"], name="survey_version_number_unique"),
            # Two wordings asked at once: nobody could say what a count of answers is a count of.
            models.UniqueConstraint(
                fields=["survey"],
                condition=Q(status="PUBLISHED"),
                name="survey_version_one_published",
                violation_error_message=_("Another version of this survey is published."),
            ),
            # Answers to a wording of which nobody knows since when it was asked.
            models.CheckConstraint(
                condition=Q(status="DRAFT", published_at__isnull=True)
                | (~Q(status="DRAFT") & Q(published_at__isnull=False)),
                name="survey_version_published_has_moment",
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="published_is_immutable",
                level=pgtrigger.Row,
                when=pgtrigger.Before,
                operation=pgtrigger.Update | pgtrigger.Delete,
                func="""
                    IF OLD.status = 'DRAFT' THEN
                        IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
                        RETURN NEW;
                    END IF;
                    IF TG_OP = 'DELETE' OR NEW.status = 'DRAFT' OR (OLD.status = 'RETIRED' AND NEW.status <> 'RETIRED')
                       OR (NEW.survey_id, NEW.number, NEW.published_at)
                          IS DISTINCT FROM (OLD.survey_id, OLD.number, OLD.published_at)
                    THEN
                        RAISE EXCEPTION 'survey version % was published: make a new version', OLD.id
                        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'survey_version_published_is_immutable';
                    END IF;
                    RETURN NEW;
                """,
            )
        ]

    def __str__(self) -> str:
        return f"{self.survey} v{self.number}"


class ItemQuerySet(ScopedQuerySet["Item"]):
    """Items; visible with their version."""

    company_lookup = "version__survey__program__memberships__company"

    def seen_by_account_manager(self, actor: Actor) -> Self:
        return self.filter(version__in=SurveyVersion.objects.visible_to(actor))

    def seen_by_employee(self, actor: Actor) -> Self:
        return self.filter(version__in=SurveyVersion.objects.visible_to(actor))


class Item(models.Model):
    """One question of a version, put on a page of its own.

    `code` is its lineage: the next version keeps it, so that answers can be set side by side. `options` is a list of
    {"code", "label"}; `show_if` a condition over the answers to items that come before, checked when saved.
    """

    class Kind(models.TextChoices):
        CHOICE = ItemKind.CHOICE.value, _("choice")
        SCALE = ItemKind.SCALE.value, _("scale")
        TEXT = ItemKind.TEXT.value, _("text")

    class Measures(models.TextChoices):
        NONE = Measure.NONE.value, _("nothing beyond the answer")
        NPS = Measure.NPS.value, _("recommendation (NPS, 0 to 10)")
        CSAT = Measure.CSAT.value, _("satisfaction (CSAT)")

    version = models.ForeignKey(SurveyVersion, on_delete=models.CASCADE, related_name="items")
    position = models.PositiveSmallIntegerField(_("order"), default=0)
    code = models.SlugField(_("code"), max_length=50)
    kind = models.CharField(_("answered by"), max_length=10, choices=Kind, default=Kind.CHOICE)
    text = models.CharField(_("question"), max_length=300, validators=[validate_plain_text])
    hint = models.CharField(_("hint"), max_length=300, blank=True, validators=[validate_plain_text])
    is_required = models.BooleanField(_("required"), default=True)
    is_multiple = models.BooleanField(_("several answers allowed"), default=False)
    options = models.JSONField(_("options"), default=list, blank=True)
    low = models.SmallIntegerField(_("lowest number"), null=True, blank=True)
    high = models.SmallIntegerField(_("highest number"), null=True, blank=True)
    low_label = models.CharField(_("the lowest means"), max_length=60, blank=True, validators=[validate_plain_text])
    high_label = models.CharField(_("the highest means"), max_length=60, blank=True, validators=[validate_plain_text])
    measures = models.CharField(_("measures"), max_length=10, choices=Measures, default=Measures.NONE)
    show_if = models.JSONField(_("ask only if"), default=dict, blank=True)

    objects = ItemQuerySet.as_manager()
    history = history()

    class Meta:
        verbose_name = _("question")
        verbose_name_plural = _("questions")
        constraints = [
            # Two items under one code: a condition could not say whose answer it reads.
            models.UniqueConstraint(
                fields=["version", "code"],
                name="survey_item_code_unique",
                violation_error_message=_("Another question of this version has this code."),
            ),
            # A choice with nothing to choose from could never be answered.
            models.CheckConstraint(
                condition=Q(kind="CHOICE") & ~Q(options=[]) | ~Q(kind="CHOICE") & Q(options=[], is_multiple=False),
                name="survey_item_choice_has_options",
                violation_error_message=_("A choice needs options, and nothing else has any."),
            ),
            # A scale without ends, upside down, or longer than a phone's page.
            models.CheckConstraint(
                condition=Q(kind="SCALE", low__isnull=False, high__gt=F("low"), high__lte=F("low") + MOST_STEPS)
                | ~Q(kind="SCALE") & Q(low__isnull=True, high__isnull=True),
                name="survey_item_scale_has_ends",
                violation_error_message=_(
                    "A scale goes from a lower to a higher number, at most 10 further; nothing else has ends."
                ),
            ),
            # A score that compares with no other: promoters are 9 and 10 of 0 to 10, and only scales are measured.
            models.CheckConstraint(
                condition=Q(measures="NONE")
                | Q(measures="CSAT", kind="SCALE")
                | Q(measures="NPS", kind="SCALE", low=0, high=10),
                name="survey_item_measure_fits_scale",
                violation_error_message=_("Satisfaction is measured on a scale, recommendation on one from 0 to 10."),
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="published_is_immutable",
                level=pgtrigger.Row,
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
                declare=[("state", "TEXT")],
                # FOR SHARE: a change waits for a version that is being published, and is refused then.
                func="""
                    IF TG_OP <> 'INSERT' THEN
                        SELECT status INTO state FROM surveys_surveyversion WHERE id = OLD.version_id FOR SHARE;
                        IF state <> 'DRAFT' THEN
                            RAISE EXCEPTION 'these questions were published: make a new version'
                            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'survey_version_published_is_immutable';
                        END IF;
                        IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
                    END IF;
                    SELECT status INTO state FROM surveys_surveyversion WHERE id = NEW.version_id FOR SHARE;
                    IF state <> 'DRAFT' THEN
                        RAISE EXCEPTION 'these questions were published: make a new version'
                        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'survey_version_published_is_immutable';
                    END IF;
                    RETURN NEW;
                """,
            )
        ]

    def __str__(self) -> str:
        return self.text
