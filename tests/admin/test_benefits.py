"""The benefit matrix at the manager's desk: filled cell by cell, put in force after a look at what changes."""

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from accounts.groups import ensure_groups
from accounts.models import AuditReason, Company, Segment, SegmentMembership, StakeholderRole, User
from loyalty.benefits import plain_cells
from loyalty.models import Benefit, BenefitCell, BenefitGrant, BenefitMatrix, Program, Tier
from tests.client.pages import source_of
from tests.factories.canaries import fingerprint
from tests.factories.world import (
    EPOCH,
    a_benefit,
    a_matrix,
    a_member,
    a_program,
    a_role,
    a_rule_set,
    a_user,
    an_admin,
    an_employee,
)


class Desk:
    """A program with two tiers, an accountant role, a benefit, and a draft that gives nothing yet."""

    def __init__(self) -> None:
        self.program: Program = a_program(tiers={"basic": 0, "gold": 1000}, name="Halden")
        a_rule_set(self.program)
        self.basic, self.gold = Tier.objects.filter(program=self.program).order_by("rank")
        self.line: Benefit = a_benefit(self.program, name="Direct line")
        self.role: StakeholderRole = StakeholderRole.objects.create(code="accountant", name="Accountant")
        self.draft: BenefitMatrix = a_matrix(self.program, status="DRAFT")

    def hold(self, **cell: Any) -> BenefitMatrix:
        """A version in force that gives the line in one cell, and an empty draft after it."""
        self.draft.delete()
        held = a_matrix(self.program, {"tier": "gold", "benefit": self.line, **cell})
        self.draft = a_matrix(self.program, status="DRAFT")
        return held

    def cell_url(self, **chosen: Any) -> str:
        query = {"tier": self.gold.pk, "role": self.role.pk, **chosen}
        return reverse("admin:loyalty_benefitmatrix_change", args=[self.draft.pk], query=query)


@pytest.fixture
def matrix(db: None) -> Desk:
    return Desk()


def url_of(matrix: BenefitMatrix, page: str = "change") -> str:
    return reverse(f"admin:loyalty_benefitmatrix_{page}", args=[matrix.pk])


def a_viewer() -> User:
    ensure_groups()
    user = a_user(is_staff=True)
    user.groups.add(Group.objects.get(name="viewer"))
    return user


def test_benefit_is_put_into_a_cell_and_taken_out(desk: Client, matrix: Desk) -> None:
    opened = source_of(desk.get(matrix.cell_url()))
    assert 'aria-label="Gold, Accountant"' in opened
    assert opened.count('name="benefit"') == 1

    put = desk.post(matrix.cell_url(), {"benefit": matrix.line.pk, "quota": "2", "period": "YEAR"})

    assert put.status_code == 302
    assert put["Location"] == f"{url_of(matrix.draft)}#cell-{matrix.gold.pk}-{matrix.role.pk}"
    assert [(cell.role, cell.benefit, cell.times) for cell in plain_cells(matrix.draft)] == [
        ("Accountant", "Direct line", "2 a year")
    ]
    page = source_of(desk.get(url_of(matrix.draft)))
    assert "Remove Direct line from Gold, Accountant" in page
    assert "Gold, Accountant: “Direct line” is new, 2 a year." in page
    desk.post(url_of(matrix.draft), {"remove": BenefitCell.objects.get().pk})
    assert plain_cells(matrix.draft) == []


