"""What a person, and the company, may use now: the matrix in force x tier x roles x segments, and what was granted."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.models import RoleAssignment, Segment, SegmentMembership
from loyalty.benefits.ahead import standing_ahead
from loyalty.benefits.matrix import matrices_in_force
from loyalty.benefits.words import generosity, left_in_words, next_start, times
from loyalty.earning import Period, period_start
from loyalty.models import Benefit, BenefitCell, BenefitGrant, BenefitMatrix, BenefitQuota, Membership, Tier
from loyalty.selectors import Standing, standing_of


@dataclass(frozen=True, slots=True)
class Entitlement:
    """A benefit that somebody may use: how often, how often it was, until when as far as known, and why.

    `is_for_company` says that the company uses it as a whole; `may_use` whether this person may, for itself or for the
    company. `grant_id` is set where it was given by hand. `quota` None: as often as wanted.
    """

    benefit: Benefit
    is_for_company: bool
    why: str
    until: date | None
    quota: int | None
    period: Period
    used: int
    period_start: date
    next_start: date | None
    grant_id: int | None
    may_use: bool

    @property
    def left(self) -> int | None:
        """Uses left in this period; None where there is no quota."""
        return None if self.quota is None else max(0, self.quota - self.used)

    @property
    def can_use(self) -> bool:
        """Whether it can be used at this moment by this person."""
        return self.may_use and self.left != 0

    @property
    def why_not(self) -> str:
        """Why it cannot be used at this moment and what to do; "" where it can."""
        if self.left == 0:
            return used_up(self.next_start)
        return "" if self.may_use else _("It is your company's: ask your company's admin to use it.")

    @property
    def times(self) -> str:
        """How often it may be used, such as "2 a year"."""
        return times(self.quota, self.period)

    @property
    def left_in_words(self) -> str:
        """How much is left, such as "2 of 4 left this year"."""
        if self.quota is None or self.left is None:
            return self.times
        return left_in_words(self.left, self.quota, self.period)


@dataclass(frozen=True, slots=True)
class NextBenefit:
    """What a higher tier adds: a benefit that is new, or one that may be used more often than `before` says."""

    benefit: Benefit
    is_for_company: bool
    quota: int | None
    period: Period
    before: str = ""

    @property
    def times(self) -> str:
        """How often it may be used then."""
        return times(self.quota, self.period)


@dataclass(frozen=True, slots=True)
class BenefitsNow:
    """Everything of a person's benefits: what may be used now, the own first, and what the next tier adds."""

    entitlements: list[Entitlement]
    next: list[NextBenefit]


def used_up(starts_again_on: date | None) -> str:
    """Say that a quota is used up, and when it starts again."""
    if starts_again_on is None:
        return _("It is used up.")
    return _("It is used up. It starts again on %(day)s.") % {"day": date_format(starts_again_on, "DATE_FORMAT")}


def benefits_of(actor: Actor, membership: Membership, *, at: datetime, standing: Standing | None = None) -> BenefitsNow:
    """Return what `actor`, an employee of the member company, may use at `at`, and what the next tier adds.

    Three queries where the company's `standing` at `at` is given, else four; never more, whatever there is.
    """
    if not actor.is_employee or membership.company_id != actor.company_id or not membership.holds_at(at):
        return BenefitsNow([], [])
    standing = standing or standing_of(membership, at=at)
    cells = _cells_of(actor, membership, standing, at=at)
    now = most_generous(cell for cell in cells if standing.tier and cell.tier_id == standing.tier.id)
    ahead = most_generous(cell for cell in cells if standing.next_tier and cell.tier_id == standing.next_tier.id)
    zone = standing.plan.zone
    today = at.astimezone(zone).date()
    entitlements = [
        *_by_standing(now, standing, standing_ahead(membership, at=at, standing=standing).holds_until, actor, today),
        *_by_grant(actor, membership, at=at, zone=zone, today=today),
    ]
    counted = _with_used(entitlements, actor, membership)
    return BenefitsNow(sorted(counted, key=_own_first), _added(now, ahead))


def entitlements_of(
    actor: Actor, membership: Membership, *, at: datetime, standing: Standing | None = None
) -> list[Entitlement]:
    """Return what `actor`, an employee of the member company, may use at `at`; see `benefits_of` for the queries."""
    return benefits_of(actor, membership, at=at, standing=standing).entitlements


