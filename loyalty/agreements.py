"""Agreements with companies: drawn up, asked for, approved by a second person, replaced, ended; never changed between.

An agreement holds from its start on and never before it was approved, as activities were judged by the terms of then.
A new version takes the place of the one in force; when an agreement ends, the program's own rules hold.
"""

from collections.abc import Collection, Iterable
from datetime import date, datetime

from django.db import transaction
from django.db.models import Max, Q
from django.utils.formats import date_format, number_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from accounts import approvals, audit, messages, request_mail
from accounts.conditions import ConditionError
from accounts.messages import MessageKind, Telling
from accounts.models import Approval, Employee, User
from accounts.reader import READER
from accounts.scope import in_force
from accounts.wording import listed, quoted
from loyalty.by_hand.requests import people_told
from loyalty.earning import (
    NO_FACTOR,
    Cap,
    CapSubject,
    EarningRule,
    FormulaError,
    cap_sentence,
    period_start,
    rule_sentence,
)
from loyalty.ledger import Owner
from loyalty.messages import AGREEMENT_ENDED, AGREEMENT_HOLDS
from loyalty.models import Agreement, AgreementLimit, AgreementRate, CapUsage, Membership, Program, Rule, RuleSet
from loyalty.rulebook import Agreed, agreed_limit, read_agreed, schemes_of, shared_limits_of
from loyalty.vocabulary import Vocabulary

KIND = "agreement"
"""The kind of `Approval` that waits for a second person."""

_OF_LIMIT = (
    "scope",
    "rule_code",
    "shared_as",
    "rule_codes",
    "name",
    "limit",
    "counts",
    "subject",
    "period",
    "is_per_object",
    "is_lower",
)
"""What a limit says."""

_Counter = tuple[str, str, str, date]
"""Code, subject, period and its first day of what `CapUsage` counts."""


class AgreementError(Exception):
    """A step that an agreement cannot take; `str()` says why and what to do, in the language in force."""


class NotADraftError(AgreementError):
    """It was asked for already."""


class NothingAgreedError(AgreementError):
    """The agreement says nothing else than the program's rules do."""


class UnknownRuleError(AgreementError):
    """The agreement speaks of a rule that the program does not have in its time."""


class UnfitError(AgreementError):
    """A rate or limit that does not fit the rule for which it stands."""


class OverlapError(AgreementError):
    """Another agreement begins later, or waits for its answer."""


class DatesError(AgreementError):
    """It would begin in the past, or end before it begins."""


class NotInForceError(AgreementError):
    """Only an agreement that is in force, or will be, can be ended."""


def next_version(membership: Membership) -> int:
    """Lock the membership until the transaction ends, and return the number of its next agreement."""
    _lock(membership)
    return (Agreement.objects.filter(membership=membership).aggregate(last=Max("version"))["last"] or 0) + 1


def draft_from(*, agreement: Agreement, by: User, now: datetime) -> Agreement:
    """Copy what an agreement says, whatever its state, into a new draft of the same company; returns the draft."""
    with transaction.atomic():
        draft = Agreement.objects.create(
            membership=agreement.membership,
            version=next_version(agreement.membership),
            factor=agreement.factor,
            reason=agreement.reason,
            drafted_by=by,
        )
        AgreementRate.objects.bulk_create(
            AgreementRate(agreement=draft, rule_code=rate.rule_code, formula=rate.formula)
            for rate in agreement.rates.order_by("pk")
        )
        AgreementLimit.objects.bulk_create(
            AgreementLimit(
                agreement=draft,
                **{name: getattr(each, name) for name in _OF_LIMIT},
            )
            for each in agreement.limits.order_by("pk")
        )
        _record("agreement-drafted", draft, by, now, copied_from=agreement.version)
    return draft


