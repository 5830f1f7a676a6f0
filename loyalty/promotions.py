"""Personal promotions: asked for, approved by a second person, ended; and what they say and have added.

A promotion holds from its first day on, and never before it was approved, as activities were judged by the terms of
then. No two are for the same points at one time, so that it is plain whose budget points are taken from.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import F, Q
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _

from accounts import approvals, arrays, audit, messages, request_mail
from accounts.actors import Actor
from accounts.messages import Telling
from accounts.models import Approval, Employee, User
from accounts.wording import listed, quoted
from loyalty.by_hand.requests import is_open, locked, people_told
from loyalty.earning import Promotion
from loyalty.effects import is_effect
from loyalty.ledger import Owner
from loyalty.messages import PROMOTION_ENDED, PROMOTION_HOLDS
from loyalty.models import Membership, PersonalPromotion, Program, Rule, RuleSet
from loyalty.models.promotions import MOST_RULES

KIND = "personal-promotion"
"""The kind of `Approval` that waits for a second person."""

LONGEST = timedelta(days=3_660)
"""How far ahead a last day may lie; a slip of the key stays harmless."""

MOST_FACTOR = 100


class PromotionError(Exception):
    """A step that a promotion cannot take; `str()` says why and what to do, in the language in force."""


class FactorError(PromotionError):
    """A factor that adds nothing, or far too much; or a budget of nothing."""


class DaysError(PromotionError):
    """It would begin in the past, end before it begins, or last for ever."""


class ClosedError(PromotionError):
    """The program or the membership does not run in those days."""


class NotOfTheCompanyError(PromotionError):
    """The person does not work for the company, or not any more."""


class UnknownRuleError(PromotionError):
    """It names a rule that gives no points in those days."""


class OverlapError(PromotionError):
    """Another promotion is for the same points in those days."""


class NotInForceError(PromotionError):
    """Only a promotion that holds, or will, can be ended."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What is asked for; no `employee`: for the company and all of its people; no codes: all rules that give points."""

    factor: Decimal
    starts_on: date
    ends_on: date
    employee: Employee | None = None
    rule_codes: tuple[str, ...] = ()
    budget: int | None = None


def ask(*, membership: Membership, terms: Terms, reason: str, by: User, now: datetime) -> PersonalPromotion:
    """Ask a second person for a promotion of a company or one of its people; from now on its terms never change.

    Raises a PromotionError of the fitting kind; then nothing has changed.
    """
    with transaction.atomic():
        membership = _lock(membership)
        table = PersonalPromotion._meta.db_table
        [promotion_id] = arrays.draw_ids(**{table: 1})[table]
        promotion = PersonalPromotion(
            id=promotion_id,
            membership=membership,
            employee=terms.employee,
            rule_codes=sorted(set(terms.rule_codes)),
            factor=terms.factor,
            starts_on=terms.starts_on,
            ends_on=terms.ends_on,
            budget=terms.budget,
            reason=reason,
            state=PersonalPromotion.State.WAITING,
            asked_by=by,
            asked_at=now,
        )
        if terms.starts_on < _today(membership, now):
            raise DaysError(
                _("A promotion cannot begin in the past: activities were judged by the terms of then. Begin later.")
            )
        _require_sound(promotion, now)
        promotion.approval = approvals.ask(
            kind=KIND,
            subject_id=promotion_id,
            audience=Approval.Audience.VENDOR,
            company_id=membership.company_id,
            asked_by_id=by.pk,
            points=terms.budget,
            note=reason,
            now=now,
        )
        promotion.save(force_insert=True)
        _record("promotion-asked", promotion, by, now, reason=reason)
        request_mail.tell_approvers(promotion.approval, about=promotion.membership.company.name, now=now)
    return promotion


