"""Versions of who gets what: drawn up as a draft, put in force, taken out of force; never changed in between."""

from datetime import datetime

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import Segment, StakeholderRole, User
from accounts.scope import in_force
from loyalty.benefits.differences import PlainCell
from loyalty.earning import Period
from loyalty.models import Benefit, BenefitCell, BenefitMatrix, Program, Tier
from loyalty.versions import VersionError, locked_draft, next_version, put_in_force, take_out_of_force


class DraftExistsError(VersionError):
    """The program has a draft; `matrix` is it."""

    def __init__(self, message: str, *, matrix: BenefitMatrix) -> None:
        super().__init__(message)
        self.matrix = matrix


class NoBenefitsError(VersionError):
    """A version without benefits would take from everybody what they have."""


class NotOfThisProgramError(VersionError):
    """The tier or the benefit belongs to another program."""


def matrices_in_force(program_id: int, *, at: datetime) -> QuerySet[BenefitMatrix]:
    """Return the version that holds in a program at `at`, as rows: one or none."""
    return BenefitMatrix.objects.filter(in_force(at), program=program_id).exclude(status=BenefitMatrix.Status.DRAFT)


def plain_cells(matrix: BenefitMatrix) -> list[PlainCell]:
    """Return what a version gives as plain tuples, in the order of the matrix; one query."""
    rows = BenefitCell.objects.filter(matrix=matrix).select_related("tier", "role", "segment", "benefit")
    return sorted(plain_cell(row) for row in rows)


def plain_cell(cell: BenefitCell) -> PlainCell:
    """Return a cell, read with all that it refers to, as a plain tuple."""
    return PlainCell(
        key=(cell.tier.rank, cell.role_id or 0, cell.segment_id or 0, cell.benefit_id),
        tier=cell.tier.name,
        role=cell.role.name if cell.role else "",
        segment=cell.segment.name if cell.segment else "",
        benefit=cell.benefit.name,
        quota=cell.quota,
        period=Period(cell.period),
    )


def version_before(matrix: BenefitMatrix) -> BenefitMatrix | None:
    """Return the version that `matrix` takes or took the place of; one query."""
    others = BenefitMatrix.objects.filter(program=matrix.program_id, version__lt=matrix.version)
    return others.exclude(status=BenefitMatrix.Status.DRAFT).order_by("-version").first()


def version_held_last(program_id: int, *, at: datetime) -> BenefitMatrix | None:
    """Return the version that holds in a program at `at` or is to hold after it, the last one; None after the end."""
    held = BenefitMatrix.objects.filter(
        Q(ends_at__isnull=True) | Q(ends_at__gt=at) & Q(ends_at__gt=F("starts_at")),
        program=program_id,
        starts_at__isnull=False,
    ).exclude(status=BenefitMatrix.Status.DRAFT)
    return held.order_by("-starts_at").first()


def draft_from(*, program: Program, by: User, now: datetime) -> BenefitMatrix:
    """Copy the version that holds last, now or by plan, into a new draft, an empty one where there is none.

    Raises DraftExistsError where the program has a draft; then nothing has changed.
    """
    with transaction.atomic():
        number = next_version(BenefitMatrix, program.pk)
        versions = BenefitMatrix.objects.filter(program=program)
        draft = versions.filter(status=BenefitMatrix.Status.DRAFT).first()
        if draft is not None:
            raise DraftExistsError(
                _("Version %(version)s is a draft already: go on with that one.") % {"version": draft.version},
                matrix=draft,
            )
        last = versions.filter(status=BenefitMatrix.Status.ACTIVE).order_by("-starts_at").first()
        draft = BenefitMatrix.objects.create(program=program, version=number)
        if last is not None:
            BenefitCell.objects.bulk_create(
                BenefitCell(
                    matrix=draft,
                    tier_id=cell.tier_id,
                    role_id=cell.role_id,
                    segment_id=cell.segment_id,
                    benefit_id=cell.benefit_id,
                    quota=cell.quota,
                    period=cell.period,
                )
                for cell in last.cells.order_by("pk")
            )
        audit.record(
            "benefit-matrix-drafted",
            draft,
            actor_id=by.pk,
            now=now,
            version=draft.version,
            copied_from=last.version if last else None,
        )
    return draft


def set_cell(
    *,
    matrix: BenefitMatrix,
    tier: Tier,
    role: StakeholderRole | None,
    segment: Segment | None,
    benefit: Benefit,
    quota: int | None,
    period: str,
    by: User,
    now: datetime,
) -> BenefitCell:
    """Give a benefit in a cell of a draft; where it stands there already its quota is set anew.

    `role` None is the company as a whole, `segment` None all companies, `quota` None as often as wanted. Raises
    NotADraftError or NotOfThisProgramError; then nothing has changed.
    """
    with transaction.atomic():
        draft = locked_draft(matrix)
        if tier.program_id != draft.program_id or benefit.program_id != draft.program_id:
            raise NotOfThisProgramError(_("Choose a tier and a benefit of this program."))
        cell, _is_new = BenefitCell.objects.update_or_create(
            matrix=draft,
            tier=tier,
            role=role,
            segment=segment,
            benefit=benefit,
            defaults={"quota": quota, "period": period},
        )
        _record_cell("benefit-cell-set", cell, by, now)
    return cell


def remove_from_cell(*, cell: BenefitCell, by: User, now: datetime) -> None:
    """Take a benefit out of a cell of a draft. Raises NotADraftError; then nothing has changed."""
    with transaction.atomic():
        locked_draft(cell.matrix)
        _record_cell("benefit-cell-removed", cell, by, now)
        cell.delete()


def activate(*, matrix: BenefitMatrix, by: User, starts_at: datetime, now: datetime) -> BenefitMatrix:
    """Put a draft in force from `starts_at`; the version in force at that moment ends there. Returns the version.

    A program's first version may start in the past, any other starts at `now` or later. Raises NotADraftError,
    NoBenefitsError or StartsTooEarlyError; then nothing has changed.
    """
    why_not_past = _(
        "The version cannot begin in the past: benefits were used by the version of then. Begin now or later."
    )
    with transaction.atomic():
        draft = locked_draft(matrix)
        if not draft.cells.exists():
            raise NoBenefitsError(
                _("Version %(version)s gives nobody anything. Put a benefit into a cell first.")
                % {"version": draft.version}
            )
        put_in_force(
            draft, action="benefit-matrix-activated", by=by, starts_at=starts_at, now=now, why_not_past=why_not_past
        )
    return draft


def retire(*, matrix: BenefitMatrix, by: User, now: datetime) -> BenefitMatrix:
    """Take a version out of force at `now`; from then on the program's tiers give no benefits. Returns the version.

    A version that has not begun yet never will, and the one that it was to follow goes on. Raises NotInForceError;
    then nothing has changed.
    """
    return take_out_of_force(matrix, action="benefit-matrix-retired", by=by, now=now)


def _record_cell(action: str, cell: BenefitCell, by: User, now: datetime) -> None:
    audit.record(
        action,
        cell,
        actor_id=by.pk,
        now=now,
        matrix=cell.matrix_id,
        tier=cell.tier_id,
        role=cell.role_id,
        segment=cell.segment_id,
        benefit=cell.benefit_id,
        quota=cell.quota,
        period=cell.period,
    )