def next_benefits(
    actor: Actor, membership: Membership, *, at: datetime, standing: Standing | None = None
) -> list[NextBenefit]:
    """Return what the next tier adds for `actor`, new benefits first; one query where `standing` is given, else two."""
    if not actor.is_employee or membership.company_id != actor.company_id or not membership.holds_at(at):
        return []
    standing = standing or standing_of(membership, at=at)
    if standing.next_tier is None:
        return []
    cells = _cells_of(actor, membership, standing, at=at)
    now = most_generous(cell for cell in cells if standing.tier and cell.tier_id == standing.tier.id)
    return _added(now, most_generous(cell for cell in cells if cell.tier_id == standing.next_tier.id))


def benefits_by_tier(actor: Actor, membership: Membership, *, at: datetime) -> dict[int, list[NextBenefit]]:
    """Return what each tier, by its id, gives `actor` and the company at `at`, the own first; one query."""
    cells: dict[int, list[BenefitCell]] = defaultdict(list)
    for cell in _open_cells(actor, membership, at=at):
        cells[cell.tier_id].append(cell)
    return {tier_id: _added([], most_generous(given)) for tier_id, given in cells.items()}


def entitlements_as(
    matrix: BenefitMatrix, *, tier: Tier, role_codes: Iterable[str] = (), segment: Segment | None = None, at: datetime
) -> list[Entitlement]:
    """Return what a version, a draft included, gives to somebody of `role_codes` in a company of `tier` and `segment`.

    As a client would read it, with nothing used yet and somebody who may act for the company. One query.
    """
    cells = BenefitCell.objects.filter(
        Q(role__isnull=True) | Q(role__code__in=list(role_codes)),
        (Q(segment__isnull=True) | Q(segment=segment)) if segment else Q(segment__isnull=True),
        matrix=matrix,
        tier=tier,
        benefit__is_active=True,
    )
    today = at.astimezone(matrix.program.zone).date()
    chosen = most_generous(cells.select_related("benefit", "role").order_by("pk"))
    given = [_of_cell(cell, tier.name, None, today, may_use=True) for cell in chosen]
    return sorted(given, key=_own_first)


def most_generous(cells: Iterable[BenefitCell]) -> list[BenefitCell]:
    """Return one cell a benefit, for the person and for the company apart: that of the most generous quota."""
    best: dict[tuple[int, bool], BenefitCell] = {}
    for cell in cells:
        key = cell.benefit_id, cell.role_id is None
        if key not in best or _generosity(cell) > _generosity(best[key]):
            best[key] = cell
    return list(best.values())


def _generosity(cell: BenefitCell) -> tuple[object, ...]:
    return generosity(cell.quota, Period(cell.period))


def _cells_of(actor: Actor, membership: Membership, standing: Standing, *, at: datetime) -> list[BenefitCell]:
    """The cells of the tier held and of the next."""
    tiers = [step.id for step in (standing.tier, standing.next_tier) if step is not None]
    return list(_open_cells(actor, membership, at=at).filter(tier__in=tiers))


def _open_cells(actor: Actor, membership: Membership, *, at: datetime) -> QuerySet[BenefitCell]:
    """The cells in force that the person's roles and the company's segments open."""
    roles = RoleAssignment.objects.filter(employee=actor.employee_id).in_force(at).values("role")
    segments = SegmentMembership.objects.filter(company=membership.company_id).in_force(at).values("segment")
    return (
        BenefitCell.objects.filter(
            Q(role__isnull=True) | Q(role__in=roles),
            Q(segment__isnull=True) | Q(segment__in=segments),
            matrix__in=matrices_in_force(membership.program_id, at=at),
            benefit__is_active=True,
        )
        .select_related("benefit", "role", "matrix")
        .order_by("pk")
    )


def _by_standing(
    cells: list[BenefitCell], standing: Standing, tier_until: date | None, actor: Actor, today: date
) -> list[Entitlement]:
    tier = standing.tier.name if standing.tier else ""
    given = []
    for cell in cells:
        until = _earliest(tier_until, _last_day(cell.matrix.ends_at, standing.plan.zone))
        may_use = cell.role_id is not None or actor.sees_company
        given.append(_of_cell(cell, tier, until, today, may_use=may_use))
    return given


