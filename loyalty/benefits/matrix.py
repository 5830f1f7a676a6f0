"""Versions of who gets what: drawn up as a draft, put in force, taken out of force; never changed in between."""

from datetime import datetime

from django.db import transaction
from django.db.models import Max, QuerySet
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import Segment, StakeholderRole, User
from accounts.scope import in_force
from loyalty.benefits.differences import PlainCell
from loyalty.earning import Period
from loyalty.models import Benefit, BenefitCell, BenefitMatrix, Program, Tier


class BenefitMatrixError(Exception):
    """A step that a version cannot take; `str()` says why and what to do, in the language in force."""


class DraftExistsError(BenefitMatrixError):
    """The program has a draft; `matrix` is it."""

    def __init__(self, message: str, *, matrix: BenefitMatrix) -> None:
        super().__init__(message)
        self.matrix = matrix


class NotADraftError(BenefitMatrixError):
    """The version is, or was, in force already."""


class NoBenefitsError(BenefitMatrixError):
    """A version without benefits would take from everybody what they have."""


class NotOfThisProgramError(BenefitMatrixError):
    """The tier or the benefit belongs to another program."""


class StartsTooEarlyError(BenefitMatrixError):
    """The version would begin where another has held already, or begins later."""


class NotInForceError(BenefitMatrixError):
    """Only a version that is in force, or will be, can be taken out of force."""


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


def draft_from(*, program: Program, by: User, now: datetime) -> BenefitMatrix:
    """Copy the version that holds last, now or by plan, into a new draft, an empty one where there is none.

    Raises DraftExistsError where the program has a draft; then nothing has changed.
    """
    with transaction.atomic():
        Program.objects.select_for_update(no_key=True).get(pk=program.pk)
        versions = BenefitMatrix.objects.filter(program=program)
        draft = versions.filter(status=BenefitMatrix.Status.DRAFT).first()
        if draft is not None:
            raise DraftExistsError(
                _("Version %(version)s is a draft already: go on with that one.") % {"version": draft.version},
                matrix=draft,
            )
        last = versions.filter(status=BenefitMatrix.Status.ACTIVE).order_by("-starts_at").first()
        number = (versions.aggregate(last=Max("version"))["last"] or 0) + 1
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
        draft = _locked_draft(matrix)
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
        _locked_draft(cell.matrix)
        _record_cell("benefit-cell-removed", cell, by, now)
        cell.delete()


def activate(*, matrix: BenefitMatrix, by: User, starts_at: datetime, now: datetime) -> BenefitMatrix:
    """Put a draft in force from `starts_at`; the version in force at that moment ends there. Returns the version.

    A program's first version may start in the past, any other starts at `now` or later. Raises NotADraftError,
    NoBenefitsError or StartsTooEarlyError; then nothing has changed.
    """
    with transaction.atomic():
        draft = _locked_draft(matrix)
        if not draft.cells.exists():
            raise NoBenefitsError(
                _("Version %(version)s gives nobody anything. Put a benefit into a cell first.")
                % {"version": draft.version}
            )
        ended = _make_room(draft, starts_at, now)
        draft.status, draft.starts_at, draft.ends_at = BenefitMatrix.Status.ACTIVE, starts_at, None
        draft.save(update_fields=["status", "starts_at", "ends_at"])
        audit.record(
            "benefit-matrix-activated",
            draft,
            actor_id=by.pk,
            now=now,
            version=draft.version,
            starts_at=starts_at.isoformat(),
            takes_the_place_of=ended.version if ended else None,
        )
    return draft


def retire(*, matrix: BenefitMatrix, by: User, now: datetime) -> BenefitMatrix:
    """Take a version out of force at `now`; from then on the program's tiers give no benefits. Returns the version.

    A version that has not begun yet never will, and the one that it was to follow goes on. Raises NotInForceError;
    then nothing has changed.
    """
    with transaction.atomic():
        version = _locked(matrix)
        starts_at, ends_at = version.starts_at, version.ends_at
        is_over = ends_at is not None and ends_at <= now
        if version.status != BenefitMatrix.Status.ACTIVE or starts_at is None or is_over:
            raise NotInForceError(
                _("Version %(version)s is not in force, so there is nothing to end.") % {"version": version.version}
            )
        version.status, version.ends_at = BenefitMatrix.Status.RETIRED, max(now, starts_at)
        version.save(update_fields=["status", "ends_at"])
        if starts_at > now:
            BenefitMatrix.objects.filter(
                program=version.program_id,
                status=BenefitMatrix.Status.ACTIVE,
                ends_at=starts_at,
                starts_at__lt=starts_at,
            ).update(ends_at=ends_at)
        audit.record("benefit-matrix-retired", version, actor_id=by.pk, now=now, version=version.version)
    return version


def _locked(matrix: BenefitMatrix) -> BenefitMatrix:
    """The version as it stands, under the lock of its program: two managers act one after the other."""
    Program.objects.select_for_update(no_key=True).get(pk=matrix.program_id)
    return BenefitMatrix.objects.select_related("program").get(pk=matrix.pk)


def _locked_draft(matrix: BenefitMatrix) -> BenefitMatrix:
    draft = _locked(matrix)
    if draft.status != BenefitMatrix.Status.DRAFT:
        raise NotADraftError(
            _("Version %(version)s was put in force already. To change it, make a new draft.")
            % {"version": draft.version}
        )
    return draft


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


def _make_room(draft: BenefitMatrix, starts_at: datetime, now: datetime) -> BenefitMatrix | None:
    """End the version in force at `starts_at` there, and return it."""
    others = [
        (version, version.starts_at)
        for version in BenefitMatrix.objects.filter(program=draft.program_id).exclude(status=draft.status)
        if version.starts_at is not None and version.starts_at != version.ends_at
    ]
    if others and starts_at < now:
        raise StartsTooEarlyError(
            _("The version cannot begin in the past: benefits were used by the version of then. Begin now or later.")
        )
    for version, start in others:
        if start >= starts_at:
            raise StartsTooEarlyError(
                _("Version %(version)s begins on %(start)s. Begin after that, or take that version out of force first.")
                % {"version": version.version, "start": date_format(localtime(start), "DATETIME_FORMAT")}
            )
    for version, _start in others:
        if version.ends_at is None or version.ends_at > starts_at:
            version.ends_at = starts_at
            if starts_at <= now:
                version.status = BenefitMatrix.Status.RETIRED
            version.save(update_fields=["status", "ends_at"])
            return version
    return None
