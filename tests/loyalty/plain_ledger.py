"""A ledger in plain Python, one act at a time and without a database: what the real one must agree with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Europe/London")
MONTHS = 2
SPEND_CAP, SHARED_CAP, CONSENT_LIMIT = 700, 90, 60
PERCENT = 10
NEVER = date.max

Owner = tuple[int, int | None]
Days = tuple[date | None, date | None]
LotDays = tuple[date, date | None]
CapKey = tuple[str, int, date]
Limit = tuple[CapKey, int]


@dataclass
class PlainLot:
    """Points of one day."""

    remaining: int = 0
    expired: int = 0
    extended_to: date | None = None


@dataclass
class PlainWallet:
    """An owner's lots by (day earned, last day), and its debt (0 or more)."""

    lots: dict[LotDays, PlainLot] = field(default_factory=dict)
    debt: int = 0
    waiting: list[PlainAward] = field(default_factory=list)
    ends_idle: bool = False
    last_day: date | None = None

    @property
    def available(self) -> int:
        return sum(lot.remaining for lot in self.lots.values())

    def draw(self, points: int) -> list[tuple[LotDays, int]]:
        """Take up to `points`, soonest-expiring first; return what came from which days."""
        taken = []
        for days in sorted(self.lots, key=lambda days: (self.lots[days].extended_to or days[1] or NEVER, days[0])):
            part = min(self.lots[days].remaining, points)
            if part:
                self.lots[days].remaining -= part
                taken.append((days, part))
                points -= part
        return taken

    def repay(self) -> None:
        points = min(self.debt, self.available)
        self.draw(points)
        self.debt -= points

    def put(self, days: LotDays, points: int) -> None:
        self.lots.setdefault(days, PlainLot()).remaining += points

    def release(self, today: date) -> None:
        for award in sorted(self.waiting, key=lambda award: award.days[0] or NEVER):
            available_on, last_day = award.days
            if award.waiting and available_on and available_on <= today:
                if self.last_day and self.last_day < available_on:
                    self.expire(available_on)
                self.is_active(available_on)
                self.put((available_on, last_day), award.waiting)
                award.waiting = 0
        self.repay()

    def is_active(self, day: date) -> None:
        if self.ends_idle:
            self.last_day = max(self.last_day or date.min, _months_later(day))

    def expire(self, today: date) -> None:
        is_over = self.last_day is not None and self.last_day < today
        for (_earned_on, first_last_day), lot in self.lots.items():
            last_day = lot.extended_to or first_last_day
            if is_over or (last_day and last_day < today):
                lot.expired += lot.remaining
                lot.remaining = 0


@dataclass
class PlainAward:
    """Points given, and the limits they count against; `waiting` cannot be spent yet."""

    owner: Owner
    granted: int
    days: Days
    caps: list[CapKey]
    reversed: int = 0
    waiting: int = 0


@dataclass
class PlainPurchase:
    """A purchase that was recorded, and how much money came back."""

    company_id: int
    employee_id: int | None
    amount: Decimal
    occurred_at: datetime
    awards: list[PlainAward]
    returned: Decimal = Decimal(0)


@dataclass
class PlainConsent:
    """What a company agreed to for a time: everybody earns, or buyers alone; what is not earned may go to it."""

    starts_at: datetime
    buyers_only: bool = False
    is_for_company: bool = False
    ends_at: datetime | None = None

    def holds_at(self, at: datetime) -> bool:
        """Whether it holds at `at`."""
        return self.starts_at <= at and (self.ends_at is None or at < self.ends_at)


@dataclass(frozen=True)
class PlainRules:
    """A version of the two rules, in force until the next one begins."""

    starts_at: datetime
    spend_cap: int = SPEND_CAP
    percent: int = PERCENT


