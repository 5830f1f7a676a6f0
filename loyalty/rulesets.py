"""Versions of a program's rules: drawn up as a draft, put in force, taken out of force; never changed in between."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.conditions import ConditionError
from accounts.models import Approval, User
from accounts.reader import READER
from loyalty.agreements import unfit_for
from loyalty.earning import FormulaError
from loyalty.models import Campaign, ProductList, Program, Rule, RuleCap, RuleSet, SharedLimit
from loyalty.proving import ExampleFailsError, require_examples_met
from loyalty.versions import (
    NotADraftError,
    NotInForceError,
    StartsTooEarlyError,
    VersionError,
    closed_draft,
    locked_draft,
    put_in_force,
    require_room,
    take_out_of_force,
)
from loyalty.versions import next_version as next_version_of
from loyalty.vocabulary import Vocabulary

__all__ = [
    "ExampleFailsError",
    "NoRulesError",
    "NotADraftError",
    "NotInForceError",
    "StartsTooEarlyError",
    "UnfitForAgreementError",
    "UnsoundRuleError",
    "VersionError",
    "WaitsForApprovalError",
    "activate",
    "draft_from",
    "move_rule",
    "next_version",
    "require_startable",
    "retire",
]


class NoRulesError(VersionError):
    """A version without rules would give nobody anything."""


class UnfitForAgreementError(VersionError):
    """What was agreed with a company does not fit the rules of the version."""


class UnsoundRuleError(VersionError):
    """A rule that cannot be run; `rule_code` names it, the sentence the leaf or key."""

    def __init__(self, message: str, *, rule_code: str) -> None:
        super().__init__(message)
        self.rule_code = rule_code


class WaitsForApprovalError(VersionError):
    """The draft waits for a second person: it goes into force by that approval alone."""


def next_version(program: Program) -> int:
    """Lock the program until the transaction ends, and return the number of its next rule set."""
    return next_version_of(RuleSet, program.pk)


def draft_from(*, rule_set: RuleSet, by: User, now: datetime) -> RuleSet:
    """Copy all that a version is made of, whatever its state, into a new draft; returns the draft."""
    with transaction.atomic():
        draft = RuleSet.objects.create(
            program=rule_set.program, version=next_version(rule_set.program), combining=rule_set.combining
        )
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
                person_share=rule.person_share,
                role=rule.role,
                is_divided=rule.is_divided,
                shared_limits=rule.shared_limits,
            )
            for rule in originals
        )
        RuleCap.objects.bulk_create(
            RuleCap(
                rule=copy,
                subject=cap.subject,
                period=cap.period,
                limit=cap.limit,
                counts=cap.counts,
                is_per_object=cap.is_per_object,
            )
            for original, copy in zip(originals, copies, strict=True)
            for cap in original.caps.all()
        )
        SharedLimit.objects.bulk_create(
            SharedLimit(
                rule_set=draft,
                code=each.code,
                name=each.name,
                subject=each.subject,
                period=each.period,
                limit=each.limit,
                counts=each.counts,
            )
            for each in rule_set.shared_limits.order_by("pk")
        )
        ProductList.objects.bulk_create(
            ProductList(rule_set=draft, code=each.code, name=each.name, products=each.products)
            for each in rule_set.product_lists.order_by("pk")
        )
        Campaign.objects.bulk_create(
            Campaign(
                rule_set=draft,
                code=each.code,
                name=each.name,
                starts_on=each.starts_on,
                ends_on=each.ends_on,
                factor=each.factor,
                budget=each.budget,
            )
            for each in rule_set.campaigns.order_by("pk")
        )
        audit.record(
            "rule-set-drafted", draft, actor_id=by.pk, now=now, version=draft.version, copied_from=rule_set.version
        )
    return draft


def activate(*, rule_set: RuleSet, by: User, starts_at: datetime, now: datetime) -> RuleSet:
    """Put a draft in force from `starts_at`; the version in force at that moment ends there. Returns the version.

    This is the engine's act, for what installs a program; people ask and approve (`loyalty.activation`), which ends
    here. A program's first version may start in the past, any other starts at `now` or later. Raises what
    `require_startable` does, NotADraftError, WaitsForApprovalError or ExampleFailsError; then nothing has changed.
    """
    with transaction.atomic():
        draft = closed_draft(rule_set)
        if draft.approval is not None and draft.approval.state != Approval.State.APPROVED:
            raise WaitsForApprovalError(
                _(
                    "Version %(version)s waits for a second person’s approval. "
                    "Let it be decided, or withdraw the request."
                )
                % {"version": draft.version}
            )
        require_startable(draft, starts_at=starts_at, now=now)
        require_examples_met(draft)
        put_in_force(
            draft, action="rule-set-activated", by=by, starts_at=starts_at, now=now, why_not_past=_why_not_past()
        )
    return draft


def require_startable(draft: RuleSet, *, starts_at: datetime, now: datetime) -> None:
    """Refuse a draft whose rules cannot be run, or do not fit an agreement, or that has no room from `starts_at` on.

    Call it under the lock of the program. Raises NoRulesError, UnsoundRuleError, UnfitForAgreementError or
    StartsTooEarlyError.
    """
    _require_sound_rules(draft)
    if unfit := unfit_for(draft, starts_at=starts_at):
        raise UnfitForAgreementError(unfit)
    require_room(draft, starts_at, now, _why_not_past())


def _why_not_past() -> str:
    return _("The version cannot begin in the past: activities were judged by the rules of then. Begin now or later.")


def move_rule(*, rule: Rule, by: int, who: User, now: datetime) -> list[Rule]:
    """Move a rule of a draft `by` places among its rules (-1: up), as far as there are any; return them in order.

    Rules are asked, told and limited in this order. Raises NotADraftError; then nothing has changed.
    """
    with transaction.atomic():
        draft = locked_draft(rule.rule_set)
        rules = list(draft.rules.order_by("position", "code"))
        place = next(index for index, each in enumerate(rules) if each.pk == rule.pk)
        to = min(max(place + by, 0), len(rules) - 1)
        rules.insert(to, rules.pop(place))
        for position, each in enumerate(rules):
            if each.position != position:
                each.position = position
                each.save(update_fields=["position"])
        if to != place:
            audit.record("rule-moved", draft, actor_id=who.pk, now=now, rule=rule.code, places=to - place)
    return rules


def retire(*, rule_set: RuleSet, by: User, now: datetime) -> RuleSet:
    """Take a version out of force at `now`; from then on the program gives nothing. Returns the version.

    A version that has not begun yet never will, and the one that it was to follow goes on. Raises NotInForceError;
    then nothing has changed.
    """
    return take_out_of_force(rule_set, action="rule-set-retired", by=by, now=now)


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
            reason = error.translated(READER)
            if isinstance(error, ConditionError) and error.path:
                reason = f"{error.path}: {reason}"
            raise UnsoundRuleError(
                _("The rule “%(rule)s” cannot be run. %(reason)s") % {"rule": rule.name, "reason": reason},
                rule_code=rule.code,
            ) from error
