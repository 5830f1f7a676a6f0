"""How the demo's world comes about: through the same use cases as in real life, day by day."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.contrib.auth.models import Group
from django.db import transaction

from accounts.actors import actor_of
from accounts.groups import MANAGER, ensure_groups
from accounts.models import (
    AccountManagerAssignment,
    Company,
    CompanyProfile,
    Employee,
    Interest,
    RoleAssignment,
    Segment,
    SegmentMembership,
    StakeholderRole,
    User,
)
from accounts.service_notes import write_note
from loyalty.activities import ActivityItem, record_activities
from loyalty.ledger import Owner, expire_points
from loyalty.memberships import Joining, enrol, give_consent
from loyalty.models import Membership, Program, Source
from loyalty.site.demo.cast import FIRMS, INTERESTS, ROLES, SEGMENTS, Firm, Person
from loyalty.site.demo.program import PROGRAM_CODE, create_program
from rewards.models import Reward
from rewards.redemption import cancel, redeem

PASSWORD = "look-around-2026"  # noqa: S105 (printed for everybody who starts the demo on loopback)
LOGINS = (
    ("Program manager", "manager@demo.example"),
    ("Account manager", "account@demo.example"),
    ("Company admin", "admin@demo.example"),
    ("Employee", "employee@demo.example"),
)
WEEKS = 26
PRODUCTS = ("DRILL-8", "DRILL-12", "MILL-40", "COOLANT-20", "GAUGE-3", "VISE-150", "BLADE-7", "CLAMP-2")
MODULES = ("coolants", "calibration", "safety", "five-axis")


def is_loaded() -> bool:
    """Whether the demo's program is there."""
    return Program.objects.filter(code=PROGRAM_CODE).exists()


def load(*, now: datetime) -> None:
    """Make the world, with half a year of business up to `now`; the same world whenever it is made."""
    with transaction.atomic():
        ensure_groups()
        manager = _staff("manager@demo.example", "Helena Vogt")
        manager.groups.add(Group.objects.get(name=MANAGER))
        account_manager = _user("account@demo.example", "Samuel Adeyemi")
        begin = (now - timedelta(weeks=WEEKS)).replace(hour=8, minute=0, second=0, microsecond=0)
        vocabulary = _vocabulary()
        program = create_program(starts_at=begin - timedelta(days=1))
        source = Source.objects.create(code="erp", name="ERP", kind=Source.Kind.API)
        firms = [_firm(firm, program, account_manager, vocabulary, begin, now) for firm in FIRMS]
        _do_business(firms, source, begin, now)
        expire_points(now=now)
        _redeem(firms[0], now)


@dataclass(frozen=True, slots=True)
class _Settled:
    """A firm of the cast that has become a company."""

    firm: Firm
    company: Company
    membership: Membership
    people: dict[str, Employee]


def _user(email: str, name: str, language: str = "en", time_zone: str = "Europe/Berlin") -> User:
    return User.objects.create_user(email, PASSWORD, name=name, language=language, time_zone=time_zone)


def _staff(email: str, name: str) -> User:
    user = _user(email, name)
    user.is_staff = True
    user.save(update_fields=["is_staff"])
    return user


@dataclass(frozen=True, slots=True)
class _Vocabulary:
    roles: dict[str, StakeholderRole]
    interests: dict[str, Interest]
    segments: dict[str, Segment]


def _vocabulary() -> _Vocabulary:
    return _Vocabulary(
        roles={code: StakeholderRole.objects.create(code=code, name=name) for code, name in ROLES.items()},
        interests={code: Interest.objects.create(code=code, name=name) for code, name in INTERESTS.items()},
        segments={code: Segment.objects.create(code=code, name=name) for code, name in SEGMENTS.items()},
    )


def _firm(
    firm: Firm, program: Program, account_manager: User, vocabulary: _Vocabulary, begin: datetime, now: datetime
) -> _Settled:
    company = Company.objects.create(name=firm.name, kind=firm.kind, external_id=firm.number, country=firm.country)
    CompanyProfile.objects.create(company=company, **firm.profile)
    AccountManagerAssignment.objects.create(company=company, user=account_manager, starts_at=begin)
    SegmentMembership.objects.create(company=company, segment=vocabulary.segments[firm.segment], starts_at=begin)
    people = {person.name: _employee(person, company, vocabulary, begin) for person in firm.people}
    [membership] = enrol(program=program, joinings=[Joining(company.pk, begin)], origin=Membership.Origin.JOINED)
    admin = next(people[person.name] for person in firm.people if person.is_admin)
    if admin.user is not None:
        give_consent(membership=membership, by=admin.user, now=begin)
    for kind, days_ago, visibility, text in firm.notes:
        write_note(
            company=company,
            author_id=account_manager.pk,
            kind=kind,
            text=text,
            visibility=visibility,
            happened_at=now - timedelta(days=days_ago, hours=2),
            people=[next(iter(people.values()))],
        )
    return _Settled(firm, company, membership, people)


