"""Versions of the benefit matrix: drafts change, what is in force does not, and the database keeps it so."""

from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import IntegrityError, transaction

from accounts.models import AuditEntry
from loyalty.benefits import (
    DraftExistsError,
    NoBenefitsError,
    NotADraftError,
    NotInForceError,
    NotOfThisProgramError,
    StartsTooEarlyError,
    VersionError,
    activate,
    draft_from,
    plain_cells,
    remove_from_cell,
    retire,
    set_cell,
    version_before,
)
from loyalty.benefits.matrix import matrices_in_force
from loyalty.models import Benefit, BenefitCell, BenefitMatrix, Program, Tier
from tests.factories.canaries import fingerprint
from tests.factories.world import EPOCH, NOW, a_benefit, a_manager, a_matrix, a_program

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
DRAFT = BenefitMatrix.Status.DRAFT


def constraint_of(error: IntegrityError) -> str | None:
    assert isinstance(error.__cause__, psycopg.Error)
    return error.__cause__.diag.constraint_name


def refused_by(constraint: str, write: Any) -> None:
    before = fingerprint()
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        write()
    assert constraint_of(error.value) == constraint
    assert fingerprint() == before


def a_gold_program() -> tuple[Program, Benefit]:
    program = a_program(tiers={"basic": 0, "gold": 1000})
    return program, a_benefit(program, name="Direct line")


def a_draft(program: Program, *cells: Any) -> BenefitMatrix:
    return a_matrix(program, *cells, status=DRAFT)


def test_first_draft_is_empty_and_the_next_one_copies_what_holds_last() -> None:
    manager = a_manager()
    program, line = a_gold_program()
    gold = Tier.objects.get(program=program, code="gold")

    first = draft_from(program=program, by=manager, now=NOW)
    assert (first.version, first.status, plain_cells(first)) == (1, DRAFT, [])
    set_cell(
        matrix=first, tier=gold, role=None, segment=None, benefit=line, quota=2, period="YEAR", by=manager, now=NOW
    )
    activate(matrix=first, by=manager, starts_at=EPOCH, now=NOW)
    second = draft_from(program=program, by=manager, now=NOW)

    assert (second.version, plain_cells(second)) == (2, plain_cells(first))
    assert [cell.times for cell in plain_cells(second)] == ["2 a year"]
    assert version_before(second) == first
    assert list(AuditEntry.objects.order_by("pk").values_list("action", flat=True)) == [
        "benefit-matrix-drafted", "benefit-cell-set", "benefit-matrix-activated", "benefit-matrix-drafted",
    ]  # fmt: skip


def test_draft_copies_a_planned_version_rather_than_the_one_it_replaces() -> None:
    program, line = a_gold_program()
    other = a_benefit(program)
    a_matrix(program, {"tier": "gold", "benefit": line}, ends_at=NOW + DAY)
    planned = a_matrix(program, {"tier": "gold", "benefit": other}, starts_at=NOW + DAY)

    assert plain_cells(draft_from(program=program, by=a_manager(), now=NOW)) == plain_cells(planned)


def test_second_draft_is_refused_and_leads_to_the_first() -> None:
    program, _line = a_gold_program()
    draft = a_draft(program)
    manager = a_manager()
    before = fingerprint()

    with pytest.raises(DraftExistsError, match="Version 1 is a draft already: go on with that one") as error:
        draft_from(program=program, by=manager, now=NOW)

    assert error.value.matrix == draft
    assert fingerprint() == before


def test_cell_is_set_anew_where_the_benefit_stands_already() -> None:
    program, line = a_gold_program()
    draft = a_draft(program)
    gold, manager = Tier.objects.get(program=program, code="gold"), a_manager()
    place: dict[str, Any] = {
        "matrix": draft,
        "tier": gold,
        "role": None,
        "segment": None,
        "benefit": line,
        "by": manager,
        "now": NOW,
    }

    set_cell(**place, quota=2, period="YEAR")
    cell = set_cell(**place, quota=None, period="MONTH")

    assert BenefitCell.objects.get() == cell
    assert (cell.quota, cell.period) == (None, "MONTH")
    remove_from_cell(cell=cell, by=manager, now=NOW)
    assert not BenefitCell.objects.exists()


@pytest.mark.parametrize("foreign", ["tier", "benefit"])
def test_tier_or_benefit_of_another_program_is_refused(foreign: str) -> None:
    program, line = a_gold_program()
    draft = a_draft(program)
    other, other_line = a_gold_program()
    chosen: dict[str, Any] = {
        "tier": Tier.objects.get(program=other if foreign == "tier" else program, code="gold"),
        "benefit": other_line if foreign == "benefit" else line,
    }
    manager = a_manager()
    before = fingerprint()

    with pytest.raises(NotOfThisProgramError):
        set_cell(**chosen, matrix=draft, role=None, segment=None, quota=1, period="YEAR", by=manager, now=NOW)

    assert fingerprint() == before


def test_cells_of_a_version_in_force_stay_as_they_are() -> None:
    program, line = a_gold_program()
    matrix = a_matrix(program, {"tier": "gold", "benefit": line})
    cell = matrix.cells.get()
    manager = a_manager()
    before = fingerprint()

    with pytest.raises(NotADraftError):
        set_cell(
            matrix=matrix, tier=cell.tier, role=None, segment=None, benefit=line, quota=9, period="YEAR",
            by=manager, now=NOW,
        )  # fmt: skip
    with pytest.raises(NotADraftError):
        remove_from_cell(cell=cell, by=manager, now=NOW)
    with pytest.raises(NotADraftError):
        activate(matrix=matrix, by=manager, starts_at=NOW, now=NOW)

    assert fingerprint() == before


