"""What deserves a program manager's look: a sentence each, the gravest first, and where to look."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.contrib import admin
from django.db.models import Model
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import ngettext

from accounts.actors import Actor
from accounts.models import Company, WebhookSubscription
from loyalty.models import Lot, Membership, Program, ProgramPlan, RuleSet
from loyalty.site.templatetags.twofold import number
from rewards.models import Reward
from surveys.models import Survey

EXPIRING_WITHIN = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that deserves a look, as one sentence, and where to look."""

    sentence: str
    url: str


def list_of(model: type[Model], **filters: str | int) -> str:
    """The address of a list of the admin, cut down; "" where there is no such list."""
    if not admin.site.is_registered(model):
        return ""
    listed = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return f"{listed}?{urlencode(filters)}" if filters else listed


def notices(counts: Mapping[str, int], program: Program | None, actor: Actor) -> Iterator[Notice]:
    """What deserves a look, the gravest first; nothing of what there is none of."""
    for name, sentence, url in _all_notices(counts, program, actor):
        if counts.get(name):
            yield Notice(sentence % {"count": number(counts[name])}, url)


def _all_notices(counts: Mapping[str, int], program: Program | None, actor: Actor) -> Iterator[tuple[str, str, str]]:
    def many(name: str) -> int:
        return counts.get(name, 0)

    yield (
        "no rules",
        ngettext(
            "%(count)s running program has no rules in force: nothing is earned there.",
            "%(count)s running programs have no rules in force: nothing is earned there.",
            many("no rules"),
        ),
        list_of(Program, rules="none"),
    )
    yield (
        "over budget",
        ngettext(
            "%(count)s program costs more than its budget.",
            "%(count)s programs cost more than their budgets.",
            many("over budget"),
        ),
        list_of(ProgramPlan, look="budget"),
    )
    yield (
        "kickback",
        ngettext(
            "By %(count)s version of rules people gain and their company nothing: that is a kickback.",
            "By %(count)s versions of rules people gain and their company nothing: that is a kickback.",
            many("kickback"),
        ),
        list_of(RuleSet, gain="people"),
    )
    yield (
        "no consent",
        ngettext(
            "%(count)s company has not agreed yet: its people earn nothing.",
            "%(count)s companies have not agreed yet: their people earn nothing.",
            many("no consent"),
        ),
        list_of(Membership, consent="missing"),
    )
    yield (
        "nobody",
        ngettext(
            "%(count)s company has no account manager.",
            "%(count)s companies have no account manager.",
            many("nobody"),
        ),
        list_of(Company, account_manager="none", takes_part="yes"),
    )
    yield (
        "out of stock",
        ngettext(
            "%(count)s reward is offered, but none is left.",
            "%(count)s rewards are offered, but none are left.",
            many("out of stock"),
        ),
        list_of(Reward, is_published__exact=1, stock="out"),
    )
    if program is not None:
        today = actor.at.astimezone(program.zone).date()
        yield (
            "expiring",
            ngettext(
                "%(count)s point expires within 30 days.",
                "%(count)s points expire within 30 days.",
                many("expiring"),
            ),
            list_of(
                Lot,
                wallet__program__id__exact=program.pk,
                ends=f"{today.isoformat()}..{(today + EXPIRING_WITHIN).isoformat()}",
                remaining__gt=0,
            ),
        )
    yield (
        "no goals",
        ngettext(
            "%(count)s program has no goals: nobody can say whether it works.",
            "%(count)s programs have no goals: nobody can say whether they work.",
            many("no goals"),
        ),
        list_of(Program, goals="none"),
    )
    yield (
        "to be stopped",
        ngettext(
            "%(count)s program goes on that it was decided to stop: its last days are not set.",
            "%(count)s programs go on that it was decided to stop: their last days are not set.",
            many("to be stopped"),
        ),
        list_of(Program, goals="stop"),
    )
    yield (
        "failing",
        ngettext(
            "%(count)s webhook keeps failing: its endpoint is left alone for longer and longer.",
            "%(count)s webhooks keep failing: their endpoints are left alone for longer and longer.",
            many("failing"),
        ),
        list_of(WebhookSubscription, endpoint="failing"),
    )
    yield (
        "closing",
        ngettext(
            "%(count)s survey closes within a week.",
            "%(count)s surveys close within a week.",
            many("closing"),
        ),
        list_of(Survey, closes="soon"),
    )