def _employee(person: Person, company: Company, vocabulary: _Vocabulary, begin: datetime) -> Employee:
    user = _user(person.email, person.name, person.language, person.time_zone) if person.email else None
    employee = Employee.objects.create(
        company=company,
        user=user,
        name=person.name,
        buying_role=person.buying_role,
        preferred_channel=person.channel,
        access=Employee.Access.ADMIN if person.is_admin else Employee.Access.MEMBER,
    )
    employee.interests.set(vocabulary.interests[code] for code in person.interests)
    RoleAssignment.objects.create(employee=employee, role=vocabulary.roles[person.role], starts_at=begin)
    return employee


def _do_business(firms: list[_Settled], source: Source, begin: datetime, now: datetime) -> None:
    """Record what happened, a call a week, in the order of time."""
    items = sorted(
        (item for number, settled in enumerate(firms) for item in _activities(settled, begin, now, number)),
        key=lambda item: item.occurred_at,
    )
    for week in range(WEEKS + 1):
        first, last = begin + timedelta(weeks=week), begin + timedelta(weeks=week + 1)
        batch = [item for item in items if first <= item.occurred_at < last]
        for outcome in record_activities(batch, source=source, now=min(last, now)):
            if outcome.error is not None:
                raise RuntimeError(f"The demo tells something impossible: {outcome.error.sentence}")


def _activities(settled: _Settled, begin: datetime, now: datetime, seed: int) -> Iterator[ActivityItem]:
    """What a firm and its people do in half a year; drawn from a seed, so that every demo tells the same story."""
    chance = random.Random(seed)
    firm, people = settled.firm, list(settled.people.values())
    number = 0
    for week in range(WEEKS):
        monday = begin + timedelta(weeks=week)
        for _order in range(firm.orders_a_week):
            number += 1
            at = monday + timedelta(days=chance.randrange(5), minutes=chance.randrange(540))
            amount = Decimal(chance.randrange(firm.usual_order // 4, firm.usual_order * 3)) + Decimal("0.50")
            order = f"{firm.number}-{number:04d}"
            buyer = people[1].pk
            bought = (settled.company.pk, at, buyer, chance.choice(PRODUCTS))
            if at < now:
                yield _purchase(order, *bought, amount)
            back_at = at + timedelta(days=9)
            if chance.random() < 0.05 and back_at < now:
                yield _purchase(f"{order}-R", bought[0], back_at, buyer, bought[3], amount / 2, reverses=order)
        person = people[chance.randrange(len(people))]
        at = monday + timedelta(days=2, hours=3)
        if chance.random() < 0.4 and at < now:
            yield ActivityItem(
                external_id=f"{firm.number}-T{week:02d}",
                type="training",
                company_id=settled.company.pk,
                employee_id=person.pk,
                occurred_at=at,
                attributes={"module": chance.choice(MODULES)},
            )


def _purchase(
    external_id: str,
    company_id: int,
    at: datetime,
    employee_id: int,
    product: str,
    amount: Decimal,
    reverses: str = "",
) -> ActivityItem:
    return ActivityItem(
        external_id=external_id,
        type="purchase",
        company_id=company_id,
        employee_id=employee_id,
        occurred_at=at,
        object=product,
        amount=amount,
        currency="EUR",
        reverses=reverses,
    )


def _redeem(settled: _Settled, now: datetime) -> None:
    """The first firm's people have redeemed something, and thought better of one of it."""
    admin = next(iter(settled.people.values()))
    actor = actor_of(admin.user, now=now)
    payer = Owner(settled.membership.program_id, settled.company.pk)
    for code, days_ago, is_regretted in (("hamper", 30, False), ("calibration", 12, True), ("hamper", 4, False)):
        reward = Reward.objects.get(program=settled.membership.program_id, code=code)
        at = now - timedelta(days=days_ago)
        redeemed = redeem(
            actor=actor, reward_id=reward.pk, payer=payer, shown_price=reward.price, key=f"demo-{days_ago}", now=at
        )
        if is_regretted:
            cancel(redemption_id=redeemed.redemption.pk, by_user_id=actor.user_id, now=at + timedelta(hours=5))