def ask(*, agreement: Agreement, by: User, starts_at: datetime, now: datetime) -> Agreement:
    """Ask a second person to approve a draft that is to hold from `starts_at`; from now on its terms never change.

    Raises an AgreementError of the fitting kind; then nothing has changed.
    """
    with transaction.atomic():
        draft = _locked(agreement.pk)
        if draft.status != Agreement.Status.DRAFT:
            raise NotADraftError(
                _("Version %(version)s was asked for already. To change it, make a new draft.")
                % {"version": draft.version}
            )
        if starts_at < now:
            raise DatesError(
                _("The agreement cannot begin in the past: activities were judged by the terms of then. Begin later.")
            )
        if Agreement.objects.filter(membership=draft.membership, status=Agreement.Status.WAITING).exists():
            raise OverlapError(_("Another agreement with this company waits for approval. Let it be decided first."))
        draft.starts_at = starts_at
        _require_sound(draft)
        draft.status = Agreement.Status.WAITING
        draft.approval = approvals.ask(
            kind=KIND,
            subject_id=draft.pk,
            audience=Approval.Audience.VENDOR,
            company_id=draft.membership.company_id,
            asked_by_id=by.pk,
            points=None,
            note=draft.reason,
            now=now,
        )
        draft.save(update_fields=["status", "starts_at", "approval"])
        _record("agreement-asked", draft, by, now, reason=draft.reason)
        request_mail.tell_approvers(draft.approval, about=draft.membership.company.name, now=now)
    return draft


def decide(*, agreement_id: int, by: User, is_approved: bool, reason: str = "", now: datetime) -> Agreement:
    """Put in force what waited, or make it a draft again with a reason; by anybody but the one who asked.

    Approved after its start, it holds from `now` on. The agreement in force by then ends there. Raises
    approvals.ApprovalError, or an AgreementError where things have changed meanwhile; then nothing has changed.
    """
    with transaction.atomic():
        agreement = _locked(agreement_id)
        if agreement.status != Agreement.Status.WAITING or agreement.approval_id is None:
            raise approvals.AlreadyDecidedError
        request = approvals.decide(
            approval_id=agreement.approval_id, by_user_id=by.pk, is_approved=is_approved, reason=reason, now=now
        )
        if is_approved:
            _put_in_force(agreement, by, now)
        else:
            _back_to_draft(agreement)
            _record("agreement-refused", agreement, by, now, reason=reason)
        request_mail.tell_asker(request, about=agreement.membership.company.name, by=by, now=now)
    return agreement


def withdraw(*, agreement: Agreement, by: User, now: datetime) -> Agreement:
    """Make what waits a draft again; returns it. Raises approvals.AlreadyDecidedError."""
    with transaction.atomic():
        asked = _locked(agreement.pk)
        if asked.status != Agreement.Status.WAITING or asked.approval_id is None:
            raise approvals.AlreadyDecidedError
        approvals.withdraw(approval_id=asked.approval_id, by_user_id=by.pk, now=now)
        _back_to_draft(asked)
        _record("agreement-withdrawn", asked, by, now)
    return asked


def end(*, agreement: Agreement, by: User, now: datetime) -> Agreement:
    """End an agreement at `now`; from then on the program's own rules hold. Returns it as it stands then.

    One that has not begun yet never will, and the one that it was to follow goes on. Raises NotInForceError; then
    nothing has changed.
    """
    with transaction.atomic():
        ended = _locked(agreement.pk)
        starts_at, is_over = ended.starts_at, ended.ends_at is not None and ended.ends_at <= now
        if ended.status != Agreement.Status.ACTIVE or starts_at is None or is_over:
            raise NotInForceError(
                _("Version %(version)s is not in force, so there is nothing to end.") % {"version": ended.version}
            )
        ended.status, ended.ends_at = Agreement.Status.ENDED, max(now, starts_at)
        ended.save(update_fields=["status", "ends_at"])
        if starts_at <= now:
            _tell(AGREEMENT_ENDED, ended, now, now=now)
        else:
            before = Agreement.objects.filter(membership=ended.membership, status=Agreement.Status.ACTIVE)
            for one in before.filter(ends_at=starts_at, starts_at__lt=starts_at):
                one.ends_at = one.until
                one.save(update_fields=["ends_at"])
        _record("agreement-ended", ended, by, now)
    return ended


