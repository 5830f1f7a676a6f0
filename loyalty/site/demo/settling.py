"""Staff, words, companies and their people: who is there before anything happens."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group

from accounts.groups import APPROVER, MANAGER, ensure_groups
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
from loyalty.memberships import Joining, enrol, give_consent
from loyalty.models import Membership, Program
from loyalty.site.demo.cast import INTERESTS, ROLES, SEGMENTS, Firm, Person
from loyalty.site.demo.firms import SECOND_ACCOUNT_MANAGER

PASSWORD = "look-around-2026"  # noqa: S105 (printed for everybody who starts the demo on loopback)


@dataclass(frozen=True, slots=True)
class Staff:
    """The vendor's own people."""

    manager: User
    approver: User
    account_managers: dict[str, User]


@dataclass(frozen=True, slots=True)
class Words:
    """What people and companies are described by."""

    roles: dict[str, StakeholderRole]
    interests: dict[str, Interest]
    segments: dict[str, Segment]


@dataclass(frozen=True, slots=True)
class Settled:
    """A firm of the cast that has become a company, and its people in the cast's order."""

    firm: Firm
    company: Company
    membership: Membership
    people: list[Employee]
    account_manager: User
    joined_at: datetime

    @property
    def admin(self) -> Employee:
        """The first of those who act for the company."""
        return next(person for person in self.people if person.access == Employee.Access.ADMIN)

    @property
    def quiet_from(self) -> timedelta:
        """How long ago the firm stopped buying."""
        return timedelta(weeks=self.firm.quiet_weeks)


def hire() -> Staff:
    """Make the vendor's people."""
    ensure_groups()
    return Staff(
        manager=_manager("manager@demo.example", "Helena Vogt", MANAGER),
        approver=_manager("approver@demo.example", "Oskar Lindqvist", APPROVER),
        account_managers={
            "account@demo.example": _user("account@demo.example", "Samuel Adeyemi"),
            SECOND_ACCOUNT_MANAGER: _user(SECOND_ACCOUNT_MANAGER, "Ingrid Solberg"),
        },
    )


def agree_on_words() -> Words:
    """Make roles, interests and segments."""
    return Words(
        roles={code: StakeholderRole.objects.create(code=code, name=name) for code, name in ROLES.items()},
        interests={code: Interest.objects.create(code=code, name=name) for code, name in INTERESTS.items()},
        segments={code: Segment.objects.create(code=code, name=name) for code, name in SEGMENTS.items()},
    )


def settle(firm: Firm, program: Program, staff: Staff, words: Words, now: datetime) -> Settled:
    """Make a company and its people, and bring it into the program."""
    joined_at = (now - timedelta(weeks=firm.joined_weeks)).replace(hour=8, minute=0, second=0, microsecond=0)
    account_manager = staff.account_managers[firm.account_manager]
    company = Company.objects.create(name=firm.name, kind=firm.kind, external_id=firm.number, country=firm.country)
    CompanyProfile.objects.create(company=company, **firm.profile)
    AccountManagerAssignment.objects.create(company=company, user=account_manager, starts_at=joined_at)
    SegmentMembership.objects.create(company=company, segment=words.segments[firm.segment], starts_at=joined_at)
    people = [_employee(person, company, words, joined_at) for person in firm.people]
    [membership] = enrol(program=program, joinings=[Joining(company.pk, joined_at)], origin=Membership.Origin.JOINED)
    settled = Settled(firm, company, membership, people, account_manager, joined_at)
    if firm.has_consent and settled.admin.user is not None:
        give_consent(membership=membership, by=settled.admin.user, now=joined_at)
    return settled


@cache
def _hashed_password() -> str:
    """The one password of all, hashed once: that is slow on purpose."""
    return make_password(PASSWORD)


def _user(email: str, name: str, language: str = "en", time_zone: str = "Europe/Berlin") -> User:
    user = User(email=email, name=name, language=language, time_zone=time_zone, password=_hashed_password())
    user.save()
    return user


def _manager(email: str, name: str, group: str) -> User:
    user = _user(email, name)
    user.is_staff = True
    user.save(update_fields=["is_staff"])
    user.groups.add(Group.objects.get(name=group))
    return user


def _employee(person: Person, company: Company, words: Words, joined_at: datetime) -> Employee:
    user = _user(person.email, person.name, person.language, person.time_zone) if person.email else None
    employee = Employee.objects.create(
        company=company,
        user=user,
        name=person.name,
        phone=person.phone,
        buying_role=person.buying_role,
        preferred_channel=person.channel,
        access=Employee.Access.ADMIN if person.is_admin else Employee.Access.MEMBER,
    )
    employee.interests.set(words.interests[code] for code in person.interests)
    RoleAssignment.objects.create(employee=employee, role=words.roles[person.role], starts_at=joined_at)
    return employee
