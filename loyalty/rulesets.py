"""Versions of a program's rules: drawn up as a draft, put in force, taken out of force; never changed in between."""

from datetime import datetime

from django.db import transaction
from django.db.models import Max
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from accounts import audit
from accounts.conditions import ConditionError
from accounts.models import User
from loyalty.earning import FormulaError
from loyalty.models import Program, Rule, RuleCap, RuleSet
from loyalty.vocabulary import Vocabulary

__all__ = [
    "NoRulesError",
    "NotADraftError",
    "NotInForceError",
    "RuleSetError",
    "StartsTooEarlyError",
    "UnsoundRuleError",
    "activate",
    "draft_from",
    "next_version",
    "retire",
]


class RuleSetError(Exception):
    """A step that a rule set cannot take; `str()` says why and what to do, in the language in force."""


class NotADraftError(RuleSetError):
    """The version is, or was, in force already."""


class NoRulesError(RuleSetError):
    """A version without rules would give nobody anything."""


class UnsoundRuleError(RuleSetError):
    """A rule that cannot be run; `rule_code` names it, the sentence the leaf or key."""

    def __init__(self, message: str, *, rule_code: str) -> None:
        super().__init__(message)
        self.rule_code = rule_code


class StartsTooEarlyError(RuleSetError):
    """The version would begin where other rules have held already, or begin later themselves."""


class NotInForceError(RuleSetError):
    """Only a version that is in force, or will be, can be taken out of force."""


def next_version(program: Program) -> int:
    """Lock the program until the transaction ends, and return the number of its next version."""
    Program.objects.select_for_update(no_key=True).get(pk=program.pk)
    return (RuleSet.objects.filter(program=program).aggregate(last=Max("version"))["last"] or 0) + 1


def draft_from(*, rule_set: RuleSet, by: User, now: datetime) -> RuleSet:
    """Copy the rules and limits of a version, whatever its state, into a new draft; returns the draft."""
    with transaction.atomic():
        draft = RuleSet.objects.create(program=rule_set.program, version=next_version(rule_set.program))
        originals = list(rule_set.rules.prefetch_related("caps").order_by("position", "pk"))
        copies = Rule.objects.bulk_create(
            Rule(
                rule_set=draft,
                code=rule.code,
                name=rule.name,
                position=rule.position,
                activity_type_id=rule.activity_type_id,
                condition=rule.condition,
                formula=rule.formula,
                beneficiary=rule.beneficiary,
            )
            for rule in originals
        )
        RuleCap.objects.bulk_create(
            RuleCap(rule=copy, subject=cap.subject, period=cap.period, limit=cap.limit)
            for original, copy in zip(originals, copies, strict=True)
            for cap in original.caps.all()
        )
        audit.record(
            "rule-set-drafted", draft, actor_id=by.pk, now=now, version=draft.version, copied_from=rule_set.version
        )
    return draft


def activate(*, rule_set: RuleSet, by: User, starts_at: datetime, now: datetime) -> RuleSet:
    """Put a draft in force from `starts_at`; the version in force at that moment ends there. Returns the version.

    A program's first version may start in the past, any other starts at `now` or later. Raises NotADraftError,
    NoRulesError, UnsoundRuleError or StartsTooEarlyError; then nothing has changed.
    """
    with transaction.atomic():
        draft = _locked(rule_set)
        if draft.status != RuleSet.Status.DRAFT:
            raise NotADraftError(
                _("Version %(version)s was put in force already. To change it, make a new draft from it.")
                % {"version": draft.version}
            )
        _require_sound_rules(draft)
        ended = _make_room(draft, starts_at, now)
        draft.status, draft.starts_at, draft.ends_at = RuleSet.Status.ACTIVE, starts_at, None
        draft.save(update_fields=["status", "starts_at", "ends_at"])
        audit.record(
            "rule-set-activated",
            draft,
            actor_id=by.pk,
            now=now,
            version=draft.version,
            starts_at=starts_at.isoformat(),
            takes_the_place_of=ended.version if ended else None,
        )
    return draft


def retire(*, rule_set: RuleSet, by: User, now: datetime) -> RuleSet:
    """Take a version out of force at `now`; from then on the program gives nothing. Returns the version.

    A version that has not begun yet never will, and the one that it was to follow goes on. Raises NotInForceError;
    then nothing has changed.
    """
    with transaction.atomic():
        version = _locked(rule_set)
        starts_at, ends_at = version.starts_at, version.ends_at
        if version.status != RuleSet.Status.ACTIVE or starts_at is None or (ends_at is not None and ends_at <= now):
            raise NotInForceError(
                _("Version %(version)s is not in force, so there is nothing to end.") % {"version": version.version}
            )
        version.status, version.ends_at = RuleSet.Status.RETIRED, max(now, starts_at)
        version.save(update_fields=["status", "ends_at"])
        if starts_at > now:
            RuleSet.objects.filter(
                program=version.program_id, status=RuleSet.Status.ACTIVE, ends_at=starts_at, starts_at__lt=starts_at
            ).update(ends_at=ends_at)
        audit.record("rule-set-retired", version, actor_id=by.pk, now=now, version=version.version)
    return version


def _locked(rule_set: RuleSet) -> RuleSet:
    """The rule set as it stands, under the lock of its program: two managers act one after the other."""
    Program.objects.select_for_update(no_key=True).get(pk=rule_set.program_id)
    return RuleSet.objects.select_related("program").get(pk=rule_set.pk)


def _require_sound_rules(draft: RuleSet) -> None:
    rules = list(draft.rules.select_related("rule_set__program").prefetch_related("caps").order_by("position", "pk"))
    if not rules:
        raise NoRulesError(
            _("Version %(version)s has no rules: it would give nobody anything. Add a rule first.")
            % {"version": draft.version}
        )
    vocabulary = Vocabulary()
    for rule in rules:
        try:
            vocabulary.earning_rule(rule)
        except (ConditionError, FormulaError) as error:
            reason = error.translated(_)
            if isinstance(error, ConditionError) and error.path:
                reason = f"{error.path}: {reason}"
            raise UnsoundRuleError(
                _("The rule “%(rule)s” cannot be run. %(reason)s") % {"rule": rule.name, "reason": reason},
                rule_code=rule.code,
            ) from error


def _make_room(draft: RuleSet, starts_at: datetime, now: datetime) -> RuleSet | None:
    """End the version in force at `starts_at` there, and return it."""
    others = [
        (version, version.starts_at)
        for version in RuleSet.objects.filter(program=draft.program_id).exclude(status=RuleSet.Status.DRAFT)
        if version.starts_at is not None and version.starts_at != version.ends_at
    ]
    if others and starts_at < now:
        raise StartsTooEarlyError(
            _("The version cannot begin in the past: activities were judged by the rules of then. Begin now or later.")
        )
    for version, start in others:
        if start >= starts_at:
            raise StartsTooEarlyError(
                _("Version %(version)s begins on %(start)s. Begin after that, or take that version out of force first.")
                % {"version": version.version, "start": date_format(localtime(start), "DATETIME_FORMAT")}
            )
    for version, _start in others:
        if version.ends_at is None or version.ends_at > starts_at:
            version.ends_at = starts_at
            if starts_at <= now:
                version.status = RuleSet.Status.RETIRED
            version.save(update_fields=["status", "ends_at"])
            return version
    return None
