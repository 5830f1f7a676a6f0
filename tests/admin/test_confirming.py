"""Activities in the admin: what waits of their points is confirmed, one or many, by whoever may."""

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from accounts.groups import APPROVER, VIEWER, ensure_groups
from loyalty.models import Activity, Confirmation, Membership
from tests.factories.canaries import fingerprint
from tests.factories.world import a_manager, a_member, a_program, a_purchase, a_rule_set, a_user, balance, record

pytestmark = pytest.mark.django_db

ACTIVITIES = "/admin/loyalty/activity/"


@pytest.fixture
def member() -> Membership:
    """A company that bought for 40 and for 2, where points wait to be confirmed."""
    program = a_program(release="CONFIRMED")
    a_rule_set(program)
    member = a_member(program)
    record(a_purchase(member.company, 40), a_purchase(member.company, 2))
    return member


def chosen(**more: str) -> dict[str, Any]:
    return {"action": "confirm", "_selected_action": list(Activity.objects.values_list("pk", flat=True)), **more}


def test_one_is_confirmed_from_its_page_once(client: Client, member: Membership) -> None:
    client.force_login(a_manager())
    activity = Activity.objects.earliest("pk")
    page = client.get(f"{ACTIVITIES}{activity.pk}/change/").content.decode()
    assert f"{ACTIVITIES}{activity.pk}/confirm/" in page

    first, second = (client.post(f"{ACTIVITIES}{activity.pk}/confirm/").status_code for _time in range(2))

    assert (first, second) == (302, 409)
    assert (balance(member), balance(member, kind="PENDING")) == (40, 2)
    page = client.get(f"{ACTIVITIES}{activity.pk}/change/").content.decode()
    assert f"{ACTIVITIES}{activity.pk}/confirm/" not in page
    assert client.get(f"/admin/loyalty/confirmation/{Confirmation.objects.get().pk}/change/").status_code == 200


def test_many_are_confirmed_after_a_look_at_how_many(client: Client, member: Membership) -> None:
    client.force_login(a_manager())
    before = fingerprint()

    page = client.post(ACTIVITIES, chosen())
    assert page.context["facts"] == [("Activities to confirm", "2")]
    assert fingerprint() == before
    done = client.post(ACTIVITIES, chosen(confirm="yes"), follow=True)

    assert [str(message) for message in done.context["messages"]] == ["42 points can be spent."]
    assert (balance(member), balance(member, kind="PENDING")) == (42, 0)


@pytest.mark.parametrize("group", [VIEWER, APPROVER])
def test_whoever_may_only_look_confirms_nothing(client: Client, member: Membership, group: str) -> None:
    ensure_groups()
    viewer = a_user(is_staff=True)
    viewer.groups.add(Group.objects.get(name=group))
    client.force_login(viewer)
    activity = Activity.objects.earliest("pk")

    page = client.get(f"{ACTIVITIES}{activity.pk}/change/")
    answer = client.post(f"{ACTIVITIES}{activity.pk}/confirm/")
    client.post(ACTIVITIES, chosen(confirm="yes"))

    assert (page.status_code, answer.status_code) == (200, 403)
    assert "confirm/" not in page.content.decode()
    assert balance(member) == 0