def test_segment_view_adds_to_what_all_companies_have(desk: Client, matrix: Desk) -> None:
    key = Segment.objects.create(code="key", name="Key accounts")
    SegmentMembership.objects.create(segment=key, company=a_member(matrix.program).company, starts_at=EPOCH)
    other = a_benefit(matrix.program, name="Handbook")
    desk.post(matrix.cell_url(role=""), {"benefit": matrix.line.pk, "quota": "", "period": "YEAR"})

    put = desk.post(matrix.cell_url(role="", segment=key.pk), {"benefit": other.pk, "quota": "1", "period": "QUARTER"})

    assert put["Location"] == f"{url_of(matrix.draft)}?segment={key.pk}#cell-{matrix.gold.pk}-0"
    page = source_of(desk.get(url_of(matrix.draft), {"segment": key.pk}))
    assert page.count('class="matrix-inherited"') == 1
    assert "Remove Handbook from Gold, the company, Key accounts" in page
    assert "Remove Direct line" not in page
    assert f"segment__id__exact={key.pk}" in page
    assert "Handbook" not in source_of(desk.get(url_of(matrix.draft))).split("Against")[0].split("The first version")[0]


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"benefit": "", "quota": "2", "period": "YEAR"}, 422),
        ({"quota": "0", "period": "YEAR"}, 422),
        ({"quota": "-3", "period": "YEAR"}, 422),
        ({"quota": "two", "period": "YEAR"}, 422),
        ({"quota": "99999999999", "period": "YEAR"}, 422),
        ({"quota": "1", "period": "FORTNIGHT"}, 422),
        ({"benefit": "987654321", "quota": "1", "period": "YEAR"}, 422),
        ({"remove": "987654321"}, 404),
        ({"remove": "\0"}, 404),
        ({}, 422),
    ],
)
def test_bad_input_changes_nothing(desk: Client, matrix: Desk, sent: dict[str, str], status: int) -> None:
    if "remove" not in sent:
        sent = {"benefit": str(matrix.line.pk), **sent}
    before = fingerprint()

    answer = desk.post(matrix.cell_url(), sent if len(sent) > 1 or "remove" in sent else {})

    assert answer.status_code == status
    assert fingerprint() == before


@pytest.mark.parametrize("chosen", [{"tier": "987654321"}, {"tier": "x"}, {"tier": ""}])
def test_cell_that_does_not_exist_is_refused(desk: Client, matrix: Desk, chosen: dict[str, str]) -> None:
    answer = desk.post(matrix.cell_url(**chosen), {"benefit": matrix.line.pk, "quota": "1", "period": "YEAR"})

    assert answer.status_code == 422
    assert not BenefitCell.objects.exists()


def test_version_in_force_is_read_not_filled(desk: Client, matrix: Desk) -> None:
    held = matrix.hold()
    before = fingerprint()

    refused = desk.post(
        f"{url_of(held)}?tier={matrix.gold.pk}&role=", {"benefit": matrix.line.pk, "quota": "1", "period": "YEAR"}
    )

    assert refused.status_code == 409
    assert "was put in force already. To change it, make a new draft." in source_of(refused)
    assert fingerprint() == before
    page = source_of(desk.get(url_of(held)))
    assert 'class="matrix-add"' not in page
    assert "matrix-remove" not in page


def test_activation_says_what_changes_and_whom_it_touches(desk: Client, matrix: Desk) -> None:
    company = a_member(matrix.program).company
    a_role(an_employee(company), "accountant")
    an_admin(company)
    a_member(matrix.program)
    held = matrix.hold(tier="basic", role="accountant", quota=1)
    BenefitCell.objects.create(matrix=matrix.draft, tier=matrix.basic, role=matrix.role, benefit=matrix.line, quota=3)

    page = source_of(desk.get(url_of(matrix.draft, "activate")))

    assert "Basic, Accountant: “Direct line” from 1 a year to 3 a year." in page
    assert "<dt>Companies touched</dt><dd><bdi>2</bdi></dd>" in page
    assert "<dt>People touched</dt><dd><bdi>1</bdi></dd>" in page

    done = desk.post(url_of(matrix.draft, "activate"), {"starts_at": ""})

    assert done["Location"] == url_of(matrix.draft)
    held.refresh_from_db()
    assert (held.status, BenefitMatrix.objects.get(pk=matrix.draft.pk).status) == ("RETIRED", "ACTIVE")


def test_activation_after_a_retirement_gives_everything_anew(desk: Client, matrix: Desk) -> None:
    a_member(matrix.program)
    held = matrix.hold(tier="basic")
    BenefitCell.objects.create(matrix=matrix.draft, tier=matrix.basic, benefit=matrix.line)
    desk.post(url_of(held, "retire"))

    page = source_of(desk.get(url_of(matrix.draft, "activate")))

    assert "Basic, the company: “Direct line” is new, as often as wanted." in page
    assert "<dt>Companies touched</dt><dd><bdi>1</bdi></dd>" in page


