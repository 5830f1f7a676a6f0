"""Who decides for a company, and who stands in for them, for how long."""

from datetime import datetime, timedelta

import psycopg
import pytest
from django.db import IntegrityError, transaction

from accounts.actors import Actor, actor_of
from accounts.delegations import (
    DelegationOverError,
    NoSuchColleagueError,
    NotADeciderError,
    NoTimeError,
    SomebodyStandsInError,
    deciders_of,
    decides_for_company,
    delegate,
    end_delegation,
)
from accounts.models import AuditEntry, Company, Delegation, Employee, Message
from tests.factories.canaries import fingerprint
from tests.factories.world import NOW, a_company, an_admin, an_employee

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture
def company(db: None) -> Company:
    return a_company()


@pytest.fixture
def admin(company: Company) -> Employee:
    return an_admin(company, name="Ada")


@pytest.fixture
def colleague(company: Company) -> Employee:
    return an_employee(company, name="Cole")


def acting(employee: Employee, at: datetime = NOW) -> Actor:
    return actor_of(employee.user, now=at)


def stand_in(
    person: Employee,
    colleague: Employee,
    starts_at: datetime = NOW,
    ends_at: datetime | None = NOW + 7 * DAY,
    now: datetime = NOW,
) -> Delegation:
    return delegate(
        actor=acting(person, now), to_employee_id=colleague.pk, starts_at=starts_at, ends_at=ends_at, now=now
    )


def test_admins_and_those_who_decide_decide(company: Company, admin: Employee, colleague: Employee) -> None:
    decider = an_employee(company, buying_role=Employee.BuyingRole.DECIDES)
    an_admin(a_company())
    an_admin(company, login=False)
    an_admin(company, is_active=False)
    locked = an_admin(company)
    assert locked.user is not None
    locked.user.is_active = False
    locked.user.save()

    assert set(deciders_of(company.pk, now=NOW)) == {admin, decider}
    assert [decides_for_company(acting(person)) for person in (admin, decider, colleague)] == [True, True, False]


def test_stand_in_decides_in_the_time_and_at_no_other(company: Company, admin: Employee, colleague: Employee) -> None:
    stand_in(admin, colleague, NOW + DAY, NOW + 3 * DAY)

    moments = (NOW, NOW + DAY, NOW + 3 * DAY - timedelta(seconds=1), NOW + 3 * DAY)
    assert [decides_for_company(acting(colleague, at)) for at in moments] == [False, True, True, False]
    assert [colleague in deciders_of(company.pk, now=at) for at in moments] == [False, True, True, False]


def test_stand_in_is_told_and_it_goes_on_record(company: Company, admin: Employee, colleague: Employee) -> None:
    row = stand_in(admin, colleague)

    message = Message.objects.get()
    assert (message.employee, message.kind, message.facts) == (colleague, "stands-in", {"person": "Ada"})
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.company, entry.subject_id) == ("delegated", admin.user, company, row.pk)
    assert entry.numbers == {"employee": admin.pk, "delegate": colleague.pk}


def test_time_that_began_before_begins_now(admin: Employee, colleague: Employee) -> None:
    assert stand_in(admin, colleague, NOW - 30 * DAY).starts_at == NOW


@pytest.mark.parametrize("change", [{"is_active": False}, {"access": "MEMBER"}])
def test_stand_in_for_somebody_who_decides_no_longer_decides_nothing(
    company: Company, admin: Employee, colleague: Employee, change: dict[str, object]
) -> None:
    stand_in(admin, colleague)
    Employee.objects.filter(pk=admin.pk).update(**change)

    assert not decides_for_company(acting(colleague))


def test_stand_in_passes_nothing_on(company: Company, admin: Employee, colleague: Employee) -> None:
    other = an_employee(company)
    stand_in(admin, colleague)
    before = fingerprint()

    with pytest.raises(NotADeciderError):
        stand_in(colleague, other)

    assert fingerprint() == before


def test_only_a_colleague_who_signs_in_stands_in(company: Company, admin: Employee) -> None:
    people = [
        admin,
        an_employee(company, login=False),
        an_employee(company, is_active=False),
        an_employee(a_company()),
    ]
    before = fingerprint()

    for person in people:
        with pytest.raises(NoSuchColleagueError):
            stand_in(admin, person)

    assert fingerprint() == before


