"""The made-up client of an example: rows as any client's, for a transaction that is rolled back."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from accounts.models import (
    Company,
    Employee,
    RoleAssignment,
    Segment,
    SegmentMembership,
    StakeholderRole,
    User,
)
from loyalty.ledger import Owner
from loyalty.memberships import Joining, enrol
from loyalty.models import Consent, Example, Membership, Program, StandingEvent, TierAssignment, TierTitle
from loyalty.standing import TierPlan, Title
from loyalty.standing.review import keep_events, open_board

_FOR_LONG = timedelta(days=36_500)
"""So long the tier lasts that an example begins with."""


@dataclass(frozen=True, slots=True)
class MadeUp:
    """A company in a program, somebody who works there, and who signs for it."""

    membership: Membership
    person_id: int
    signer: User

    @property
    def company_id(self) -> int:
        """The company."""
        return self.membership.company_id

    @property
    def owners(self) -> tuple[Owner, Owner]:
        """The company and the person, as owners of wallets."""
        company = Owner(self.membership.program_id, self.company_id)
        return company, company._replace(employee_id=self.person_id)


def make_up(example: Example, program: Program, *, start: datetime) -> MadeUp:
    """Make the client that an example is given, a member from `start` on: it, its person, roles, segments, consent.

    Nobody has a login, so nobody is told anything. Roles and segments that there are not are made, too.
    """
    company = Company.objects.create(name=example.name, kind=example.company_kind, country=example.country)
    person = Employee.objects.create(company=company, name=example.name)
    signer = User(email=f"{uuid4().hex}@example.invalid", name=example.name, is_active=False)
    signer.set_unusable_password()
    signer.save()
    RoleAssignment.objects.bulk_create(
        RoleAssignment(employee=person, role=role, starts_at=start) for role in _roles(example.roles)
    )
    ways = {True: SegmentMembership.Source.CONDITION, False: SegmentMembership.Source.LISTED}
    SegmentMembership.objects.bulk_create(
        SegmentMembership(company=company, segment=one, source=ways[one.is_by_condition], starts_at=start)
        for one in _segments(example.segments)
    )
    [membership] = enrol(program=program, joinings=[Joining(company.pk, start, has_one_wallet=False)])
    if example.may_earn:
        Consent.objects.create(membership=membership, given_by=signer, starts_at=start)
    return MadeUp(membership, person.pk, signer)


def entitle(client: MadeUp, plan: TierPlan, code: str) -> bool:
    """Let the client hold the tier of a code from its first day on; return whether there is such a tier.

    Nothing follows from that: it is what was before.
    """
    step = next((step for step in plan.steps if step.code == code), None)
    if step is None:
        return False
    membership, start = client.membership, client.membership.starts_at
    title = TierTitle.objects.create(
        membership=membership,
        tier_id=step.id,
        source=TierAssignment.Source.NEGOTIATED,
        given_by=client.signer,
        reason=code,
        starts_at=start,
        ends_at=start + _FOR_LONG,
    )
    board = open_board(plan, [membership.pk], now=start)
    board.give(membership.pk, Title(title.pk, step, title.source, start, title.ends_at), at=start)
    board.write()
    keep_events([(membership.pk, StandingEvent.Kind.GIVEN, title.pk, title.ends_at)], now=start)
    return True


def _roles(codes: list[str]) -> list[StakeholderRole]:
    there = {role.code: role for role in StakeholderRole.objects.filter(code__in=codes)} if codes else {}
    missing = [StakeholderRole(code=code, name=code) for code in dict.fromkeys(codes) if code not in there]
    return [*there.values(), *StakeholderRole.objects.bulk_create(missing)]


def _segments(codes: list[str]) -> list[Segment]:
    there = {segment.code: segment for segment in Segment.objects.filter(code__in=codes)} if codes else {}
    missing = [Segment(code=code, name=code) for code in dict.fromkeys(codes) if code not in there]
    return [*there.values(), *Segment.objects.bulk_create(missing)]