def test_taking_back_what_has_not_begun_goes_on_with_the_version_before(desk: Client, matrix: Desk) -> None:
    a_member(matrix.program)
    matrix.hold(tier="basic", quota=1)
    BenefitCell.objects.create(matrix=matrix.draft, tier=matrix.basic, benefit=matrix.line, quota=3)
    desk.post(url_of(matrix.draft, "activate"), {"starts_at": "2099-01-01T00:00"})

    page = source_of(desk.get(url_of(matrix.draft, "retire")))

    assert "Basic, the company: “Direct line” from 3 a year to 1 a year." in page
    assert "no longer given" not in page


def test_number_that_is_no_number_is_no_row(desk: Client, matrix: Desk) -> None:
    matrix.hold()
    before = fingerprint()

    by_segment = desk.get(url_of(matrix.draft), {"segment": "²"})
    removed = desk.post(url_of(matrix.draft), {"remove": "²"})

    assert (by_segment.status_code, removed.status_code) == (200, 404)
    assert fingerprint() == before


def test_export_keeps_changes_apart(desk: Client, matrix: Desk) -> None:
    for tier in (matrix.basic, matrix.gold):
        BenefitCell.objects.create(matrix=matrix.draft, tier=tier, benefit=matrix.line)

    sent = desk.post(reverse("admin:loyalty_benefitmatrix_export"))
    lines = b"".join(sent).decode()

    assert "is new, as often as wanted. Gold, the company" in lines


def test_empty_version_is_not_put_in_force(desk: Client, matrix: Desk) -> None:
    before = fingerprint()

    refused = desk.post(url_of(matrix.draft, "activate"), {"starts_at": ""})

    assert refused.status_code == 409
    assert "gives nobody anything. Put a benefit into a cell first." in source_of(refused)
    assert fingerprint() == before


def test_version_is_retired_and_drawn_up_again(desk: Client, matrix: Desk) -> None:
    held = matrix.hold()
    matrix.draft.delete()

    drawn = desk.post(url_of(held, "draft"))
    draft = BenefitMatrix.objects.get(status="DRAFT")
    again = desk.post(url_of(held, "draft"))
    retired = desk.post(url_of(held, "retire"))

    assert drawn["Location"] == url_of(draft)
    assert again.status_code == 409
    assert retired["Location"] == url_of(held)
    held.refresh_from_db()
    assert held.status == "RETIRED"


def test_new_version_asks_for_the_program_alone_and_refuses_a_second_draft(desk: Client, matrix: Desk) -> None:
    url = reverse("admin:loyalty_benefitmatrix_add")

    refused = desk.post(url, {"program": matrix.program.pk})
    assert "This program has a draft already: go on with that one." in source_of(refused)
    matrix.draft.delete()
    made = desk.post(url, {"program": matrix.program.pk})

    assert made.status_code == 302
    assert BenefitMatrix.objects.get().status == "DRAFT"


def test_draft_is_thrown_away_with_its_cells_and_a_version_in_force_is_not(desk: Client, matrix: Desk) -> None:
    held = matrix.hold()
    desk.post(matrix.cell_url(), {"benefit": matrix.line.pk, "quota": "2", "period": "YEAR"})

    desk.post(url_of(matrix.draft, "delete"), {"post": "yes"})
    refused = desk.post(url_of(held, "delete"), {"post": "yes"})

    assert refused.status_code == 403
    assert [row.pk for row in BenefitMatrix.objects.all()] == [held.pk]


def test_numbers_lead_to_as_many_rows(desk: Client, matrix: Desk) -> None:
    for _number in range(3):
        a_member(matrix.program)

    page = source_of(desk.get(url_of(matrix.draft)))

    assert "3 companies" in page
    held = {"tier__id__exact": str(matrix.basic.pk), "ends_at__isnull": "True"}
    listed = desk.get(reverse("admin:loyalty_tierassignment_changelist"), held)
    assert listed.context["cl"].result_count == 3


def test_see_as_reads_as_the_client_would(desk: Client, matrix: Desk) -> None:
    desk.post(matrix.cell_url(), {"benefit": matrix.line.pk, "quota": "2", "period": "YEAR"})
    url = url_of(matrix.draft, "see_as")

    with_role = source_of(desk.get(url, {"tier": str(matrix.gold.pk), "role": "accountant"}))
    without = source_of(desk.get(url, {"tier": matrix.gold.pk}))
    wrong = desk.get(url, {"tier": "x", "role": "nobody", "segment": "-1"})

    assert "As Accountant at Gold" in with_role
    assert "2 a year" in with_role
    assert "gives such a person no benefit" in without
    assert wrong.status_code == 200