def test_new_version_takes_the_place_of_the_one_in_force() -> None:
    program, line = a_gold_program()
    old = a_matrix(program, {"tier": "gold", "benefit": line})
    draft = a_draft(program, {"tier": "gold", "benefit": line, "quota": 1})

    activate(matrix=draft, by=a_manager(), starts_at=NOW, now=NOW)

    old.refresh_from_db()
    assert (old.status, old.ends_at) == (BenefitMatrix.Status.RETIRED, NOW)
    assert matrices_in_force(program.pk, at=NOW).get() == draft
    assert matrices_in_force(program.pk, at=NOW - DAY).get() == old


def test_version_taken_out_before_it_began_gives_its_place_back() -> None:
    program, line = a_gold_program()
    old = a_matrix(program, {"tier": "gold", "benefit": line})
    draft = a_draft(program, {"tier": "gold", "benefit": line, "quota": 1})
    manager = a_manager()
    planned = activate(matrix=draft, by=manager, starts_at=NOW + DAY, now=NOW)
    assert matrices_in_force(program.pk, at=NOW + 2 * DAY).get() == planned

    retire(matrix=planned, by=manager, now=NOW)

    assert matrices_in_force(program.pk, at=NOW + 2 * DAY).get() == old


@pytest.mark.parametrize(
    ("has_cells", "held_before", "starts_at", "error"),
    [
        (False, False, NOW, NoBenefitsError),
        (True, True, NOW - DAY, StartsTooEarlyError),
        (True, True, EPOCH, StartsTooEarlyError),
    ],
)
def test_version_that_cannot_begin_is_refused(
    has_cells: bool, held_before: bool, starts_at: Any, error: type[VersionError]
) -> None:
    program, line = a_gold_program()
    if held_before:
        a_matrix(program, {"tier": "gold", "benefit": line})
    draft = a_draft(program, *([{"tier": "gold", "benefit": line}] if has_cells else []))
    manager = a_manager()
    before = fingerprint()

    with pytest.raises(error):
        activate(matrix=draft, by=manager, starts_at=starts_at, now=NOW)

    assert fingerprint() == before


def test_only_what_is_in_force_is_taken_out_of_force() -> None:
    program, line = a_gold_program()
    over = a_matrix(program, {"tier": "gold", "benefit": line}, ends_at=NOW - DAY)
    draft = a_draft(program, {"tier": "gold", "benefit": line})
    manager = a_manager()
    before = fingerprint()

    for matrix in (over, draft):
        with pytest.raises(NotInForceError):
            retire(matrix=matrix, by=manager, now=NOW)

    assert fingerprint() == before


def test_database_refuses_what_the_use_cases_would_never_write() -> None:
    program, line = a_gold_program()
    held = a_matrix(program, {"tier": "gold", "benefit": line})
    draft = a_draft(program, {"tier": "gold", "benefit": line})
    cell, free = held.cells.get(), draft.cells.get()

    refused_by("benefit_matrix_in_force_is_immutable", lambda: BenefitCell.objects.filter(pk=cell.pk).update(quota=3))
    refused_by("benefit_matrix_in_force_is_immutable", lambda: BenefitCell.objects.filter(pk=cell.pk).delete())
    refused_by(
        "benefit_matrix_in_force_is_immutable", lambda: BenefitCell.objects.filter(pk=free.pk).update(matrix=held)
    )
    refused_by(
        "benefit_matrix_in_force_is_immutable", lambda: BenefitMatrix.objects.filter(pk=held.pk).update(status=DRAFT)
    )
    refused_by(
        "benefit_matrix_in_force_is_immutable",
        lambda: BenefitMatrix.objects.filter(pk=held.pk).update(starts_at=NOW),
    )
    refused_by("benefit_matrix_one_draft", lambda: BenefitMatrix.objects.create(program=program, version=9))
    refused_by(
        "benefit_matrix_one_in_force",
        lambda: BenefitMatrix.objects.filter(pk=draft.pk).update(status="ACTIVE", starts_at=NOW),
    )
    refused_by(
        "benefit_matrix_in_force_has_start", lambda: BenefitMatrix.objects.filter(pk=draft.pk).update(status="ACTIVE")
    )
    refused_by("benefit_cell_quota_positive", lambda: BenefitCell.objects.filter(pk=free.pk).update(quota=0))
    refused_by(
        "benefit_cell_unique", lambda: BenefitCell.objects.create(matrix=draft, tier=free.tier, benefit=line, quota=7)
    )


@pytest.mark.parametrize(
    ("kind", "missing"),
    [
        ("INFORMATION", {"address": ""}),
        ("CONTACT", {"contact": ""}),
        ("OFFER", {"offer_code": ""}),
        ("SERVICE", {"lead_days": None}),
        ("GOODS", {"lead_days": None}),
    ],
)
def test_benefit_without_what_its_kind_needs_is_refused(kind: str, missing: dict[str, Any]) -> None:
    program, _line = a_gold_program()

    refused_by("benefit_has_what_its_kind_needs", lambda: a_benefit(program, kind, **missing))