def unfit_for(rule_set: RuleSet, *, starts_at: datetime) -> str | None:
    """Return which agreement would not fit a version in force from `starts_at`, and why; None: all of them fit.

    Call it under the lock of the program: agreements are put in force under it, too.
    """
    rows = Agreement.objects.filter(membership__program=rule_set.program_id, status=Agreement.Status.ACTIVE)
    open_ = list(rows.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=starts_at)).select_related("membership__company"))
    if not open_:
        return None
    agreed, words = read_agreed(row.pk for row in open_), Vocabulary()
    rules = _rules_of([rule_set])
    for row in open_:
        try:
            _lay_over(agreed[row.pk], filter(agreed[row.pk].speaks_of, rules), words)
        except UnfitError as error:
            return _("The agreement with %(company)s would not fit: %(reason)s Agree on another version first.") % {
                "company": row.membership.company,
                "reason": error,
            }
    return None


def asleep_under(rule_set: RuleSet, *, at: datetime) -> list[str]:
    """Return, a sentence each, what agreements say of rules that a version does not have: it would hold no longer.

    A rule keeps its agreed terms by keeping its code, and so does a limit that rules share; whoever renames it is told.
    At most six queries.
    """
    codes = set(rule_set.rules.values_list("code", flat=True))
    shared = set(rule_set.shared_limits.values_list("code", flat=True))
    rows = Agreement.objects.filter(membership__program=rule_set.program_id, status=Agreement.Status.ACTIVE)
    rows = rows.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=at)).select_related("membership__company")
    open_ = list(rows.order_by("membership__company__name", "pk"))
    agreed, sentences = read_agreed(row.pk for row in open_) if open_ else {}, []
    for row in open_:
        if lost := sorted({*(agreed[row.pk].rule_codes - codes), *(agreed[row.pk].shared_codes - shared)}):
            sentences.append(
                _(
                    "The agreement with %(company)s speaks of %(codes)s, which this version does not have: those terms "
                    "would hold no longer. If a rule has only got another code, give it back the old one."
                )
                % {"company": row.membership.company, "codes": listed((quoted(code, _) for code in lost), _)}
            )
    return sentences


def require_fitting(agreement: Agreement, rule_sets: Iterable[RuleSet]) -> None:
    """Refuse rates and limits that do not fit the rules for which they stand, or for which there is no rule.

    Raises UnknownRuleError or UnfitError.
    """
    _require_fitting(read_agreed([agreement.pk])[agreement.pk], rule_sets)


def _require_fitting(agreed: Agreed, rule_sets: Iterable[RuleSet]) -> None:
    versions = list(rule_sets)
    rules = _rules_of(versions)
    _require_known(agreed.rule_codes, rules)
    _require_shared(agreed.shared_codes, versions)
    _lay_over(agreed, filter(agreed.speaks_of, rules), Vocabulary())


def why_unfit(program: Program, rule_code: str, formula: object, *, now: datetime) -> str:
    """Return why a rate does not fit the rules of a code in force at `now` or to come; empty where it does."""
    return _why_unfit(program, Agreed(NO_FACTOR, {rule_code: formula}), now)


def why_limit_unfit(program: Program, limit: AgreementLimit, *, now: datetime) -> str:
    """Return why a limit, saved or not, does not fit the rules in force at `now` or to come; empty where it does."""
    return _why_unfit(program, Agreed(NO_FACTOR, {}, (agreed_limit(limit),)), now)


def _why_unfit(program: Program, agreed: Agreed, now: datetime) -> str:
    to_come = RuleSet.objects.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=now), program=program)
    try:
        _require_fitting(agreed, to_come.exclude(status=RuleSet.Status.DRAFT))
    except AgreementError as error:
        return str(error)
    return ""


def terms_of(agreement: Agreement, *, at: datetime) -> list[str]:
    """Return the rules in force at `at` as the agreement has them, in plain words, those first that it changes.

    Raises UnfitError.
    """
    agreed, words = read_agreed([agreement.pk])[agreement.pk], Vocabulary()
    rule_sets = RuleSet.objects.filter(in_force(at), program=agreement.membership.program_id)
    sentences = []
    for rule, earning in _lay_over(agreed, _rules_of(rule_sets.exclude(status=RuleSet.Status.DRAFT)), words):
        catalogue = words.catalogue(
            activity_type_id=rule.activity_type_id, program=rule.rule_set.program, rule_set_id=rule.rule_set_id
        )
        sentence = rule_sentence(earning, when=rule.activity_type.name, catalogue=catalogue, translate=READER)
        sentences.append((not earning.is_agreed, rule.position, sentence))
    return [sentence for _is_ours, _position, sentence in sorted(sentences)]