def test_list_says_what_each_version_changed(desk: Client, matrix: Desk) -> None:
    matrix.hold()

    page = source_of(desk.get(reverse("admin:loyalty_benefitmatrix_changelist")))

    assert "Gold, the company: “Direct line” is new, as often as wanted." in page


def test_viewer_reads_and_changes_nothing(client: Client, matrix: Desk) -> None:
    client.force_login(a_viewer())
    before = fingerprint()

    page = source_of(client.get(url_of(matrix.draft)))
    refused = [
        client.post(matrix.cell_url(), {"benefit": matrix.line.pk, "quota": "2", "period": "YEAR"}).status_code,
        *(client.post(url_of(matrix.draft, name)).status_code for name in ("activate", "retire", "draft")),
    ]

    assert 'class="matrix-add"' not in page
    assert refused == [403, 403, 403, 403]
    assert fingerprint() == before


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        ("INFORMATION", "address"), ("CONTACT", "contact"), ("OFFER", "offer_code"), ("SERVICE", "lead_days"),
        ("GOODS", "lead_days"),
    ],
)  # fmt: skip
def test_benefit_says_what_its_kind_needs_beside_the_field(desk: Client, matrix: Desk, kind: str, field: str) -> None:
    sent = {"program": matrix.program.pk, "name": "New", "code": "new", "kind": kind, "is_active": "on"}

    refused = desk.post(reverse("admin:loyalty_benefit_add"), sent)

    assert list(refused.context["adminform"].form.errors) == [field]
    assert not Benefit.objects.filter(code="new").exists()
    value = {"address": "https://example.com/", "lead_days": "3"}.get(field, "something")
    desk.post(reverse("admin:loyalty_benefit_add"), {**sent, field: value})
    assert Benefit.objects.get(code="new").kind == kind


def grant_fields(company: Company, benefit: Benefit, **fields: Any) -> dict[str, Any]:
    return {
        "membership": company.memberships.get().pk,
        "employee": "",
        "benefit": benefit.pk,
        "quota": "1",
        "period": "EVER",
        "starts_at_0": "2026-01-02",
        "starts_at_1": "10:00:00",
        "ends_at_0": "",
        "ends_at_1": "",
        "reason": "The delivery came late",
        **fields,
    }


def test_benefit_is_given_by_hand_and_withdrawn_with_a_reason(desk: Client, matrix: Desk) -> None:
    company = a_member(matrix.program).company
    add = reverse("admin:loyalty_benefitgrant_add")

    made = desk.post(add, grant_fields(company, matrix.line))

    given = BenefitGrant.objects.get()
    assert made.status_code == 302
    assert (given.reason, given.quota, given.employee) == ("The delivery came late", 1, None)
    url = reverse("admin:loyalty_benefitgrant_withdraw", args=[given.pk])
    assert url in source_of(desk.get(reverse("admin:loyalty_benefitgrant_change", args=[given.pk])))
    assert desk.post(url, {"reason": ""}).status_code == 422
    assert desk.post(url, {"reason": "A mistake"}).status_code == 302
    assert desk.post(url, {"reason": "Once more"}).status_code == 409
    given.refresh_from_db()
    assert given.ends_at is not None
    assert list(AuditReason.objects.order_by("pk").values_list("text", flat=True)) == [
        "The delivery came late",
        "A mistake",
    ]


def test_grant_that_does_not_fit_keeps_what_was_typed(desk: Client, matrix: Desk) -> None:
    company = a_member(matrix.program).company
    stranger = an_employee(a_member(matrix.program).company)
    before = fingerprint()

    refused = desk.post(
        reverse("admin:loyalty_benefitgrant_add"), grant_fields(company, matrix.line, employee=stranger.pk)
    )

    assert refused.status_code == 409
    page = source_of(refused)
    assert "This person does not work for the company." in page
    assert 'value="The delivery came late"' in page
    assert fingerprint() == before
