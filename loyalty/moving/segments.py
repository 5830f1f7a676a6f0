"""Points for everybody of a segment: a list of their wallets is written down, and goes the way of every such file.

So the dry run counts first, a second person agrees to exactly these wallets, and whoever joins the segment meanwhile
changes nothing.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import attachments, idempotency
from accounts.models import Employee, Import, RoleAssignment, Segment, StakeholderRole, User
from accounts.moving import steps
from accounts.tables import CsvWriter, Form
from loyalty.by_hand import MOST_POINTS, ByHandError, NoPointsError, ProgramClosedError
from loyalty.by_hand.requests import is_open
from loyalty.models import Membership, Program
from loyalty.moving.by_hand import KIND
from loyalty.moving.owners import OWNER

_HEADER = (OWNER, "company", "person", "points")
_ROWS_AT_A_TIME = 2_000


class NobodyThereError(ByHandError):
    """No company of the segment takes part in the program, or none has such people."""


@dataclass(frozen=True, slots=True)
class Recipients:
    """Who gets points: the companies of a segment that take part in a program, or their people, perhaps of a role."""

    program: Program
    segment: Segment
    are_people: bool
    role: StakeholderRole | None = None

    def rows(self, *, now: datetime) -> Iterator[tuple[str, str, str]]:
        """Yield each owner by our own numbers, with the names that a reader of the list knows them by."""
        companies = Membership.objects.in_force(now).filter(
            program=self.program, company__in=self.segment.memberships.in_force(now).values("company")
        )
        if not self.are_people:
            named = companies.order_by("company").values_list("company", "company__name")
            for company_id, name in named.iterator(chunk_size=_ROWS_AT_A_TIME):
                yield str(company_id), name, ""
            return
        people = Employee.objects.filter(company__in=companies.values("company"), is_active=True)
        if self.role is not None:
            playing = RoleAssignment.objects.in_force(now).filter(role=self.role)
            people = people.filter(pk__in=playing.values("employee"))
        found = people.order_by("company", "pk").values_list("company", "pk", "company__name", "name")
        for company_id, pk, company, person in found.iterator(chunk_size=_ROWS_AT_A_TIME):
            yield f"{company_id}/{pk}", company, person


def give_to_segment(
    *,
    recipients: Recipients,
    points: int,
    reason_code: str,
    reason: str,
    key: str,
    by: User,
    now: datetime,
) -> Import:
    """Write down a list that gives so many points to each of `recipients`, and ask for its dry run; nothing moves yet.

    The same `key` again leads to the same list. Raises NoPointsError, ProgramClosedError, NobodyThereError or
    idempotency.KeyUsedForAnotherRequestError; then nothing has changed.
    """
    if not 1 <= points <= MOST_POINTS:
        raise NoPointsError
    if not is_open(recipients.program, now):
        raise ProgramClosedError
    program, segment, role = recipients.program, recipients.segment, recipients.role
    content = [KIND, program.pk, segment.pk, recipients.are_people, role.pk if role else None, points]
    with transaction.atomic():
        claim = idempotency.claim(user_id=by.pk, key=key, content=[*content, reason_code, reason])
        if claim.resource_id is not None:
            return Import.objects.get(pk=claim.resource_id)
        import_ = _listed(recipients, points, by=by, now=now)
        terms = {
            "columns": {OWNER: OWNER, "points": "points"},
            "settings": {"program": program.code, "reason_code": reason_code, "reason": reason},
        }
        import_ = steps.ask_check(import_id=import_.pk, terms=terms, by=by, now=now)
        idempotency.settle(claim, import_.pk)
    return import_


def _listed(recipients: Recipients, points: int, *, by: User, now: datetime) -> Import:
    """The list as an uploaded file."""
    form = Form(is_workbook=False, encoding="utf-8-sig", delimiter=",")
    who = _("people") if recipients.are_people else _("companies")
    is_empty = True
    with tempfile.TemporaryFile() as file:
        writer = CsvWriter(file)
        writer.write(_HEADER)
        for row in recipients.rows(now=now):
            writer.write((*row, str(points)))
            is_empty = False
        writer.close()
        if is_empty:
            raise NobodyThereError
        name = f"{recipients.segment.code}-{who}.csv"
        return steps.receive(kind=KIND, pieces=attachments.pieces_of(file), name=name, form=form, by=by, now=now)