def used_up_by(agreement: Agreement, *, at: datetime) -> list[str]:
    """Return, a sentence each, what the limits of an agreement let nothing more through of: as much passed already.

    Counted is the period of `at`, for the company and for each of its people. Raises UnfitError.
    """
    member, words = agreement.membership, Vocabulary()
    agreed = read_agreed([agreement.pk])[agreement.pk]
    rule_sets = RuleSet.objects.filter(in_force(at), program=member.program_id)
    day, caps = at.astimezone(member.program.zone).date(), dict[_Counter, Cap]()
    for rule, earning in _lay_over(agreed, _rules_of(rule_sets.exclude(status=RuleSet.Status.DRAFT)), words):
        spoken_of = {each.cap.counter(rule.code) for each in agreed.limits if each.limits(earning)}
        for cap in earning.caps:
            if (code := cap.counter(rule.code)) in spoken_of:
                caps[code, cap.subject, cap.period, period_start(cap.period, day)] = cap
    people = Employee.objects.filter(company=member.company_id).values("pk")
    counters = CapUsage.objects.filter(program=member.program_id, rule_code__in={key[0] for key in caps}).filter(
        Q(subject=CapSubject.COMPANY, subject_id=member.company_id)
        | Q(subject=CapSubject.EMPLOYEE, subject_id__in=people)
    )
    most: dict[_Counter, int] = {}
    for code, subject, period, start, used in counters.values_list(
        "rule_code", "subject", "period", "period_start", "used"
    ):
        most[code, subject, period, start] = max(used, most.get((code, subject, period, start), 0))
    return [
        _("Used up already: %(limit)s (%(used)s so far).")
        % {"limit": cap_sentence(cap, READER), "used": number_format(most[key], force_grouping=True)}
        for key, cap in caps.items()
        if most.get(key, 0) >= cap.limit
    ]


def _put_in_force(agreement: Agreement, by: User, now: datetime) -> None:
    agreement.starts_at = max(agreement.starts_at or now, now)
    _require_sound(agreement)
    ended = None
    for before in Agreement.objects.filter(membership=agreement.membership, status=Agreement.Status.ACTIVE):
        if before.ends_at is None or before.ends_at > agreement.starts_at:
            before.ends_at = agreement.starts_at
            if agreement.starts_at <= now:
                before.status = Agreement.Status.ENDED
            before.save(update_fields=["status", "ends_at"])
            ended = before.version
    agreement.status, agreement.ends_at = Agreement.Status.ACTIVE, agreement.until
    agreement.save(update_fields=["status", "starts_at", "ends_at"])
    _tell(AGREEMENT_HOLDS, agreement, agreement.starts_at, now=now)
    _record(
        "agreement-approved", agreement, by, now, starts_at=agreement.starts_at.isoformat(), takes_the_place_of=ended
    )


def _require_sound(agreement: Agreement) -> None:
    """Refuse what says nothing, does not fit, or begins before another that holds or will."""
    starts_at = agreement.starts_at
    if starts_at is None or (agreement.until is not None and agreement.until <= starts_at):
        raise DatesError(_("The agreement ends before it begins. Give it a later end, or none."))
    later = Agreement.objects.filter(membership=agreement.membership, status__in=Agreement.APPROVED)
    for other in later.filter(starts_at__gte=starts_at).exclude(ends_at__isnull=False, ends_at__lte=starts_at):
        if other.starts_at is not None and other.starts_at != other.ends_at:
            raise OverlapError(
                _("Version %(version)s begins on %(start)s. Begin after that, or end that version first.")
                % {"version": other.version, "start": date_format(localtime(other.starts_at), "DATETIME_FORMAT")}
            )
    if agreement.factor == NO_FACTOR and not agreement.rates.exists() and not agreement.limits.exists():
        raise NothingAgreedError(
            _("The agreement says nothing yet: give it a factor, or a rule a rate or a limit of its own.")
        )
    in_time = RuleSet.objects.filter(program=agreement.membership.program_id).exclude(status=RuleSet.Status.DRAFT)
    in_time = in_time.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=starts_at))
    if agreement.until is not None:
        in_time = in_time.filter(starts_at__lt=agreement.until)
    require_fitting(agreement, in_time)


