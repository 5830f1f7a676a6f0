"""Points by hand as a table: one row a wallet, each with its note; above the program's limit two agree to the file.

A file is one batch: each of its adjustments says so, a wallet gets points from it once, and one that was stopped goes
on with the rows that are not in yet. Whoever gets points is told, as by one adjustment.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Sum
from django.db.models.functions import Abs
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_stubs_ext import StrOrPromise

from accounts import audit, messages
from accounts.messages import Telling
from accounts.models import Employee
from accounts.moving.companies import NUMBER
from accounts.moving.kinds import (
    Column,
    Fate,
    NotPreparedError,
    RefusedError,
    Row,
    Setting,
    Sheet,
    Terms,
    TooManyPointsError,
    Verdict,
    refused,
)
from accounts.moving.people import PERSON
from accounts.moving.values import parsed, written
from loyalty.by_hand import MOST_POINTS
from loyalty.by_hand.requests import is_open, moved_alone_in
from loyalty.ledger import Act, Book, InsufficientPointsError, LotDays, Owner, last_day
from loyalty.messages import POINTS_GIVEN, POINTS_TAKEN
from loyalty.models import Adjustment, Program, Transaction, Wallet
from loyalty.moving.owners import EMAIL, OWNER, Owners

KIND = "points-by-hand"

_COLUMNS = (
    Column(NUMBER.code, NUMBER.label, gettext_lazy("What other systems call the company."), also=NUMBER.also),
    Column(PERSON.code, PERSON.label, gettext_lazy("Empty: the points are the company's own."), also=PERSON.also),
    Column(EMAIL, gettext_lazy("E-mail address"), gettext_lazy("Of the person, where there is no number.")),
    Column("points", gettext_lazy("Points"), gettext_lazy("Below 0 to take points."), is_required=True),
    Column(
        "note",
        gettext_lazy("Note"),
        gettext_lazy("The client reads this. Empty: what is written below."),
        also=("reason", "comment"),
    ),
    Column(OWNER, gettext_lazy("Owner"), gettext_lazy("In lists that are made from a segment: our own numbers.")),
)
_REASONS = tuple(row for row in Adjustment.Reason.choices if row[0] != Adjustment.Reason.OPENING)


def _programs() -> list[tuple[str, str]]:
    return list(Program.objects.filter(is_active=True).order_by("name").values_list("code", "name"))


def _reasons() -> list[tuple[str, StrOrPromise]]:
    return [(code, label) for code, label in _REASONS]


@dataclass(frozen=True, slots=True)
class _Plan:
    """Points that are given to a wallet, or taken from it."""

    owner: Owner
    membership_id: int
    points: int
    reason: str


class PointsByHand:
    """The table of points by hand."""

    code = KIND
    label = gettext_lazy("Points by hand")
    permissions = ("loyalty.add_adjustment",)
    settings = (
        Setting("program", gettext_lazy("Program"), _programs),
        Setting("reason_code", gettext_lazy("Reason"), _reasons, is_for_export=False),
        Setting(
            "reason",
            gettext_lazy("Why, in words"),
            hint=gettext_lazy("The client reads this, where a row has no note of its own."),
            is_for_export=False,
        ),
    )
    leads_to = "admin:loyalty_adjustment_changelist"
    leads_by = "batch__exact"

    def columns(self) -> Sequence[Column]:
        """Return the columns."""
        return _COLUMNS

    def key_of(self, row: Row) -> tuple[str, ...]:
        """Whose points they are."""
        email = row.cells.get(EMAIL, "").casefold()
        return row.cells.get(OWNER, ""), row.cells.get(NUMBER.code, ""), row.cells.get(PERSON.code, ""), email

    def begin(self, terms: Terms) -> Sheet:
        """Prepare to judge a file."""
        return _Sheet(terms, _program_of(terms))

    def needs_second_person(self, *, terms: Terms, points: int) -> bool:
        """Whether it is more than one person may move within a day, with all that this person did alone there."""
        program = _program_of(terms)
        alone = moved_alone_in(program, by_user_id=terms.by_user_id, but_batch=terms.import_id, now=terms.now)
        return points + alone > program.adjustment_limit

    def export(self, *, settings: Mapping[str, str], now: datetime) -> Iterator[Sequence[str]]:
        """Yield the points that were given or taken by hand in a program, oldest first."""
        rows = Adjustment.objects.filter(
            membership__program__code=settings["program"], state=Adjustment.State.POSTED
        ).order_by("pk")
        for number, person, points, reason, company_id, employee_id in rows.values_list(
            *("membership__company__external_id", "employee__external_id", "points", "reason"),
            *("membership__company", "employee"),
        ).iterator(chunk_size=1_000):
            owner = f"{company_id}/{employee_id}" if employee_id else str(company_id)
            yield [number, person or "", "", str(points), reason, owner]


class _Sheet:
    """A file of points by hand on its way in."""

    def __init__(self, terms: Terms, program: Program) -> None:
        self._terms = terms
        self._program = program
        self._reason_code = terms.settings.get("reason_code", "")
        self._reason = terms.settings.get("reason", "").strip()
        if self._reason_code not in dict(_REASONS) or not self._reason:
            raise NotPreparedError(_("Say why the points are moved: as a reason, and in words for the client."))
        self._owners = Owners(program, now=terms.now)
        self._lines: dict[Owner, int] = {}
        self._moved: set[tuple[int, int | None]] = set()
        self._available: dict[tuple[int, int | None], int] = {}

    def judge(self, rows: Sequence[Row], *, is_final: bool) -> list[Verdict]:
        """Say for each row whether its points are new, moved already, or cannot be moved."""
        self._owners.look_up(rows, is_final=is_final)
        memberships = self._owners.memberships
        moved = Adjustment.objects.filter(batch=self._terms.import_id, membership__in=memberships.values())
        self._moved = set(moved.values_list("membership__company", "employee"))
        wallets = Wallet.objects.filter(
            program=self._program, company__in=memberships.keys(), kind=Wallet.Kind.AVAILABLE
        )
        self._available = {
            (company_id, employee_id): balance
            for company_id, employee_id, balance in wallets.values_list("company", "employee", "balance")
        }
        verdicts = []
        for row in rows:
            try:
                verdicts.append(self._judge(row))
            except RefusedError as error:
                verdicts.append(refused(error))
        return verdicts

    def write(self, judged: Sequence[tuple[Row, Verdict]]) -> None:
        """Move the points, each on record (A1). Raises TooManyPointsError; then nothing of the batch is moved."""
        plans: list[_Plan] = [verdict.plan for _row, verdict in judged]
        if sum(abs(plan.points) for plan in plans) > self._points_left():
            raise TooManyPointsError
        now, by = self._terms.now, self._terms.by_user_id
        book = Book(now=now, programs=[self._program])
        book.open(
            {plan.owner for plan in plans},
            spenders={plan.owner for plan in plans if plan.points < 0},
        )
        acts = [self._move(book, verdict) for _row, verdict in judged]
        book.write()
        moved = [(plan, act) for plan, act in zip(plans, acts, strict=True) if act is not None]
        adjustments = Adjustment.objects.bulk_create(
            Adjustment(
                membership_id=plan.membership_id,
                employee_id=plan.owner.employee_id,
                points=plan.points,
                reason_code=self._reason_code,
                reason=plan.reason,
                state=Adjustment.State.POSTED,
                asked_by_id=by,
                asked_at=now,
                transaction_id=act.id,
                batch_id=self._terms.import_id,
            )
            for plan, act in moved
        )
        record = [
            audit.Act("points-by-hand", adjustment, plan.owner.company_id, {"points": plan.points})
            for (plan, _act), adjustment in zip(moved, adjustments, strict=True)
        ]
        audit.record_many(record, actor_id=by, now=now)
        self._tell(moved)

    def _move(self, book: Book, verdict: Verdict) -> Act | None:
        """Move what a row says; it turns into a refusal where less is there than is to be taken."""
        plan: _Plan = verdict.plan
        act = book.begin(Transaction.Kind.ADJUST, plan.owner, actor_id=self._terms.by_user_id)
        now = self._terms.now
        if plan.points > 0:
            day = now.astimezone(self._program.zone).date()
            book.give(act, plan.owner, plan.points, at=now, days=LotDays(day, last_day(self._program, day)))
            return act
        try:
            book.withdraw(act, plan.owner, -plan.points, at=now)
        except InsufficientPointsError as error:
            verdict.refuse("points", _too_few(error.available))
            return None
        return act

    def _tell(self, moved: Sequence[tuple[_Plan, Act]]) -> None:
        people, admins = _people_of({plan.owner.company_id for plan, _act in moved})
        for kind, is_given in ((POINTS_GIVEN, True), (POINTS_TAKEN, False)):
            tellings = [
                Telling(pk, act.id, {"points": abs(plan.points), "reason": plan.reason})
                for plan, act in moved
                if (plan.points > 0) is is_given
                for pk in (
                    {plan.owner.employee_id} & people
                    if plan.owner.employee_id
                    else admins.get(plan.owner.company_id, ())
                )
            ]
            messages.tell(kind, tellings, now=self._terms.now)

    def _points_left(self) -> int:
        """How many points the file may move from here on; read once the memberships are locked."""
        terms = self._terms
        allowed = terms.agreed_points
        if allowed is None:
            alone = moved_alone_in(self._program, by_user_id=terms.by_user_id, but_batch=terms.import_id, now=terms.now)
            allowed = self._program.adjustment_limit - alone
        batch = Adjustment.objects.filter(batch=terms.import_id)
        moved: int = batch.aggregate(points=Sum(Abs("points")))["points"] or 0
        return allowed - moved

    def _judge(self, row: Row) -> Verdict:
        if not is_open(self._program, self._terms.now):
            raise RefusedError(
                "", _("The program is not running any more, or is over: nothing is given or taken there by hand.")
            )
        owner, membership_id = self._owners.owner_of(row)
        first = self._lines.setdefault(owner, row.line)
        if first != row.line:
            sentence = _("Line %(line)s is about the same wallet already; keep one of them.")
            raise RefusedError("", sentence % {"line": first})
        points = parsed(row, "points", self._terms.cells.whole)
        if points is None or not 1 <= abs(points) <= MOST_POINTS:
            sentence = _("A number of points from 1 to %(most)s is needed here, or below 0 to take them.")
            raise RefusedError("points", sentence % {"most": f"{MOST_POINTS:,}"})
        reason = written(row, "note", 300) or self._reason
        whose = owner.company_id, owner.employee_id
        if whose in self._moved:
            return Verdict(Fate.UNCHANGED)
        if points < 0 and self._available.get(whose, 0) < -points:
            raise RefusedError("points", _too_few(self._available.get(whose, 0)))
        return Verdict(
            Fate.NEW,
            points=abs(points),
            is_taken=points < 0,
            company_id=owner.company_id,
            plan=_Plan(owner, membership_id, points, reason),
        )


def _people_of(company_ids: Collection[int]) -> tuple[set[int], dict[int, list[int]]]:
    """Everybody with a login who works in the companies, and the admins of each."""
    rows = Employee.objects.filter(company__in=company_ids, is_active=True, user__isnull=False).order_by("pk")
    people: set[int] = set()
    admins: dict[int, list[int]] = {}
    for pk, company_id, access in rows.values_list("pk", "company", "access"):
        people.add(pk)
        if access == Employee.Access.ADMIN:
            admins.setdefault(company_id, []).append(pk)
    return people, admins


def _too_few(available: int) -> str:
    return _("Only %(available)s points are available there. Take so many at most.") % {"available": f"{available:,}"}


def _program_of(terms: Terms) -> Program:
    program = Program.objects.filter(code=terms.settings.get("program", "")).first()
    if program is None:
        raise NotPreparedError(_("Choose a program first."))
    return program