def _of_cell(cell: BenefitCell, tier: str, until: date | None, today: date, *, may_use: bool) -> Entitlement:
    period = Period(cell.period)
    return Entitlement(
        benefit=cell.benefit,
        is_for_company=cell.role_id is None,
        why=_why(cell, tier),
        until=until,
        quota=cell.quota,
        period=period,
        used=0,
        period_start=period_start(period, today),
        next_start=next_start(period, today),
        grant_id=None,
        may_use=may_use,
    )


def _why(cell: BenefitCell, tier: str) -> str:
    """Segments are the vendor's own sorting: a client reads that something is an extra, not what it is sorted as."""
    words = {"tier": tier, "role": cell.role.name if cell.role else ""}
    if cell.segment_id is not None:
        text = (
            _("As %(role)s at %(tier)s, an extra for your company")
            if cell.role
            else _("Your company is %(tier)s; this is an extra for it")
        )
    else:
        text = _("As %(role)s at %(tier)s") if cell.role else _("Your company is %(tier)s")
    return text % words


def _by_grant(actor: Actor, membership: Membership, *, at: datetime, zone: ZoneInfo, today: date) -> list[Entitlement]:
    grants = (
        BenefitGrant.objects.visible_to(actor)
        .filter(Q(employee=actor.employee_id) | Q(employee__isnull=True), membership=membership)
        .filter(benefit__is_active=True)
        .in_force(at)
        .select_related("benefit", "granted_by")
        .order_by("pk")
    )
    given = []
    for grant in grants:
        period = Period(grant.period)
        given.append(
            Entitlement(
                benefit=grant.benefit,
                is_for_company=grant.employee_id is None,
                why=(
                    _("Given by %(name)s: %(reason)s") % {"name": grant.granted_by.name, "reason": grant.reason}
                    if grant.granted_by
                    else _("Earned: %(reason)s") % {"reason": grant.reason}
                ),
                until=_last_day(grant.ends_at, zone),
                quota=grant.quota,
                period=period,
                used=0,
                period_start=period_start(period, today),
                next_start=next_start(period, today),
                grant_id=grant.pk,
                may_use=grant.employee_id is not None or actor.sees_company,
            )
        )
    return given


def _with_used(entitlements: list[Entitlement], actor: Actor, membership: Membership) -> list[Entitlement]:
    """The entitlements with what was used of each quota in its present period."""
    limited = [entitlement for entitlement in entitlements if entitlement.quota is not None]
    counters = BenefitQuota.objects.filter(
        Q(employee=actor.employee_id) | Q(employee__isnull=True),
        membership=membership,
        benefit__in={entitlement.benefit.pk for entitlement in limited},
        period_start__in={entitlement.period_start for entitlement in limited},
    )
    used: Mapping[tuple[object, ...], int] = {
        (row.benefit_id, row.grant_id, row.employee_id is None, row.period_start): row.used for row in counters
    }
    return [_counted(entitlement, used) for entitlement in entitlements]


def _counted(given: Entitlement, used: Mapping[tuple[object, ...], int]) -> Entitlement:
    if given.quota is None:
        return given
    count = used.get((given.benefit.pk, given.grant_id, given.is_for_company, given.period_start), 0)
    return replace(given, used=count)


def _added(now: list[BenefitCell], ahead: list[BenefitCell]) -> list[NextBenefit]:
    """What `ahead` gives beyond `now`, new benefits first."""
    have = {(cell.benefit_id, cell.role_id is None): cell for cell in now}
    added = []
    for cell in ahead:
        held = have.get((cell.benefit_id, cell.role_id is None))
        if held is None or _generosity(cell) > _generosity(held):
            before = times(held.quota, Period(held.period)) if held else ""
            added.append(NextBenefit(cell.benefit, cell.role_id is None, cell.quota, Period(cell.period), before))
    return sorted(added, key=lambda gain: (bool(gain.before), gain.is_for_company, gain.benefit.name))


def _own_first(entitlement: Entitlement) -> tuple[object, ...]:
    return entitlement.is_for_company, entitlement.benefit.name, entitlement.grant_id or 0


def _earliest(*days: date | None) -> date | None:
    return min((day for day in days if day is not None), default=None)


def _last_day(ends_at: datetime | None, zone: ZoneInfo) -> date | None:
    """The last day on which something holds that ends at a moment."""
    return None if ends_at is None else (ends_at - timedelta(microseconds=1)).astimezone(zone).date()