def _rules_of(rule_sets: Iterable[RuleSet]) -> list[Rule]:
    rules = Rule.objects.filter(rule_set__in=[rule_set.pk for rule_set in rule_sets])
    return list(
        rules.select_related("rule_set__program", "activity_type").prefetch_related("caps").order_by("rule_set", "code")
    )


def _require_shared(codes: Collection[str], rule_sets: Iterable[RuleSet]) -> None:
    known = (
        {code for limits in shared_limits_of(row.pk for row in rule_sets).values() for code in limits} if codes else ()
    )
    for code in sorted(set(codes).difference(known)):
        raise UnknownRuleError(
            _("There is no limit “%(code)s” that rules of this program share in the time of the agreement.")
            % {"code": code}
        )


def _require_known(codes: Collection[str], rules: Iterable[Rule]) -> None:
    known = {rule.code for rule in rules}
    for code in sorted(set(codes) - known):
        raise UnknownRuleError(
            _("There is no rule “%(code)s” in this program in the time of the agreement; there is: %(known)s.")
            % {"code": code, "known": listed(sorted(known), _) or "–"}
        )


def _lay_over(agreed: Agreed, rules: Iterable[Rule], words: Vocabulary) -> list[tuple[Rule, EarningRule]]:
    """Lay what was agreed over rules. Raises UnfitError, naming the rule and the place."""
    rules = list(rules)
    schemes = schemes_of({rule.rule_set_id for rule in rules}) if rules else {}
    laid = []
    for rule in rules:
        catalogue = words.catalogue(
            activity_type_id=rule.activity_type_id, program=rule.rule_set.program, rule_set_id=rule.rule_set_id
        )
        try:
            earning = agreed.laid_over(words.earning_rule(rule), catalogue, schemes[rule.rule_set_id])
        except (ConditionError, FormulaError) as error:
            raise UnfitError(
                _("What was agreed does not fit the rule “%(rule)s” of version %(version)s. %(reason)s")
                % {"rule": rule.name, "version": rule.rule_set.version, "reason": error.translated(READER)}
            ) from error
        laid.append((rule, earning))
    return laid


def _lock(membership: Membership) -> None:
    """Two managers act one after the other, activities of the company wait; rules are put in force before or after."""
    Program.objects.select_for_update(no_key=True).get(pk=membership.program_id)
    Membership.objects.select_for_update(no_key=True).get(pk=membership.pk)


def _locked(agreement_id: int) -> Agreement:
    rows = Agreement.objects.select_related("membership__program", "membership__company")
    _lock(rows.get(pk=agreement_id).membership)
    return rows.get(pk=agreement_id)


def _back_to_draft(agreement: Agreement) -> None:
    agreement.status, agreement.starts_at, agreement.approval = Agreement.Status.DRAFT, None, None
    agreement.save(update_fields=["status", "starts_at", "approval"])


def _tell(kind: MessageKind, agreement: Agreement, at: datetime, *, now: datetime) -> None:
    """Tell the company's admins from when on what holds, by the day where the program is."""
    membership = agreement.membership
    day = at.astimezone(membership.program.zone).date().isoformat()
    people = people_told(Owner(membership.program_id, membership.company_id))
    facts: dict[str, str | int] = {"program": membership.program.name, "day": day}
    messages.tell(kind, [Telling(pk, agreement.pk, facts) for pk in people], now=now)


def _record(
    action: str, agreement: Agreement, by: User, now: datetime, *, reason: str = "", **facts: str | int | None
) -> None:
    audit.record(
        action,
        agreement,
        actor_id=by.pk,
        now=now,
        company_id=agreement.membership.company_id,
        reason=reason,
        version=agreement.version,
        **facts,
    )
