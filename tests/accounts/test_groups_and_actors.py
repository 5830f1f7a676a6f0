"""Who is who: what a login becomes when it acts, and what the vendor's groups may do."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from accounts.actors import Actor, actor_of
from accounts.groups import APPROVER, APPS, MANAGER, VIEWER, ensure_groups
from accounts.models import AccountManagerAssignment, Employee, User
from tests.factories.canaries import user_of
from tests.factories.world import EPOCH, NOW, a_company, a_manager, a_user, an_account_manager, an_admin, an_employee

pytestmark = pytest.mark.django_db


def test_nobody_and_a_login_switched_off_are_nobody() -> None:
    off = a_user(is_active=False, is_staff=True, is_superuser=True)

    assert actor_of(None, now=NOW) == Actor(at=NOW)
    assert actor_of(off, now=NOW) == Actor(at=NOW)


def test_employee_acts_for_the_own_company() -> None:
    company = a_company(name="Acme")
    person = an_employee(company)

    actor = actor_of(user_of(person), now=NOW)

    assert actor == Actor(
        at=NOW, user_id=person.user_id or 0, employee_id=person.pk, company_id=company.pk, company_name="Acme"
    )
    assert (actor.is_employee, actor.sees_company) == (True, False)


@pytest.mark.parametrize(
    ("fields", "sees_company", "is_admin"),
    [
        ({}, False, False),
        ({"access": "ADMIN"}, True, True),
        ({"buying_role": "DECIDES"}, True, False),
        ({"buying_role": "PAYS"}, False, False),
    ],
)
def test_admins_and_deciders_read_the_company(fields: dict[str, Any], sees_company: bool, is_admin: bool) -> None:
    actor = actor_of(user_of(an_employee(a_company(), **fields)), now=NOW)

    assert (actor.sees_company, actor.is_company_admin) == (sees_company, is_admin)


@pytest.mark.parametrize("fields", [{}, {"is_staff": True, "is_superuser": True}])
def test_employee_who_left_is_nobody_whatever_the_login_carries(fields: dict[str, bool]) -> None:
    person = an_employee(a_company(), user=a_user(**fields), is_active=False)
    AccountManagerAssignment.objects.create(user=user_of(person), company=a_company(), starts_at=EPOCH)

    assert actor_of(user_of(person), now=NOW) == Actor(at=NOW)


def test_employee_never_becomes_a_manager_by_a_flag() -> None:
    person = an_employee(a_company(), user=a_user(is_staff=True, is_superuser=True))

    actor = actor_of(user_of(person), now=NOW)

    assert (actor.is_manager, actor.is_account_manager, actor.is_employee) == (False, False, True)


def test_staff_manage_and_who_looks_after_companies_is_an_account_manager() -> None:
    actors = [actor_of(user, now=NOW) for user in (a_manager(), an_account_manager(a_company()), a_user())]

    assert [(actor.is_manager, actor.is_account_manager) for actor in actors] == [
        (True, False),
        (False, True),
        (False, False),
    ]


def test_actor_costs_one_query_for_an_employee_and_two_for_the_vendor(
    django_assert_num_queries: object,
) -> None:
    person, account_manager = user_of(an_admin(a_company())), an_account_manager(a_company())

    with django_assert_num_queries(1):  # type: ignore[operator]
        actor_of(person, now=NOW)
    with django_assert_num_queries(2):  # type: ignore[operator]
        actor_of(account_manager, now=NOW)


def test_groups_get_what_their_names_say_and_can_be_made_twice() -> None:
    ensure_groups()
    ensure_groups()

    permissions = {
        group.name: {permission.codename.split("_")[0] for permission in group.permissions.all()}
        for group in Group.objects.all()
    }
    assert permissions == {
        MANAGER: {"view", "add", "change", "delete"},
        APPROVER: {"view"},
        VIEWER: {"view"},
    }


def test_groups_reach_the_house_and_nothing_of_django_s() -> None:
    ensure_groups()

    labels = set(Group.objects.get(name=MANAGER).permissions.values_list("content_type__app_label", flat=True))

    assert labels <= set(APPS)
    assert {"accounts", "loyalty", "rewards"} <= labels


def test_permissions_taken_from_a_group_by_hand_come_back() -> None:
    ensure_groups()
    viewer = Group.objects.get(name=VIEWER)
    whole = viewer.permissions.count()
    viewer.permissions.clear()

    ensure_groups()

    assert viewer.permissions.count() == whole > 0


def test_viewer_sees_and_does_not_change() -> None:
    ensure_groups()
    user = a_user(is_staff=True)
    user.groups.add(Group.objects.get(name=VIEWER))

    fresh = User.objects.get(pk=user.pk)

    assert fresh.has_perm("accounts.view_company")
    assert not any(fresh.has_perm(f"accounts.{verb}_company") for verb in ("add", "change", "delete"))


def test_portfolio_is_read_as_of_the_actor_s_moment() -> None:
    company, person = a_company(), an_employee(a_company())
    user = a_user()
    start = timezone.now()
    AccountManagerAssignment.objects.create(
        user=user, company=company, starts_at=start, ends_at=start + timedelta(days=1)
    )

    seen = [
        list(type(company).objects.visible_to(actor_of(user, now=at)))
        for at in (start - timedelta(seconds=1), start, start + timedelta(days=1))
    ]

    assert seen == [[], [company], []]
    assert Employee.objects.visible_to(actor_of(user, now=start)).filter(pk=person.pk).count() == 0
