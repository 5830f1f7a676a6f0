"""Points for a whole segment at the manager's desk: asked, counted, then given or left to a second person."""

import re

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from accounts.groups import VIEWER, ensure_groups
from accounts.models import Approval, Import, Segment, SegmentMembership
from loyalty.models import Membership
from tests.factories.world import EPOCH, a_manager, a_member, a_program, a_role, a_user, an_employee, balance
from tests.moving.moves import work

pytestmark = pytest.mark.django_db

PAGE = "/admin/loyalty/adjustment/segment/"


@pytest.fixture
def member(db: None) -> Membership:
    """A company of the segment, in a program in which 100 points by hand need nobody else."""
    membership = a_member(a_program(adjustment_limit=100))
    segment = Segment.objects.create(code="north", name="North")
    SegmentMembership.objects.create(segment=segment, company=membership.company, starts_at=EPOCH)
    return membership


def sent(member: Membership, points: int = 40, **more: object) -> dict[str, object]:
    return {
        "program": member.program_id,
        "segment": Segment.objects.get().pk,
        "to": "companies",
        "points": points,
        "reason_code": "CAMPAIGN",
        "reason": "Spring",
        "key": "one form",
        **more,
    }


def text_of(desk: Client, address: str) -> str:
    return re.sub(r"\s+", " ", desk.get(address).content.decode())


def test_segment_is_counted_and_then_given_to(desk: Client, member: Membership) -> None:
    assert PAGE in text_of(desk, reverse("admin:loyalty_adjustment_changelist"))
    assert 'name="key"' in text_of(desk, PAGE)

    answers = [desk.post(PAGE, sent(member)).headers["Location"] for _click in range(2)]

    import_ = Import.objects.get()
    page = reverse("admin:accounts_import_change", args=[import_.pk])
    assert answers == [page, page]
    work()
    found = text_of(desk, page)
    assert "This gives 40 points to 1 company, or to their people." in found
    assert balance(member) == 0
    desk.post(reverse("admin:accounts_import_go", args=[import_.pk]))
    work()
    assert balance(member) == 40
    rows = f"{reverse('admin:loyalty_adjustment_changelist')}?batch__exact={import_.pk}"
    assert rows in text_of(desk, page)
    assert "Spring" in text_of(desk, reverse("admin:loyalty_adjustment_changelist")) or "campaign" in text_of(
        desk, rows
    )


def test_above_the_limit_the_queue_says_what_is_asked(desk: Client, client: Client, member: Membership) -> None:
    desk.post(PAGE, sent(member, 500))
    work()
    desk.post(reverse("admin:accounts_import_go", args=[Import.objects.get().pk]))

    approval = Approval.objects.get()
    own = desk.post(reverse("admin:accounts_approval_approve", args=[approval.pk]), {})
    client.force_login(a_manager())
    asked = text_of(client, reverse("admin:accounts_approval_approve", args=[approval.pk]))
    client.post(reverse("admin:accounts_approval_approve", args=[approval.pk]), {})
    work()

    assert own.status_code == 409
    assert "This gives 500 points to 1 company" in asked
    assert "Points by hand" in asked
    assert balance(member) == 500


def test_what_cannot_be_is_said_beside_the_field(desk: Client, member: Membership) -> None:
    role = a_role(an_employee(member.company), "buyer").role

    for_companies = desk.post(PAGE, sent(member, role=role.pk))
    none = desk.post(PAGE, sent(member, 0))
    Membership.objects.update(ends_at=EPOCH.replace(year=EPOCH.year + 1))
    nobody = desk.post(PAGE, sent(member))

    assert (for_companies.status_code, none.status_code, nobody.status_code) == (422, 422, 409)
    assert "Companies play no role." in for_companies.content.decode()
    assert "Nobody of this segment takes part in the program" in nobody.content.decode()
    assert not Import.objects.exists()


def test_whoever_only_looks_cannot_ask(client: Client, member: Membership) -> None:
    ensure_groups()
    viewer = a_user(is_staff=True)
    viewer.groups.set([Group.objects.get(name=VIEWER)])
    client.force_login(viewer)

    assert client.get(PAGE).status_code == 403
    assert client.post(PAGE, sent(member)).status_code == 403
    assert not Import.objects.exists()