class PlainLedger:
    """Rule "spend": 1 point for each full 1, to the company, at most SPEND_CAP a month and company.
    Rule "shared": PERCENT percent, to the company and its person, at most SHARED_CAP a day and person.
    `rules` are the versions that say otherwise. A person is a buyer at the times that `buyers` says.
    Points wait `days` days (0: none, None: until they are confirmed). From then on they last as `expiry` says: MONTHS
    months, to 30 April, to the end of the year after, or as long as the wallet is not idle for MONTHS months.
    """

    def __init__(self, days: int | None = 0, expiry: str = "MONTHS") -> None:
        self.days = days
        self.expiry = expiry
        self.wallets: dict[Owner, PlainWallet] = {}
        self.used: dict[CapKey, int] = {}
        self.consents: dict[int, list[PlainConsent]] = {}
        self.rules: list[PlainRules] = []
        self.buyers: dict[int, list[tuple[datetime, datetime | None]]] = {}

    def wallet(self, owner: Owner, now: datetime) -> PlainWallet:
        """The owner's wallet, with what waits no longer and without what has expired."""
        wallet = self.wallets.setdefault(owner, PlainWallet(ends_idle=self.expiry == "INACTIVITY"))
        wallet.release(now.astimezone(ZONE).date())
        wallet.expire(now.astimezone(ZONE).date())
        return wallet

    def purchase(
        self, company_id: int, employee_id: int | None, amount: Decimal, occurred_at: datetime, now: datetime
    ) -> PlainPurchase:
        """Record a purchase."""
        day = occurred_at.astimezone(ZONE).date()
        rules = next((rules for rules in reversed(self.rules) if rules.starts_at <= occurred_at), PlainRules(now))
        spend: list[Limit] = [(("spend", company_id, day.replace(day=1)), rules.spend_cap)]
        gifts: list[tuple[Owner, int, list[Limit]]] = [((company_id, None), int(amount), spend)]
        part = int(amount * rules.percent / 100)
        gifts.append(((company_id, None), part, []))
        consent = next((one for one in self.consents.get(company_id, ()) if one.holds_at(occurred_at)), None)
        if employee_id is not None and consent is not None:
            shared = ("shared", employee_id, day), SHARED_CAP
            agreed = ("consent", employee_id, day.replace(day=1)), CONSENT_LIMIT
            own = part
            if consent.buyers_only and not self._is_buyer(employee_id, occurred_at):
                own = 0
            elif consent.is_for_company:
                own = min(part, CONSENT_LIMIT - self.used.get(agreed[0], 0))
            gifts.append(((company_id, employee_id), own, [shared, agreed]))
            if consent.is_for_company:
                gifts.append(((company_id, None), part - own, [shared]))
        awards = [self._give(owner, points, caps, day, now) for owner, points, caps in gifts if points]
        return PlainPurchase(company_id, employee_id, amount, occurred_at, awards)

    def return_(self, purchase: PlainPurchase, amount: Decimal, now: datetime) -> int:
        """Take back what `amount` of a purchase brought; the points taken."""
        purchase.returned += amount
        left = purchase.amount - purchase.returned
        taken = 0
        for award in purchase.awards:
            kept = int(award.granted * left / purchase.amount)
            points = award.granted - kept - award.reversed
            if points:
                self._take_back(award, points, now)
                taken += points
        return taken

    def confirm(self, purchase: PlainPurchase, now: datetime) -> int:
        """Make available what still waits of a purchase; the points that were."""
        today = now.astimezone(ZONE).date()
        confirmed = 0
        for award in purchase.awards:
            wallet = self.wallet(award.owner, now)
            if award.waiting:
                days = today, award.days[1] or self._last_day(today)
                wallet.is_active(today)
                wallet.put(days, award.waiting)
                confirmed += award.waiting
                award.days, award.waiting = days, 0
                wallet.repay()
        return confirmed

    def spend(self, owner: Owner, points: int, now: datetime) -> list[tuple[LotDays, int]]:
        """Spend points that are there; what came from which days."""
        wallet = self.wallet(owner, now)
        assert wallet.available >= points
        wallet.is_active(now.astimezone(ZONE).date())
        return wallet.draw(points)

    def refund(self, owner: Owner, uses: Iterable[tuple[LotDays, int]], now: datetime) -> None:
        """Give spent points back to the days they came from."""
        wallet = self.wallet(owner, now)
        for days, points in uses:
            wallet.lots[days].remaining += points
        wallet.repay()
        self.wallet(owner, now)

    def adjust(self, owner: Owner, points: int, now: datetime) -> None:
        """Give points by hand, of today, or take points that are there."""
        wallet = self.wallet(owner, now)
        if points < 0:
            assert wallet.available >= -points
            wallet.draw(-points)
            return
        day = now.astimezone(ZONE).date()
        wallet.is_active(day)
        wallet.put((day, self._last_day(day)), points)
        wallet.repay()

    def pass_on(self, giver: Owner, taker: Owner, points: int, now: datetime) -> None:
        """Let points that are there be another's, each with its last day."""
        uses = self.spend(giver, points, now)
        lots = self.wallet(giver, now).lots
        wallet = self.wallet(taker, now)
        wallet.is_active(now.astimezone(ZONE).date())
        for days, part in uses:
            wallet.put((days[0], lots[days].extended_to or days[1]), part)
        wallet.repay()

    def extend(self, owner: Owner, until: date, to: date, now: datetime) -> int:
        """Let what ends by a day last up to a later one; the points that do."""
        wallet = self.wallet(owner, now)
        extended = 0
        for (_earned_on, last_day), lot in wallet.lots.items():
            if lot.remaining and last_day and (lot.extended_to or last_day) <= until:
                lot.extended_to = to
                extended += lot.remaining
        if wallet.available and wallet.last_day and wallet.last_day <= until:
            wallet.last_day = to
            extended = wallet.available
        return extended

    def people_may_spend(self, company_id: int, now: datetime) -> bool:
        """Whether the company's people may spend at `now`."""
        return any(
            one.starts_at <= now and (one.ends_at is None or now < one.ends_at + timedelta(days=90))
            for one in self.consents.get(company_id, [])
        )

    def owners(self) -> Iterator[Owner]:
        """Everybody who holds or held points."""
        return iter(sorted(self.wallets, key=lambda owner: (owner[0], owner[1] or 0)))

    def _is_buyer(self, employee_id: int, at: datetime) -> bool:
        return any(start <= at and (end is None or at < end) for start, end in self.buyers.get(employee_id, []))

    def _give(self, owner: Owner, points: int, caps: list[Limit], day: date, now: datetime) -> PlainAward:
        granted = points
        for key, limit in caps:
            granted = max(0, min(granted, limit - self.used.get(key, 0)))
        keys = [key for key, _limit in caps]
        for key in keys:
            self.used[key] = self.used.get(key, 0) + granted
        wallet = self.wallet(owner, now)
        award = PlainAward(owner, granted, self._days_of(day), keys, waiting=granted)
        if granted:
            wallet.is_active(day)
            wallet.waiting.append(award)
            self.wallet(owner, now)
        return award

    def _days_of(self, day: date) -> Days:
        if self.days is None:
            return None, None
        available_on = day + timedelta(days=self.days)
        return available_on, self._last_day(available_on)

    def _last_day(self, day: date) -> date | None:
        if self.expiry == "INACTIVITY":
            return None
        if self.expiry == "MONTHS":
            return _months_later(day)
        month_and_day, more = ((4, 30), 0) if self.expiry == "FIXED_DAY" else ((12, 31), 1)
        while (day.month, day.day) != month_and_day:
            day += timedelta(days=1)
        return day.replace(year=day.year + more)

    def _take_back(self, award: PlainAward, points: int, now: datetime) -> None:
        award.reversed += points
        for key in award.caps:
            self.used[key] -= points
        wallet = self.wallet(award.owner, now)
        part = min(award.waiting, points)
        award.waiting -= part
        points -= part
        own = next((lot for days, lot in wallet.lots.items() if days == award.days), PlainLot())
        part = min(own.remaining, points)
        own.remaining -= part
        points -= part
        part = min(own.expired, points)
        own.expired -= part
        points -= part
        points -= sum(part for _days, part in wallet.draw(points))
        wallet.debt += points


def _months_later(day: date) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + MONTHS, 12)
    for last in range(day.day, 0, -1):
        try:
            return date(year, month + 1, last)
        except ValueError:
            continue
    raise AssertionError