@pytest.mark.parametrize(
    ("starts_at", "ends_at"),
    [(NOW + DAY, NOW + DAY), (NOW + 2 * DAY, NOW + DAY), (NOW - 2 * DAY, NOW - DAY), (NOW - DAY, NOW)],
)
def test_time_that_is_none_is_refused(
    admin: Employee, colleague: Employee, starts_at: datetime, ends_at: datetime
) -> None:
    before = fingerprint()

    with pytest.raises(NoTimeError):
        stand_in(admin, colleague, starts_at, ends_at)

    assert fingerprint() == before


def test_two_stand_ins_at_once_are_refused_by_name(company: Company, admin: Employee, colleague: Employee) -> None:
    other = an_employee(company)
    stand_in(admin, colleague, NOW + DAY, NOW + 3 * DAY)
    before = fingerprint()

    for starts_at, ends_at in ((NOW, NOW + 2 * DAY), (NOW + 2 * DAY, NOW + 9 * DAY), (NOW, None)):
        with pytest.raises(SomebodyStandsInError) as refusal:
            stand_in(admin, other, starts_at, ends_at)
        assert refusal.value.delegation.delegate == colleague
    assert fingerprint() == before

    stand_in(admin, other, NOW + 3 * DAY, NOW + 4 * DAY)
    assert Delegation.objects.count() == 2


def test_database_keeps_stand_ins_apart(company: Company, admin: Employee, colleague: Employee) -> None:
    stand_in(admin, colleague)

    for fields, constraint in (
        ({"delegate": an_employee(company)}, "delegation_one_at_a_time"),
        ({"employee": colleague, "delegate": colleague}, "delegation_to_somebody_else"),
        ({"employee": colleague, "delegate": admin, "ends_at": NOW - DAY}, "delegation_ends_after_start"),
    ):
        with pytest.raises(IntegrityError) as refusal, transaction.atomic():
            Delegation.objects.create(
                **{"company": company, "employee": admin, "delegate": colleague, "starts_at": NOW, **fields}
            )
        assert isinstance(refusal.value.__cause__, psycopg.Error)
        assert refusal.value.__cause__.diag.constraint_name == constraint


def test_ending_takes_the_right_away_at_once(admin: Employee, colleague: Employee) -> None:
    row = stand_in(admin, colleague)

    ended = end_delegation(actor=acting(admin, NOW + DAY), delegation_id=row.pk, now=NOW + DAY)

    assert ended.ends_at == NOW + DAY
    assert not decides_for_company(acting(colleague, NOW + DAY))
    assert AuditEntry.objects.filter(action="delegation-ended", actor=admin.user, subject_id=row.pk).exists()


def test_one_that_has_not_begun_is_called_off_and_makes_room(company: Company, admin: Employee) -> None:
    first, second = an_employee(company), an_employee(company)
    row = stand_in(admin, first, NOW + DAY, NOW + 3 * DAY)

    end_delegation(actor=acting(admin), delegation_id=row.pk, now=NOW)

    row.refresh_from_db()
    assert row.ends_at == row.starts_at == NOW + DAY
    assert not decides_for_company(acting(first, NOW + DAY))
    assert stand_in(admin, second, NOW + DAY, NOW + 3 * DAY).delegate == second


def test_admin_ends_it_for_a_colleague_and_nobody_else_does(company: Company, admin: Employee) -> None:
    decider, colleague = an_employee(company, buying_role="DECIDES"), an_employee(company)
    elsewhere = an_admin(a_company())
    row, of_admin = stand_in(decider, colleague), stand_in(admin, colleague)
    before = fingerprint()

    for person in (colleague, decider):
        with pytest.raises(NotADeciderError):
            end_delegation(actor=acting(person), delegation_id=of_admin.pk, now=NOW)
    with pytest.raises(Delegation.DoesNotExist):
        end_delegation(actor=acting(elsewhere), delegation_id=row.pk, now=NOW)
    assert fingerprint() == before

    assert end_delegation(actor=acting(admin), delegation_id=row.pk, now=NOW + DAY).ends_at == NOW + DAY


def test_what_is_over_is_not_ended_again(admin: Employee, colleague: Employee) -> None:
    row = stand_in(admin, colleague)
    before = fingerprint()

    with pytest.raises(DelegationOverError):
        end_delegation(actor=acting(admin, NOW + 7 * DAY), delegation_id=row.pk, now=NOW + 7 * DAY)

    assert fingerprint() == before
