"""Replays of a draft over what really happened: asked for by a manager, worked out by a job, kept."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Company, Job
from accounts.scope import Actor, ScopedQuerySet
from loyalty.models.rules import RuleSet


class ReplayQuerySet(ScopedQuerySet["Replay"]):
    """Replays: the program managers' own."""

    company_lookup = ""

    def seen_by_account_manager(self, actor: Actor) -> Self:
        return self.none()

    def seen_by_employee(self, actor: Actor) -> Self:
        return self.none()


class Replay(models.Model):
    """What a version's rules would have given since `since` beside what was given; empty until `finished_at`.

    `fingerprint` is that of the version as it was replayed: a draft that was edited since asks for another one.
    `findings` are rows of code, points as they stand, points as they would be: by month, tier, segment and role.
    """

    class Days(models.IntegerChoices):
        MONTH = 30, _("the last 30 days")
        QUARTER = 90, _("the last 90 days")
        YEAR = 365, _("the last 365 days")
        ALL = 0, _("everything")

    rule_set = models.ForeignKey(RuleSet, on_delete=models.CASCADE, related_name="replays", verbose_name=_("rule set"))
    days = models.PositiveSmallIntegerField(_("over"), choices=Days)
    fingerprint = models.CharField(max_length=32)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("asked by")
    )
    asked_at = models.DateTimeField(_("asked"))
    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="+", verbose_name=_("job"))
    since = models.DateTimeField(_("since"), null=True)
    finished_at = models.DateTimeField(_("finished"), null=True)
    activities = models.PositiveBigIntegerField(_("activities judged"), default=0)
    points_today = models.BigIntegerField(_("points as they stand"), default=0)
    points_then = models.BigIntegerField(_("points as they would be"), default=0)
    findings = models.JSONField(_("findings"), default=dict)

    objects = ReplayQuerySet.as_manager()

    class Meta:
        verbose_name = _("replay")
        verbose_name_plural = _("replays")
        indexes = [models.Index(fields=["rule_set", "-asked_at"], name="replay_latest")]

    def __str__(self) -> str:
        return f"{self.rule_set}, {self.get_days_display()}"


class ReplayedCompanyQuerySet(ScopedQuerySet["ReplayedCompany"]):
    """Companies in replays; they are told of what was given, never of what might have been."""

    def seen_by_account_manager(self, actor: Actor) -> Self:
        return self.none()

    def seen_by_employee(self, actor: Actor) -> Self:
        return self.none()


class ReplayedCompany(models.Model):
    """What a replay found of one company: points and tier as they stand and as they would be; `rules` say why.

    `rules`, `months` (their first days) and `roles` are, by codes, points as they stand and as they would be;
    `segments` are those that the company was in.
    """

    replay = models.ForeignKey(Replay, on_delete=models.CASCADE, related_name="companies", verbose_name=_("replay"))
    company = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="+", verbose_name=_("company"))
    points_today = models.BigIntegerField(_("points as they stand"))
    points_then = models.BigIntegerField(_("points as they would be"))
    difference = models.GeneratedField(
        expression=F("points_then") - F("points_today"),
        output_field=models.BigIntegerField(),
        db_persist=True,
        verbose_name=_("difference"),
    )
    tier_today = models.SlugField(_("tier now"), max_length=50, blank=True)
    tier_then = models.SlugField(_("tier then"), max_length=50, blank=True)
    rules = models.JSONField(_("by rule"), default=dict)
    months = models.JSONField(_("by month"), default=dict)
    roles = models.JSONField(_("by role"), default=dict)
    segments = models.JSONField(_("segments"), default=list)

    objects = ReplayedCompanyQuerySet.as_manager()

    class Meta:
        verbose_name = _("replayed company")
        verbose_name_plural = _("replayed companies")
        constraints = [
            # A company that stands twice would count twice in every sum.
            models.UniqueConstraint(fields=["replay", "company"], name="replayed_company_once"),
        ]
        indexes = [
            models.Index(fields=["replay", "difference"], name="replayed_company_difference"),
            models.Index(
                fields=["replay", "company"], name="replayed_company_moves", condition=~Q(tier_today=F("tier_then"))
            ),
        ]

    def __str__(self) -> str:
        return str(self.company)