def decide(*, promotion_id: int, by: User, is_approved: bool, reason: str = "", now: datetime) -> PersonalPromotion:
    """Let a promotion hold, or refuse it with a reason; by anybody but the one who asked.

    Approved after its first day has begun, it holds from `now` on. Raises approvals.ApprovalError, or a PromotionError
    where things have changed meanwhile; then nothing has changed.
    """
    with transaction.atomic():
        promotion = _locked(promotion_id)
        if promotion.state != PersonalPromotion.State.WAITING:
            raise approvals.AlreadyDecidedError
        request = approvals.decide(
            approval_id=promotion.approval_id, by_user_id=by.pk, is_approved=is_approved, reason=reason, now=now
        )
        request_mail.tell_asker(request, about=promotion.membership.company.name, by=by, now=now)
        if not is_approved:
            promotion.state = PersonalPromotion.State.REJECTED
            promotion.save(update_fields=["state"])
            _record("promotion-refused", promotion, by, now, reason=reason)
            return promotion
        _require_sound(promotion, now)
        promotion.state = PersonalPromotion.State.APPROVED
        starts_at, promotion.ends_at = span_of(promotion)
        promotion.starts_at = max(starts_at, now)
        promotion.save(update_fields=["state", "starts_at", "ends_at"])
        days = {name: day.isoformat() for name, day in _span(promotion).items()}
        facts = {"program": promotion.membership.program.name, **days}
        people = [Telling(pk, promotion.pk, facts) for pk in people_told(_owner(promotion))]
        messages.tell(PROMOTION_HOLDS, people, now=now)
        _record("promotion-approved", promotion, by, now, starts_at=promotion.starts_at.isoformat())
    return promotion


def withdraw(*, promotion: PersonalPromotion, by: User, now: datetime) -> PersonalPromotion:
    """Ask nobody any more; returns the promotion as it stands then. Raises approvals.AlreadyDecidedError."""
    with transaction.atomic():
        asked = _locked(promotion.pk)
        if asked.state != PersonalPromotion.State.WAITING:
            raise approvals.AlreadyDecidedError
        approvals.withdraw(approval_id=asked.approval_id, by_user_id=by.pk, now=now)
        asked.state = PersonalPromotion.State.WITHDRAWN
        asked.save(update_fields=["state"])
        _record("promotion-withdrawn", asked, by, now)
    return asked


def end(*, promotion: PersonalPromotion, by: User, now: datetime) -> PersonalPromotion:
    """End a promotion at `now`, or one that has not begun before it does; what it added stays.

    Raises NotInForceError; then nothing has changed.
    """
    with transaction.atomic():
        ended = _locked(promotion.pk)
        if ended.starts_at is None or ended.ends_at is None or ended.ends_at <= now:
            raise NotInForceError(_("This promotion does not hold any more, or never did: there is nothing to end."))
        ended.ends_at = max(now, ended.starts_at)
        ended.save(update_fields=["ends_at"])
        if ended.starts_at < ended.ends_at:
            facts: dict[str, str | int] = {"program": ended.membership.program.name}
            people = [Telling(pk, ended.pk, facts) for pk in people_told(_owner(ended))]
            messages.tell(PROMOTION_ENDED, people, now=now)
        _record("promotion-ended", ended, by, now)
    return ended


def span_of(promotion: PersonalPromotion) -> tuple[datetime, datetime]:
    """Return when the first day of a promotion begins, and when its last one is over, where the program is."""
    zone = promotion.membership.program.zone
    starts_at = datetime.combine(promotion.starts_on, time(), zone)
    return starts_at, datetime.combine(promotion.ends_on + timedelta(days=1), time(), zone)


def read_promotions(ids: Collection[int]) -> list[Promotion]:
    """Return promotions as the calculation needs them; one query, none where there are none."""
    if not ids:
        return []
    return [
        Promotion(row.pk, row.factor, frozenset(row.rule_codes), row.employee_id, row.budget)
        for row in PersonalPromotion.objects.filter(pk__in=ids).order_by("pk")
    ]


