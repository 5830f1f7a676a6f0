"""Segments at the manager's desk: a condition is counted before it is saved, and nobody lists by hand what it tells."""

import json
import re

import pytest
from django.test import Client

from accounts.models import Segment, SegmentMembership
from tests.factories.world import EPOCH, a_company

pytestmark = pytest.mark.django_db

IS_DEALER = {"fact": "company.kind", "op": "eq", "value": "DEALER"}
ADD = "/admin/accounts/segment/add/"


def text_of(content: bytes) -> str:
    return re.sub(r"\s+", " ", content.decode())


def sent(condition: object = IS_DEALER, **more: str) -> dict[str, str]:
    return {"name": "Dealers", "code": "dealers", "condition": json.dumps(condition), **more}


def saved(desk: Client, address: str = ADD, condition: object = IS_DEALER) -> None:
    """Count, and send once more what came back."""
    counted = desk.post(address, sent(condition)).content.decode()
    [token] = re.findall(r'name="counted" value="([^"]*)"', counted)
    assert desk.post(address, sent(condition, counted=token.replace("&quot;", '"'))).status_code == 302


def test_condition_is_counted_and_then_saved(desk: Client) -> None:
    a_company(kind="DEALER"), a_company(kind="DEALER"), a_company()

    page = text_of(desk.post(ADD, sent()).content)
    assert "This would put 2 companies in: 2 would enter and 0 leave." in page
    assert not Segment.objects.exists()

    saved(desk)

    segment = Segment.objects.get()
    assert segment.condition == IS_DEALER
    assert SegmentMembership.objects.filter(segment=segment, source="CONDITION").count() == 2
    page = text_of(desk.get(f"/admin/accounts/segment/{segment.pk}/change/").content)
    assert "kind of company is dealer" in page
    rows = f"/admin/accounts/segmentmembership/?segment__id__exact={segment.pk}&amp;ends_at__isnull=True"
    assert rows in page
    assert "by condition" in text_of(desk.get("/admin/accounts/segmentmembership/").content)


def test_another_condition_is_counted_anew(desk: Client) -> None:
    a_company(kind="DEALER"), a_company(kind="AGENT")
    saved(desk)
    segment = Segment.objects.get()
    address = f"/admin/accounts/segment/{segment.pk}/change/"
    agents = {**IS_DEALER, "value": "AGENT"}

    page = text_of(desk.post(address, sent(agents, counted=json.dumps(IS_DEALER, sort_keys=True))).content)

    assert "This would put 1 company in: 1 would enter and 1 leave." in page
    segment.refresh_from_db()
    assert segment.condition == IS_DEALER


def test_renaming_needs_no_count_and_a_list_no_condition(desk: Client) -> None:
    saved(desk)
    segment = Segment.objects.get()

    address = f"/admin/accounts/segment/{segment.pk}/change/"
    assert desk.post(address, sent(name="Our dealers")).status_code == 302
    assert desk.post(ADD, {"name": "Key", "code": "key", "condition": ""}).status_code == 302

    assert [*Segment.objects.order_by("pk").values_list("name", "condition")] == [
        ("Our dealers", IS_DEALER),
        ("Key", {}),
    ]


@pytest.mark.parametrize(
    ("condition", "sentence"),
    [
        ({"fact": "company.segments", "op": "has", "value": "key"}, "A segment does not ask for segments."),
        ({"fact": "company.kind", "op": "eq", "value": "CIRCUS"}, "CIRCUS"),
        (False, "A condition is an object"),
    ],
)
def test_unsound_condition_is_refused_beside_the_field(desk: Client, condition: object, sentence: str) -> None:
    page = text_of(desk.post(ADD, sent(condition)).content)

    assert sentence in page
    assert not Segment.objects.exists()


def test_condition_is_not_taken_away(desk: Client) -> None:
    saved(desk)
    segment = Segment.objects.get()

    answer = desk.post(f"/admin/accounts/segment/{segment.pk}/change/", sent({}))

    assert answer.status_code == 409
    assert "Make another segment to list companies by hand." in text_of(answer.content)
    assert Segment.objects.get().condition == IS_DEALER


def test_nobody_is_listed_by_hand_where_a_condition_tells(desk: Client) -> None:
    company = a_company()
    saved(desk)
    row = {"company": str(company.pk), "segment": str(Segment.objects.get().pk)}

    answer = desk.post(
        "/admin/accounts/segmentmembership/add/", {**row, "starts_at_0": "2026-01-01", "starts_at_1": "00:00:00"}
    )

    assert "Its condition says who is in “Dealers”." in text_of(answer.content)
    assert not SegmentMembership.objects.exists()


def test_row_of_a_condition_is_shown_and_not_edited(desk: Client) -> None:
    company = a_company(kind="DEALER")
    saved(desk)
    listed = Segment.objects.create(code="key", name="Key")
    by_hand = SegmentMembership.objects.create(segment=listed, company=company, starts_at=EPOCH)
    told = SegmentMembership.objects.get(source="CONDITION")

    assert 'name="_save"' not in desk.get(f"/admin/accounts/segmentmembership/{told.pk}/change/").content.decode()
    assert 'name="_save"' in desk.get(f"/admin/accounts/segmentmembership/{by_hand.pk}/change/").content.decode()
    page = desk.get(f"/admin/accounts/company/{company.pk}/change/").content.decode()
    assert 'name="segments-TOTAL_FORMS" value="1"' in page
    assert "Segments by condition" in page


def test_saved_company_enters_at_once(desk: Client) -> None:
    saved(desk)
    company = a_company()
    totals = {
        f"{prefix}-{count}_FORMS": "0"
        for prefix in ("profile", "account_managers", "segments", "memberships")
        for count in ("TOTAL", "INITIAL")
    }

    answer = desk.post(
        f"/admin/accounts/company/{company.pk}/change/", {"name": company.name, "kind": "DEALER", **totals}
    )

    assert answer.status_code == 302
    assert SegmentMembership.objects.get().company == company
