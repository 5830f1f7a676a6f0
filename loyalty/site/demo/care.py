"""The demo's benefits: who gets what at which tier, and what was used of it."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from accounts import follow_ups
from accounts.actors import actor_of
from accounts.models import Employee, Segment, StakeholderRole, User
from loyalty.benefits import draft_from, grant, set_cell, use
from loyalty.models import Benefit, BenefitMatrix, Program, RuleCap, Tier
from loyalty.site.demo.calendar import Calendar, Deed
from loyalty.site.demo.settling import Settled, Staff
from loyalty.titles import invite, record_payment, subscribe

_PER = RuleCap.Per


def plan_next_version(program: Program, by: User, *, now: datetime) -> None:
    """Leave a draft on the manager's desk that differs from the version in force."""
    draft = draft_from(program=program, by=by, now=now)
    _add(draft, "gold", "accountant", "", "tax-seminar", 2, _PER.YEAR, by, now)
    _add(draft, "silver", "buyer", "", "tool-wear", None, _PER.YEAR, by, now)


def enjoy_benefits(calendar: Calendar, firms: Iterable[Settled], staff: Staff) -> None:
    """Write down what was used, and one benefit given by hand."""
    by_number = {settled.firm.number: settled for settled in firms}
    for number, person, code, days_ago, is_for_company in (
        ("C-1001", 3, "process-hour", 19, False),
        ("C-1001", 2, "tax-seminar", 34, False),
        ("C-1001", 0, "basket", 8, True),
        ("C-2040", 0, "basket", 26, True),
        ("C-3520", 2, "process-hour", 5, False),
        ("C-4010", 0, "machine-lease", 15, False),
    ):
        at = calendar.until - timedelta(days=days_ago, hours=6)
        using = _using(by_number[number], person, code, is_for_company=is_for_company, is_kept=days_ago > 10)
        calendar.on(at, using)
    calendar.on(calendar.until - timedelta(days=10), _giving(by_number["C-3300"]))
    calendar.on(calendar.until - timedelta(days=40), _paying(by_number["C-4010"], staff))
    calendar.on(calendar.until - timedelta(days=3), _inviting(by_number["C-1001"], staff))


def _add(
    matrix: BenefitMatrix, tier: str, role: str, segment: str, code: str, quota: int | None, period: str, by: User,
    now: datetime,
) -> None:  # fmt: skip
    set_cell(
        matrix=matrix,
        tier=Tier.objects.get(program=matrix.program_id, code=tier),
        role=StakeholderRole.objects.get(code=role) if role else None,
        segment=Segment.objects.get(code=segment) if segment else None,
        benefit=Benefit.objects.get(program=matrix.program_id, code=code),
        quota=quota,
        period=period,
        by=by,
        now=now,
    )


def _using(settled: Settled, person: int, code: str, *, is_for_company: bool, is_kept: bool) -> Deed:
    def take(at: datetime) -> None:
        user = settled.people[person].user
        if user is None:
            return
        benefit = Benefit.objects.get(program=settled.membership.program_id, code=code)
        key = f"demo-{settled.firm.number}-{code}"
        used = use(actor=actor_of(user, now=at), benefit_id=benefit.pk, is_for_company=is_for_company, key=key, now=at)
        if used.use.follow_up_id is not None and is_kept:
            account_manager_id = settled.account_manager.pk
            follow_ups.finish(
                follow_up_id=used.use.follow_up_id, by_user_id=account_manager_id, now=at + timedelta(days=3)
            )

    return take


def _giving(settled: Settled) -> Deed:
    return lambda at: grant(
        membership=settled.membership,
        employee=None,
        benefit=Benefit.objects.get(program=settled.membership.program_id, code="process-hour"),
        quota=2,
        period=_PER.EVER,
        starts_at=at,
        ends_at=at + timedelta(days=90),
        by=actor_of(settled.account_manager, now=at),
        reason="To help with the aerospace certificate",
        now=at,
    )


def _paying(settled: Settled, staff: Staff) -> Deed:
    """Its admin takes the tier that is for a fee, which comes the same day."""

    def take(at: datetime) -> None:
        admin = next(one for one in settled.people if one.user and one.access == Employee.Access.ADMIN)
        circle = Tier.objects.get(program=settled.membership.program_id, code="circle")
        title = subscribe(actor=actor_of(admin.user, now=at), membership=settled.membership, tier=circle, now=at)
        record_payment(
            title=title, amount=title.fee or Decimal(0), currency=title.currency, reference="RE-2026-0815",
            by_id=staff.manager.pk, now=at,
        )  # fmt: skip

    return take


def _inviting(settled: Settled, staff: Staff) -> Deed:
    return lambda at: invite(
        membership=settled.membership,
        tier=Tier.objects.get(program=settled.membership.program_id, code="circle"),
        until=(at + timedelta(days=365)).date(),
        answer_by=(at + timedelta(days=21)).date(),
        reason="You have stood by us since the first lathe",
        by_id=staff.manager.pk,
        now=at,
    )