@dataclass(frozen=True, slots=True)
class PlainPromotion:
    """A promotion as people read it; `added` is what it brought so far, `left` what is left of its budget (if any)."""

    id: int
    sentence: str
    rule_codes: tuple[str, ...]
    added: int
    left: int | None
    holds: bool
    is_waiting: bool = False
    is_for_person: bool = False

    def speaks_of(self, rule_code: str) -> bool:
        """Whether it is about a rule."""
        return not self.rule_codes or rule_code in self.rule_codes


def promotions_told(membership: Membership, actor: Actor) -> list[PlainPromotion]:
    """Return the promotions of a membership that hold or will, or wait, as far as the actor sees them.

    The ones that end first come first. At most three queries, one where there is none.
    """
    held = Q(state=PersonalPromotion.State.APPROVED, ends_at__gt=actor.at) & ~Q(ends_at=F("starts_at"))
    rows = PersonalPromotion.objects.visible_to(actor).filter(
        held | Q(state=PersonalPromotion.State.WAITING), membership=membership
    )
    rows = rows.select_related("membership__program", "membership__company", "employee")
    return told(rows.order_by("ends_on", "pk"), at=actor.at, actor=actor)


def told(rows: Iterable[PersonalPromotion], *, at: datetime, actor: Actor | None = None) -> list[PlainPromotion]:
    """Return promotions in plain words to an actor (None: the vendor), with what each has added.

    Two queries, none where there are no rows.
    """
    promotions = list(rows)
    if not promotions:
        return []
    names = rule_names(promotions)
    added = added_by(promotion.pk for promotion in promotions)
    return [
        PlainPromotion(
            promotion.pk,
            sentence(promotion, names, actor),
            tuple(promotion.rule_codes),
            added.get(promotion.pk, 0),
            None if promotion.budget is None else max(0, promotion.budget - added.get(promotion.pk, 0)),
            promotion.starts_at is not None and promotion.starts_at <= at,
            promotion.state == PersonalPromotion.State.WAITING,
            promotion.employee_id is not None,
        )
        for promotion in promotions
    ]


def rule_names(promotions: Iterable[PersonalPromotion]) -> dict[tuple[int, str], str]:
    """Return what the rules that promotions name are called, by program and code, in the latest version put in force.

    One query, none where no rule is named.
    """
    named = [promotion for promotion in promotions if promotion.rule_codes]
    if not named:
        return {}
    rules = Rule.objects.filter(
        rule_set__program__in={promotion.membership.program_id for promotion in named},
        code__in={code for promotion in named for code in promotion.rule_codes},
    )
    rows = (
        rules.exclude(rule_set__status=RuleSet.Status.DRAFT)
        .order_by("rule_set__version")
        .values_list("rule_set__program", "code", "name")
    )
    return {(program_id, code): name for program_id, code, name in rows}


def added_by(promotion_ids: Iterable[int]) -> dict[int, int]:
    """Return the points that each promotion has added so far, without what returns took back of them; one query."""
    rows = arrays.fetch(
        """SELECT o.promotion_id, sum(o.points - div(o.points::numeric * coalesce(r.reversed, 0), a.granted))
           FROM loyalty_promotedaward o JOIN loyalty_award a ON a.id = o.award_id
           LEFT JOIN loyalty_awardreversal r ON r.award_id = a.id
           WHERE o.promotion_id = ANY(%s::bigint[]) GROUP BY o.promotion_id""",
        list(promotion_ids),
    )
    return {promotion_id: int(points) for promotion_id, points in rows}


def sentence(promotion: PersonalPromotion, names: dict[tuple[int, str], str], actor: Actor | None = None) -> str:
    """Return a promotion in plain words, to whoever reads it: "Until 31 March 2026 you get twice the points of …"."""
    text = _times(promotion) % {"who": _who(promotion, actor), "factor": _plain(promotion.factor), **_days(promotion)}
    if promotion.rule_codes:
        program_id = promotion.membership.program_id
        rules = listed((quoted(names.get((program_id, code), code), _) for code in promotion.rule_codes), _)
        text = _("%(promotion)s of %(rules)s") % {"promotion": text, "rules": rules}
    if promotion.budget is not None:
        budget = number_format(promotion.budget, force_grouping=True)
        text = _("%(promotion)s, at most %(budget)s points more in all") % {"promotion": text, "budget": budget}
    return _("%(promotion)s.") % {"promotion": text}


