"""Whom a change of the matrix touches."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Q, QuerySet

from accounts.models import Employee, RoleAssignment, SegmentMembership
from loyalty.benefits.differences import PlainCell
from loyalty.models import Membership, Program, Tier, TierAssignment


@dataclass(frozen=True, slots=True)
class Reach:
    """How many companies, and people in them, have something to gain or to lose."""

    companies: int
    people: int


def changed_cells(old: Iterable[PlainCell], new: Iterable[PlainCell]) -> set[PlainCell]:
    """Return the cells that are in one version and not, or not with the same quota, in the other."""
    return set(old) ^ set(new)


def reach_of(program: Program, cells: Iterable[PlainCell], *, at: datetime) -> Reach:
    """Return whom `cells` of a program touch at `at`: companies of tier and segment, people of the role; 3 queries."""
    tiers = dict(Tier.objects.filter(program=program).values_list("rank", "pk"))
    roles: dict[tuple[int, int], set[int]] = defaultdict(set)
    for cell in cells:
        rank, role, segment, _benefit = cell.key
        if rank in tiers:
            roles[tiers[rank], segment].add(role)
    companies, people = Q(pk__in=[]), Q(pk__in=[])
    for (tier, segment), played in roles.items():
        touched = Q(company__in=_companies_at(program, tier, at=at))
        in_segment = Q()
        if segment:
            standing = SegmentMembership.objects.in_force(at).filter(segment=segment)
            in_segment = Q(company__in=standing.values("company"))
        companies |= touched & in_segment
        plays = RoleAssignment.objects.in_force(at).filter(role__in=played).values("employee")
        people |= touched & in_segment & (Q() if 0 in played else Q(pk__in=plays))
    return Reach(
        companies=Membership.objects.in_force(at).filter(companies, program=program).count(),
        people=Employee.objects.filter(people, is_active=True).count(),
    )


def companies_at(program: Program, *, at: datetime) -> dict[int, int]:
    """Return how many companies hold each tier at `at`, by the tier's id; one query."""
    held = TierAssignment.objects.in_force(at).filter(membership__program=program)
    return dict(held.order_by().values("tier").annotate(count=Count("pk")).values_list("tier", "count"))


def _companies_at(program: Program, tier: int, *, at: datetime) -> QuerySet[Membership, Any]:
    held = TierAssignment.objects.in_force(at).filter(tier=tier).values("membership")
    return Membership.objects.in_force(at).filter(program=program, pk__in=held).values("company")
