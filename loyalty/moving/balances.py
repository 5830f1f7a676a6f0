"""Opening balances as a table: points that another system kept, given once to each wallet through the ledger.

They are points by hand: above the program's limit a second person agrees to the file as a whole. The row of the
adjustment is what makes them be given once, however often a file is moved in. Nobody is sent a message: who moves in
thousands of balances does not want to write thousands of mails. The statement shows them.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Q, Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
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
from accounts.moving.values import parsed
from loyalty.by_hand import MOST_POINTS
from loyalty.ledger import Book, LotDays, Owner, last_day
from loyalty.models import Adjustment, Lot, Program, Transaction, Wallet
from loyalty.moving.owners import Owners

NEVER = "never"

_COLUMNS = (
    NUMBER,
    Column(PERSON.code, PERSON.label, gettext_lazy("Empty: the points are the company's own."), also=PERSON.also),
    Column("points", gettext_lazy("Points"), gettext_lazy("Above 0."), is_required=True, also=("balance",)),
    Column(
        "last_day",
        gettext_lazy("Last day"),
        gettext_lazy("On which they count; “never” where they last for ever. Empty: as the program says, from today."),
        also=("expires", "expires on", "expiry date", "valid through"),
    ),
)
_AT_ONCE = timedelta(days=1)

_Whose = tuple[int, int | None]


def _programs() -> list[tuple[str, str]]:
    return list(Program.objects.filter(is_active=True).order_by("name").values_list("code", "name"))


@dataclass(frozen=True, slots=True)
class _Plan:
    """Points that are given to a wallet."""

    owner: Owner
    membership_id: int
    points: int
    said: str
    last_day: date | None


class Balances:
    """The table of opening balances."""

    code = "opening-balances"
    label = gettext_lazy("Opening balances")
    permissions = ("loyalty.add_adjustment",)
    settings = (
        Setting("program", gettext_lazy("Program"), _programs),
        Setting(
            "reason",
            gettext_lazy("Why, in words"),
            hint=gettext_lazy("The client reads this."),
            is_for_export=False,
        ),
    )
    leads_to = "admin:loyalty_adjustment_changelist"
    leads_by = "opened_by__exact"

    def columns(self) -> Sequence[Column]:
        """Return the columns."""
        return _COLUMNS

    def key_of(self, row: Row) -> tuple[str, ...]:
        """Whose points they are, and how long they last."""
        whose = row.cells.get(NUMBER.code, ""), row.cells.get(PERSON.code, "")
        return (*whose, row.cells.get("last_day", "").casefold())

    def begin(self, terms: Terms) -> Sheet:
        """Prepare to judge a file."""
        return _Sheet(terms, _program_of(terms))

    def needs_second_person(self, *, terms: Terms, points: int) -> bool:
        """Whether the file gives more than one person may within a day, with what that person moved in alone."""
        program = _program_of(terms)
        return points + _given_alone(program, terms) > program.adjustment_limit

    def export(self, *, settings: Mapping[str, str], now: datetime) -> Iterator[Sequence[str]]:
        """Yield the points that can be spent in a program, by owner and last day."""
        program = Program.objects.get(code=settings["program"])
        today = now.astimezone(program.zone).date()
        rows = (
            Lot.objects.filter(wallet__program=program, wallet__kind=Wallet.Kind.AVAILABLE, is_open=True)
            .annotate(ends_on=Coalesce("extended_to", "expires_on"))
            .filter(Q(ends_on__isnull=True) | Q(ends_on__gte=today))
            .exclude(wallet__company__external_id="")
            .exclude(wallet__employee__external_id="")
            .order_by("wallet_id", "ends_on")
            .values_list("wallet__company__external_id", "wallet__employee__external_id", "ends_on")
            .annotate(points=Sum("remaining"))
        )
        for number, person, expires_on, points in rows.iterator(chunk_size=1_000):
            yield [number, person or "", str(points), expires_on.isoformat() if expires_on else NEVER]


class _Sheet:
    """A file of opening balances on its way in."""

    def __init__(self, terms: Terms, program: Program) -> None:
        self._terms = terms
        self._program = program
        self._today = terms.now.astimezone(program.zone).date()
        self._reason = terms.settings.get("reason", "").strip()
        self._points_left = _points_left(program, terms)
        self._owners = Owners(program, now=terms.now)
        self._lots: dict[_Whose, dict[date | None, int]] = {}
        self._openings: dict[_Whose, dict[str, int]] = {}
        self._ours: set[_Whose] = set()

    def judge(self, rows: Sequence[Row], *, is_final: bool) -> list[Verdict]:
        """Say for each row whether its points are new, there already, or cannot be given."""
        self._look_up(rows, is_final=is_final)
        verdicts = []
        for row in rows:
            try:
                verdicts.append(self._judge(row))
            except RefusedError as error:
                verdicts.append(refused(error))
        return verdicts

    def write(self, judged: Sequence[tuple[Row, Verdict]]) -> None:
        """Give the points, each on record (A1). Raises TooManyPointsError; then nothing of the batch is given."""
        plans: list[_Plan] = [verdict.plan for _row, verdict in judged]
        if not plans:
            return
        points = sum(plan.points for plan in plans)
        if points > self._points_left:
            raise TooManyPointsError
        now, by = self._terms.now, self._terms.by_user_id
        book = Book(now=now, programs=[self._program])
        book.open({plan.owner for plan in plans})
        acts = [book.begin(Transaction.Kind.ADJUST, plan.owner, actor_id=by) for plan in plans]
        for plan, act in zip(plans, acts, strict=True):
            book.give(act, plan.owner, plan.points, at=now, days=LotDays(self._today, plan.last_day))
        book.write()
        adjustments = Adjustment.objects.bulk_create(
            Adjustment(
                membership_id=plan.membership_id,
                employee_id=plan.owner.employee_id,
                points=plan.points,
                reason_code=Adjustment.Reason.OPENING,
                reason=self._reason,
                state=Adjustment.State.POSTED,
                asked_by_id=by,
                asked_at=now,
                transaction_id=act.id,
                opened_by_id=self._terms.import_id,
                said_last_day=plan.said,
            )
            for plan, act in zip(plans, acts, strict=True)
        )
        record = [
            audit.Act("points-by-hand", adjustment, plan.owner.company_id, {"points": plan.points})
            for plan, adjustment in zip(plans, adjustments, strict=True)
        ]
        audit.record_many(record, actor_id=by, now=now)
        self._points_left -= points

    def _look_up(self, rows: Sequence[Row], *, is_final: bool) -> None:
        self._owners.look_up(rows, is_final=is_final)
        self._read_openings()
        self._read_lots(self._owners.memberships.keys())

    def _read_openings(self) -> None:
        self._openings, self._ours = {}, set()
        others: set[_Whose] = set()
        rows = Adjustment.objects.filter(membership__in=self._owners.memberships.values(), opened_by__isnull=False)
        for company_id, employee_id, said, points, import_id in rows.values_list(
            "membership__company", "employee", "said_last_day", "points", "opened_by"
        ):
            whose = company_id, employee_id
            self._openings.setdefault(whose, {})[said] = points
            (self._ours if import_id == self._terms.import_id else others).add(whose)
        self._ours -= others

    def _read_lots(self, company_ids: Collection[int]) -> None:
        self._lots = {}
        rows = Lot.objects.filter(
            wallet__program=self._program,
            wallet__company__in=company_ids,
            wallet__kind__in=(Wallet.Kind.AVAILABLE, Wallet.Kind.PENDING),
        )
        found = rows.values_list("wallet__company", "wallet__employee", "expires_on").annotate(left=Sum("remaining"))
        for company_id, employee_id, expires_on, left in found:
            self._lots.setdefault((company_id, employee_id), {})[expires_on] = left

    def _judge(self, row: Row) -> Verdict:
        owner, membership_id = self._owners.owner_of(row)
        points = parsed(row, "points", self._terms.cells.whole)
        if points is None or not 1 <= points <= MOST_POINTS:
            sentence = _("A number of points from 1 to %(most)s is needed here.")
            raise RefusedError("points", sentence % {"most": f"{MOST_POINTS:,}"})
        said, ends_on = self._last_day(row)
        whose = owner.company_id, owner.employee_id
        opened, lots = self._openings.get(whose, {}).get(said), self._lots.get(whose, {})
        if opened is not None and opened != points:
            sentence = _("This balance was opened with %(points)s points. Correct it by points by hand.")
            raise RefusedError("points", sentence % {"points": f"{opened:,}"})
        if opened is not None or lots.get(ends_on) == points:
            return Verdict(Fate.UNCHANGED)
        if lots and whose not in self._ours:
            sentence = _("This wallet has had points already (%(points)s are left). Change them by points by hand.")
            raise RefusedError("points", sentence % {"points": f"{sum(lots.values()):,}"})
        return Verdict(Fate.NEW, points=points, plan=_Plan(owner, membership_id, points, said, ends_on))

    def _last_day(self, row: Row) -> tuple[str, date | None]:
        """What the row says of the last day, and the day it comes to."""
        text = row.cells.get("last_day", "").casefold()
        if not text:
            return "", last_day(self._program, self._today)
        if text == NEVER:
            return NEVER, None
        day = parsed(row, "last_day", self._terms.cells.day)
        if day is None or day < self._today:
            raise RefusedError("last_day", _("This day is over: the points would be lost at once."))
        return day.isoformat(), day


def _program_of(terms: Terms) -> Program:
    program = Program.objects.filter(code=terms.settings.get("program", ""), is_active=True).first()
    if program is None:
        raise NotPreparedError(_("The program that was chosen is not running. Choose another one."))
    return program


def _points_left(program: Program, terms: Terms) -> int:
    """How many points the file may give from here on."""
    allowed = terms.agreed_points
    if allowed is None:
        allowed = program.adjustment_limit - _given_alone(program, terms)
    given: int = Adjustment.objects.filter(opened_by=terms.import_id).aggregate(points=Sum("points"))["points"] or 0
    return allowed - given


def _given_alone(program: Program, terms: Terms) -> int:
    """Points of the program that the same person moved in within a day, by other files that nobody agreed to."""
    alone = Adjustment.objects.filter(
        membership__program=program,
        asked_by=terms.by_user_id,
        asked_at__gt=terms.now - _AT_ONCE,
        opened_by__isnull=False,
        opened_by__approval__isnull=True,
    ).exclude(opened_by=terms.import_id)
    points: int = alone.aggregate(points=Sum("points"))["points"] or 0
    return points