def _times(promotion: PersonalPromotion) -> str:
    """The sentence's beginning; who gets it comes from `_who`, which knows the verb's form."""
    if promotion.factor == 2:
        return _("From %(start)s through %(end)s %(who)s twice the points")
    return _("From %(start)s through %(end)s %(who)s %(factor)s times the points")


def _who(promotion: PersonalPromotion, actor: Actor | None) -> str:
    if actor is not None and actor.is_employee:
        if promotion.employee_id is None:
            return _("your company gets")
        if promotion.employee_id == actor.employee_id:
            return _("you get")
    return _("%(name)s gets") % {"name": promotion.employee or promotion.membership.company}


def _plain(number: Decimal) -> str:
    return number_format(number.normalize(), use_l10n=True)


def _days(promotion: PersonalPromotion) -> dict[str, str]:
    """The first and the last day in words."""
    return {name: date_format(day, "DATE_FORMAT") for name, day in _span(promotion).items()}


def _span(promotion: PersonalPromotion) -> dict[str, date]:
    """The first and the last day, as they came to be: approved later, or ended before."""
    zone = promotion.membership.program.zone
    start, end = promotion.starts_on, promotion.ends_on
    if promotion.starts_at is not None and promotion.ends_at is not None:
        start = promotion.starts_at.astimezone(zone).date()
        end = max(start, (promotion.ends_at.astimezone(zone) - timedelta(microseconds=1)).date())
    return {"start": start, "end": end}


def _require_sound(promotion: PersonalPromotion, now: datetime) -> None:
    """Refuse what adds nothing, is over, is nobody's, names no rule, or is for points that another is for."""
    if not 1 < promotion.factor <= MOST_FACTOR:
        raise FactorError(_("A factor is more than 1, and 100 at most."))
    if promotion.budget is not None and promotion.budget < 1:
        raise FactorError(_("A budget has at least 1 point; leave it empty for none."))
    today = _today(promotion.membership, now)
    if promotion.ends_on < promotion.starts_on:
        raise DaysError(_("The last day is before the first."))
    if not today <= promotion.ends_on <= today + LONGEST:
        raise DaysError(_("Choose a last day from today on, within ten years."))
    _require_running(promotion, now)
    person = promotion.employee
    if person is not None and (person.company_id != promotion.membership.company_id or not person.is_active):
        raise NotOfTheCompanyError(
            _("This person does not work for the company, or no longer does. Choose somebody who does.")
        )
    _require_known(promotion)
    _require_alone(promotion)


def _require_running(promotion: PersonalPromotion, now: datetime) -> None:
    membership, program = promotion.membership, promotion.membership.program
    if not is_open(program, now) or not membership.holds_at(now):
        raise ClosedError(
            _("The company does not take part in the program at present, or the program is not running or over.")
        )
    if program.last_earn_on is not None and promotion.ends_on > program.last_earn_on:
        raise ClosedError(
            _("Points are earned in the program up to %(day)s. Let the promotion end by then.")
            % {"day": date_format(program.last_earn_on, "DATE_FORMAT")}
        )


def _require_known(promotion: PersonalPromotion) -> None:
    """Every code is one of a rule that gives points, in a version that holds in those days."""
    if len(promotion.rule_codes) > MOST_RULES:
        raise UnknownRuleError(_("Name up to %(most)s rules, or none for all of them.") % {"most": MOST_RULES})
    starts_at, ends_at = span_of(promotion)
    known = set(codes_of(promotion.membership, starts_at, ends_at))
    for code in promotion.rule_codes:
        if code not in known:
            raise UnknownRuleError(
                _("There is no rule “%(code)s” that gives points in those days; there is: %(known)s.")
                % {"code": code, "known": listed(sorted(known), _) or "–"}
            )


def codes_of(membership: Membership, starts_at: datetime, ends_at: datetime) -> list[str]:
    """Return the codes of the rules that give points in a program in a time; one query."""
    rules = Rule.objects.filter(
        Q(rule_set__ends_at__isnull=True) | Q(rule_set__ends_at__gt=starts_at),
        rule_set__program=membership.program_id,
        rule_set__starts_at__lt=ends_at,
    ).exclude(rule_set__status=RuleSet.Status.DRAFT)
    return sorted({rule.code for rule in rules.order_by("code") if not is_effect(rule.formula)})


def asleep_under(rule_set: RuleSet, *, at: datetime) -> list[str]:
    """Return, a sentence each, which promotions name rules that a version does not have. Two queries."""
    codes = set(rule_set.rules.values_list("code", flat=True))
    rows = PersonalPromotion.objects.filter(
        membership__program=rule_set.program_id, state=PersonalPromotion.State.APPROVED, ends_at__gt=at
    ).exclude(ends_at=F("starts_at"))
    return [
        _("The promotion of %(name)s is on %(codes)s, which this version does not have: it would add nothing there.")
        % {
            "name": row.employee or row.membership.company,
            "codes": listed((quoted(code, _) for code in sorted(lost)), _),
        }
        for row in rows.select_related("employee", "membership__company").order_by("pk")
        if (lost := set(row.rule_codes) - codes)
    ]


def _require_alone(promotion: PersonalPromotion) -> None:
    """Refuse a second one for the same points; of those that wait, the first that was asked for is decided first."""
    others = PersonalPromotion.objects.filter(membership=promotion.membership).exclude(pk=promotion.pk)
    if promotion.employee_id is not None:
        others = others.filter(Q(employee=promotion.employee_id) | Q(employee__isnull=True))
    starts_at, ends_at = span_of(promotion)
    approved = Q(state=PersonalPromotion.State.APPROVED, starts_at__lt=ends_at, ends_at__gt=starts_at)
    waiting = Q(state=PersonalPromotion.State.WAITING, asked_at__lt=promotion.asked_at)
    waiting &= Q(starts_on__lte=promotion.ends_on, ends_on__gte=promotion.starts_on)
    for other in others.filter(approved | waiting).order_by("pk"):
        is_shared = set(other.rule_codes) & set(promotion.rule_codes)
        if is_shared or not other.rule_codes or not promotion.rule_codes:
            raise OverlapError(
                _(
                    "Another promotion (%(start)s to %(end)s) is for the same points. Two would not say whose budget "
                    "points are taken from: choose other days or rules, or end that one first."
                )
                % _days(other)
            )


def _today(membership: Membership, now: datetime) -> date:
    return now.astimezone(membership.program.zone).date()


def _owner(promotion: PersonalPromotion) -> Owner:
    return Owner(promotion.membership.program_id, promotion.membership.company_id, promotion.employee_id)


def _lock(membership: Membership) -> Membership:
    """Rules are put in force before or after, activities of the company wait or come before."""
    Program.objects.select_for_update(no_key=True).get(pk=membership.program_id)
    return locked(membership.pk)


def _locked(promotion_id: int) -> PersonalPromotion:
    rows = PersonalPromotion.objects.select_related("employee", "membership__company", "membership__program")
    _lock(rows.get(pk=promotion_id).membership)
    return rows.get(pk=promotion_id)


def _record(
    action: str, promotion: PersonalPromotion, by: User, now: datetime, *, reason: str = "", **facts: str | int | None
) -> None:
    audit.record(
        action,
        promotion,
        actor_id=by.pk,
        now=now,
        company_id=promotion.membership.company_id,
        reason=reason,
        **facts,
    )
