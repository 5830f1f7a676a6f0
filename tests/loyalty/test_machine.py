"""Record, return (also what has not come), redeem, cancel, expire and review in any order: all laws hold after each
step, and every wallet holds what a ledger in plain Python says.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from functools import partial

import pytest
from django.db import transaction
from django.db.models import Q, Sum
from hypothesis import HealthCheck, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from accounts import laws
from accounts.actors import actor_of
from accounts.models import Employee, RoleAssignment
from loyalty.activities import ActivityItem, Outcome, Status, confirm_activities, record_activities
from loyalty.books import close_books
from loyalty.by_hand import NothingExpiresError, adjust, extend
from loyalty.ledger import InsufficientPointsError, Owner, expire_points, release_points
from loyalty.memberships import give_consent, withdraw_consent
from loyalty.models import (
    Activity,
    BookDay,
    CapUsage,
    Lot,
    Membership,
    Metric,
    Posting,
    Program,
    RuleCap,
    Source,
    Wallet,
)
from loyalty.rulesets import NotADraftError, activate, draft_from
from loyalty.standing import review_tiers
from loyalty.transfers import NotYoursToPassOnError, pass_on
from rewards.models import Redemption, Reward
from rewards.redemption import NotYoursToSpendError, OutOfStockError, cancel, redeem
from tests.factories.world import (
    a_company,
    a_member,
    a_program,
    a_purchase_type,
    a_reward,
    a_role,
    a_rule_set,
    a_source,
    a_user,
    an_admin,
)
from tests.loyalty.plain_ledger import (
    CONSENT_LIMIT,
    MONTHS,
    PERCENT,
    SHARED_CAP,
    SPEND_CAP,
    ZONE,
    LotDays,
    PlainConsent,
    PlainLedger,
    PlainPurchase,
    PlainRules,
)

pytestmark = pytest.mark.django_db

BEGIN = datetime(2026, 2, 20, 22, 30, tzinfo=UTC)
JOINED = BEGIN - timedelta(days=150)
PRICES = (20, 75, 400)

EXPIRIES: dict[str, dict[str, int]] = {
    "MONTHS": {"expiry_months": MONTHS},
    "FIXED_DAY": {"expiry_month": 4, "expiry_day": 30},
    "YEAR_END": {"expiry_years": 1},
    "INACTIVITY": {"expiry_months": MONTHS},
}

companies = st.integers(0, 1)
purchases = st.tuples(
    companies,
    st.booleans(),
    st.decimals(0, 400, places=2),
    st.sampled_from([0, 0, 0, 1, 9, 30, 62, 100]),
)


@dataclass
class Bought:
    """A purchase as the source knows it and as the plain ledger does."""

    item: ActivityItem
    plain: PlainPurchase


@dataclass
class Ordered:
    """A redemption that may be cancelled."""

    redemption: Redemption
    owner: tuple[int, int | None]
    uses: list[tuple[LotDays, int]]


class Points(RuleBasedStateMachine):
    """Two companies of one program (a second one runs beside it, by laws alone), one person each who may do all."""

    def __init__(self) -> None:
        super().__init__()
        self.example = transaction.atomic()
        self.example.__enter__()
        self.now = BEGIN
        self.plain = PlainLedger()
        self.bought: list[Bought] = []
        self.missing: list[tuple[ActivityItem, list[ActivityItem]]] = []
        self.orders: list[Ordered] = []
        self.count = 0

    def teardown(self) -> None:
        """Put the database back."""
        transaction.set_rollback(True)
        self.example.__exit__(None, None, None)

    @initialize(days=st.sampled_from([0, 0, 14, None]), expiry=st.sampled_from(sorted(EXPIRIES)))
    def a_world(self, days: int | None, expiry: str) -> None:
        self.plain = PlainLedger(days, expiry)
        release = "AT_ONCE" if days == 0 else "AFTER_DAYS" if days else "CONFIRMED"
        self.program = a_program(
            tiers={"bronze": 0, "silver": 300, "gold": 900}, tier_months=2,
            adjustment_limit=10**6, transfers="BOTH", release=release, release_days=days or None, expiry=expiry,
            **EXPIRIES[expiry],
        )  # fmt: skip
        tokyo = a_program(
            tiers={"partner": 200}, time_zone="Asia/Tokyo", tier_window=Program.Window.CALENDAR_YEAR, expiry_months=1,
            release="AFTER_DAYS", release_days=2,
        )  # fmt: skip
        _rules_of(self.program, tokyo)
        self.source: Source = a_source()
        self.manager = a_user()
        self.people: list[Employee] = [an_admin(a_company()) for _ in range(2)]
        self.members: list[Membership] = []
        for person in self.people:
            self.members.append(a_member(self.program, person.company, starts_at=JOINED))
            a_member(tokyo, person.company, starts_at=JOINED)
        self.rewards: list[Reward] = [a_reward(self.program, price=price, pieces=3) for price in PRICES]
        self.taken = dict.fromkeys((reward.pk for reward in self.rewards), 0)

    @rule(wanted=st.lists(purchases, min_size=1, max_size=4))
    def record_purchases(self, wanted: list[tuple[int, bool, Decimal, int]]) -> None:
        items = [self._item(*purchase) for purchase in wanted]

        outcomes = self._record(items)

        for item, outcome in zip(items, outcomes, strict=True):
            assert outcome.status is Status.RECORDED
            assert item.amount is not None
            plain = self.plain.purchase(item.company_id, item.employee_id, item.amount, item.occurred_at, self.now)
            self.bought.append(Bought(item, plain))

    @precondition(lambda self: self.bought)
    @rule(data=st.data(), share=st.sampled_from(["0.3333", "0.5", "1"]), days=st.integers(0, 3))
    def return_part(self, data: st.DataObject, share: str, days: int) -> None:
        bought = data.draw(st.sampled_from(self.bought[-6:]))
        left = bought.plain.amount - bought.plain.returned
        amount = round(left * Decimal(share), 4)

        [outcome] = self._record([self._return_of(bought, amount, days)])

        if amount == 0:
            assert outcome.error is not None
            assert outcome.error.code in {"nothing_returned", "return_exceeds_original"}
        else:
            assert outcome.status is Status.RECORDED
            self.plain.return_(bought.plain, amount, self.now)

    @precondition(lambda self: self.bought)
    @rule(data=st.data())
    def return_all_and_send_it_twice(self, data: st.DataObject) -> None:
        bought = data.draw(st.sampled_from(self.bought[-6:]))
        left = bought.plain.amount - bought.plain.returned
        item = self._return_of(bought, None, 0)

        first, again = self._record([item, item])

        if left:
            assert (first.status, again.status) == (Status.RECORDED, Status.DUPLICATE)
            self.plain.return_(bought.plain, left, self.now)
        elif bought.plain.amount:
            assert (first.status, again.status) == (Status.REJECTED, Status.REJECTED)

    @precondition(lambda self: self.bought)
    @rule(data=st.data(), too_much=st.decimals("0.0001", 50, places=4))
    def return_more_than_is_left(self, data: st.DataObject, too_much: Decimal) -> None:
        bought = data.draw(st.sampled_from(self.bought))
        left = bought.plain.amount - bought.plain.returned

        [outcome] = self._record([self._return_of(bought, left + too_much, 0)])

        assert outcome.error is not None
        assert outcome.error.code == "return_exceeds_original"

    @rule(company=companies, whole=purchases, share=st.sampled_from(["0.5", "1"]))
    def purchase_and_return_in_one_call(self, company: int, whole: tuple[int, bool, Decimal, int], share: str) -> None:
        item = self._item(company, *whole[1:])
        assert item.amount is not None
        amount = round(item.amount * Decimal(share), 4)
        self.count += 1
        back = ActivityItem(
            f"R{self.count}", "purchase", item.company_id, item.occurred_at, amount=amount, currency="GBP",
            reverses=item.external_id,
        )  # fmt: skip

        first, second = self._record([item, back])

        assert first.status is Status.RECORDED
        plain = self.plain.purchase(item.company_id, item.employee_id, item.amount, item.occurred_at, self.now)
        self.bought.append(Bought(item, plain))
        if second.status is Status.RECORDED and amount:
            self.plain.return_(plain, amount, self.now)
        assert bool(amount) <= (second.status is Status.RECORDED)

    @rule(wanted=purchases, shares=st.lists(st.sampled_from(["0.3333", "0.5", "1", "1.01"]), min_size=1, max_size=3))
    def return_what_has_not_come(self, wanted: tuple[int, bool, Decimal, int], shares: list[str]) -> None:
        item = self._item(*wanted)
        assert item.amount is not None
        returns = [self._back(item, round(item.amount * Decimal(share), 4), 1) for share in shares]

        outcomes = self._record(returns)

        assert [(outcome.status, outcome.points) for outcome in outcomes] == [(Status.WAITING, 0)] * len(returns)
        self.missing.append((item, returns))

    @precondition(lambda self: self.missing)
    @rule(data=st.data(), in_between=st.booleans())
    def original_comes(self, data: st.DataObject, in_between: bool) -> None:
        item, returns = self.missing.pop(data.draw(st.integers(0, len(self.missing) - 1)))
        late = [self._back(item, Decimal("0.01"), 2)] if in_between else []

        told = self._record([*late, returns[0], item, returns[0]])[len(late) :]

        assert [outcome.status for outcome in told] == [Status.DUPLICATE, Status.RECORDED, Status.DUPLICATE]
        assert item.amount is not None
        plain = self.plain.purchase(item.company_id, item.employee_id, item.amount, item.occurred_at, self.now)
        self.bought.append(Bought(item, plain))
        for back in [*returns, *late]:
            if back.amount and back.amount <= plain.amount - plain.returned:
                self.plain.return_(plain, back.amount, self.now)

    @precondition(lambda self: self.bought)
    @rule(data=st.data())
    def repeat_a_purchase(self, data: st.DataObject) -> None:
        [outcome] = self._record([data.draw(st.sampled_from(self.bought)).item])

        assert outcome.status is Status.DUPLICATE

    @rule(company=companies, personal=st.booleans(), which=st.integers(0, 2))
    def redeem(self, company: int, personal: bool, which: int) -> None:
        person, reward = self.people[company], self.rewards[which]
        owner = (person.company_id, person.pk if personal else None)
        refusal: type[Exception] | None = None
        if personal and not self.plain.people_may_spend(person.company_id, self.now):
            refusal = NotYoursToSpendError
        elif self.plain.wallet(owner, self.now).available < reward.price:
            refusal = InsufficientPointsError
        elif self.taken[reward.pk] == 3:
            refusal = OutOfStockError
        note(f"expect {refusal}")

        if refusal is not None:
            with pytest.raises(refusal):
                self._redeem(person, reward, owner)
        else:
            redemption = self._redeem(person, reward, owner)
            uses = self.plain.spend(owner, reward.price, self.now)
            self.orders.append(Ordered(redemption, owner, list(uses)))
            self.taken[reward.pk] += 1

    @precondition(lambda self: self.orders)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        order = self.orders.pop(data.draw(st.integers(0, len(self.orders) - 1)))

        cancel(redemption_id=order.redemption.pk, by_user_id=self.manager.pk, now=self.now)

        self.plain.refund(order.owner, order.uses, self.now)
        self.taken[order.redemption.reward_id] -= 1

    @rule(company=companies, personal=st.booleans(), points=st.sampled_from([-400, -30, -1, 7, 250]))
    def adjust_by_hand(self, company: int, personal: bool, points: int) -> None:
        person = self.people[company]
        owner = (person.company_id, person.pk if personal else None)
        is_short = points < 0 and self.plain.wallet(owner, self.now).available < -points
        by_hand = partial(
            adjust, membership=self.members[company], employee=person if personal else None, points=points,
            reason_code="GOODWILL", reason="A round number", by=self.manager, now=self.now,
        )  # fmt: skip

        if is_short:
            with pytest.raises(InsufficientPointsError):
                by_hand()
        else:
            assert by_hand().is_posted
            self.plain.adjust(owner, points, self.now)

    @rule(company=companies, points=st.sampled_from([1, 30, 200]))
    def pass_points_on_to_the_company(self, company: int, points: int) -> None:
        person = self.people[company]
        owner = (person.company_id, person.pk)
        self.count += 1
        pass_now = partial(
            pass_on, actor=actor_of(person.user, now=self.now), membership=self.members[company], to=None,
            points=points, reason="For all", key=f"T{self.count}", now=self.now,
        )  # fmt: skip

        if not self.plain.people_may_spend(person.company_id, self.now):
            with pytest.raises(NotYoursToPassOnError):
                pass_now()
        elif self.plain.wallet(owner, self.now).available < points:
            with pytest.raises(InsufficientPointsError):
                pass_now()
        else:
            assert pass_now().is_new
            self.plain.pass_on(owner, (person.company_id, None), points, self.now)

    @rule()
    def close_the_books(self) -> None:
        close_books(now=self.now)

        last = BookDay.objects.filter(program=self.program).order_by("-day").first()
        if last is not None:
            end = datetime.combine(last.day + timedelta(days=1), time.min, tzinfo=ZONE)
            held = {kind: _moved_into(self.program, kind, before=end) for kind in ("AVAILABLE", "PENDING", "DEBT")}
            assert (last.available, last.waiting, last.debt) == tuple(held.values())

    @rule(company=companies, personal=st.booleans(), days=st.sampled_from([0, 10, 60]), more=st.integers(1, 40))
    def give_more_time(self, company: int, personal: bool, days: int, more: int) -> None:
        person, today = self.people[company], self.now.astimezone(ZONE).date()
        owner = (person.company_id, person.pk if personal else None)
        until = today + timedelta(days=days)
        extend_now = partial(
            extend, membership=self.members[company], employee=person if personal else None, until=until,
            to=until + timedelta(days=more), reason="A late delivery", by=self.manager, now=self.now,
        )  # fmt: skip

        points = self.plain.extend(owner, until, until + timedelta(days=more), self.now)
        if points:
            extended = extend_now()
            assert (extended.is_posted, extended.extension.points) == (True, points)
        else:
            with pytest.raises(NothingExpiresError):
                extend_now()

    @rule(days=st.sampled_from([1, 5, 20, 45, 100]))
    def time_passes(self, days: int) -> None:
        self.now += timedelta(days=days)

    @rule()
    def expire_twice(self) -> None:
        expire_points(now=self.now)

        assert expire_points(now=self.now).points == 0
        today = self.now.astimezone(ZONE).date()
        held = Lot.objects.filter(remaining__gt=0, wallet__program=self.program)
        assert not held.filter(Q(extended_to__isnull=True) | Q(extended_to__lt=today), expires_on__lt=today).exists()
        assert not held.filter(wallet__expires_on__lt=today).exists()

    @rule()
    def release_twice(self) -> None:
        release_points(now=self.now)

        assert release_points(now=self.now).wallets == 0
        today = self.now.astimezone(ZONE).date()
        ripe = Lot.objects.filter(remaining__gt=0, available_on__lte=today, wallet__kind="PENDING")
        assert not ripe.filter(wallet__program=self.program).exists()

    @precondition(lambda self: self.bought)
    @rule(data=st.data())
    def confirm_and_do_it_again(self, data: st.DataObject) -> None:
        bought = data.draw(st.sampled_from(self.bought[-6:]))
        activity = Activity.objects.get(external_id=bought.item.external_id)
        before = self._pending()

        for _time in range(2):
            confirm_activities([activity.pk], by_user_id=self.manager.pk, now=self.now)

        confirmed = self.plain.confirm(bought.plain, self.now)
        assert self._pending() <= before - confirmed

    @rule()
    def review_twice(self) -> None:
        review_tiers(now=self.now)

        assert review_tiers(now=self.now) == 0

    @rule(company=companies, buyers_only=st.booleans(), is_for_company=st.booleans())
    def consent_change_or_withdraw(self, company: int, buyers_only: bool, is_for_company: bool) -> None:
        member = self.members[company]
        terms = self.plain.consents.setdefault(member.company_id, [])
        self.now += timedelta(hours=1)
        held = terms[-1] if terms and terms[-1].ends_at is None else None
        if held is not None:
            held.ends_at = self.now
        if held is not None and held.buyers_only == buyers_only:
            withdraw_consent(membership=member, by=self.manager, now=self.now)
            return
        give_consent(
            membership=member, by=self.manager, now=self.now, monthly_limit=CONSENT_LIMIT,
            roles=["buyer"] if buyers_only else [], unearned="COMPANY" if is_for_company else "LAPSE",
        )  # fmt: skip
        terms.append(PlainConsent(self.now, buyers_only, is_for_company))

    @rule(company=companies)
    def become_a_buyer_or_stop_being_one(self, company: int) -> None:
        person = self.people[company]
        roles = self.plain.buyers.setdefault(person.pk, [])
        self.now += timedelta(hours=1)
        if roles and roles[-1][1] is None:
            RoleAssignment.objects.filter(employee=person, ends_at=None).update(ends_at=self.now)
            roles[-1] = (roles[-1][0], self.now)
        else:
            a_role(person, "buyer", starts_at=self.now)
            roles.append((self.now, None))

    @rule(spend_cap=st.sampled_from([50, SPEND_CAP, 2_000]), percent=st.sampled_from([PERCENT, 35]))
    def put_other_rules_in_force(self, spend_cap: int, percent: int) -> None:
        self.now += timedelta(hours=1)
        in_force = self.program.rule_sets.order_by("version").last()
        assert in_force is not None
        draft = draft_from(rule_set=in_force, by=self.manager, now=self.now)
        RuleCap.objects.filter(rule__rule_set=draft, rule__code="spend").update(limit=spend_cap)
        formula = {"kind": "percent", "percent": str(percent), "of": "activity.amount"}
        draft.rules.filter(code="shared").update(formula=formula)
        activate(rule_set=draft, by=self.manager, starts_at=self.now, now=self.now)
        with pytest.raises(NotADraftError):
            activate(rule_set=draft, by=self.manager, starts_at=self.now, now=self.now)
        self.plain.rules.append(PlainRules(self.now, spend_cap, percent))

    @invariant()
    def laws_hold(self) -> None:
        assert {finding.law.code: finding.examples for finding in laws.verify() if finding.count} == {}

    @invariant()
    def wallets_hold_what_the_plain_ledger_says(self) -> None:
        today = self.now.astimezone(ZONE).date()
        for company_id, employee_id in self.plain.owners():
            plain = self.plain.wallet((company_id, employee_id), self.now)
            wallets = Wallet.objects.filter(program=self.program, company=company_id, employee=employee_id)
            balances = dict(wallets.values_list("kind", "balance"))
            held = Lot.objects.filter(wallet__in=wallets, remaining__gt=0)
            waiting = held.filter(wallet__kind="PENDING").values_list("available_on", "remaining")
            ripe = sum(points for day, points in waiting if day and day <= today)
            assert sum(award.waiting for award in plain.waiting) == balances.get("PENDING", 0) - ripe
            if ripe:  # not released yet: then it repays, and may expire at once
                continue
            lots = {(lot.available_on, lot.expires_on): lot for lot in held.filter(wallet__kind="AVAILABLE")}
            [last_day] = wallets.filter(kind="AVAILABLE").values_list("expires_on", flat=True) or [None]
            assert last_day == plain.last_day
            is_over = last_day is not None and last_day < today
            not_due = {
                days: lot.remaining
                for days, lot in lots.items()
                if not is_over and (not lot.last_day or lot.last_day >= today)
            }
            assert not_due == {days: lot.remaining for days, lot in plain.lots.items() if lot.remaining}
            assert balances.get("AVAILABLE", 0) == sum(lot.remaining for lot in lots.values())
            assert -balances.get("DEBT", 0) == plain.debt
            assert not (plain.available and plain.debt)

    @invariant()
    def limits_count_what_the_plain_ledger_says(self) -> None:
        if not hasattr(self, "program"):
            return
        used = {
            (code or "consent", subject_id, start): points
            for code, subject_id, start, points in CapUsage.objects.filter(
                program=self.program, used__gt=0
            ).values_list("rule_code", "subject_id", "period_start", "used")
        }
        assert used == {key: points for key, points in self.plain.used.items() if points}

    def _item(self, company: int, has_person: bool, amount: Decimal, days_ago: int) -> ActivityItem:
        self.count += 1
        person = self.people[company]
        return ActivityItem(
            external_id=f"P{self.count}",
            type="purchase",
            company_id=person.company_id,
            employee_id=person.pk if has_person else None,
            occurred_at=self.now - timedelta(days=days_ago),
            amount=amount,
            quantity=Decimal(2),
            currency="GBP",
        )

    def _pending(self) -> int:
        wallets = Wallet.objects.filter(program=self.program, kind="PENDING")
        return sum(wallets.values_list("balance", flat=True))

    def _return_of(self, bought: Bought, amount: Decimal | None, days: int) -> ActivityItem:
        return self._back(bought.item, amount, days)

    def _back(self, item: ActivityItem, amount: Decimal | None, days: int) -> ActivityItem:
        self.count += 1
        return ActivityItem(
            external_id=f"R{self.count}",
            type="purchase",
            company_id=item.company_id,
            occurred_at=min(self.now, item.occurred_at + timedelta(days=days)),
            amount=amount,
            currency="" if amount is None else "GBP",
            reverses=item.external_id,
        )

    def _record(self, items: list[ActivityItem]) -> list[Outcome]:
        return record_activities(items, source=self.source, now=self.now)

    def _redeem(self, person: Employee, reward: Reward, owner: tuple[int, int | None]) -> Redemption:
        self.count += 1
        return redeem(
            actor=actor_of(person.user, now=self.now),
            reward_id=reward.pk,
            payer=Owner(self.program.pk, *owner),
            shown_price=reward.price,
            key=f"K{self.count}",
            now=self.now,
        ).redemption


def _moved_into(program: Program, kind: str, *, before: datetime) -> int:
    """What postings made before a moment put into a kind of wallet, less what they took out of it."""
    made = Posting.objects.filter(created_at__lt=before)
    into = made.filter(credit_wallet__program=program, credit_wallet__kind=kind).aggregate(points=Sum("points"))
    out_of = made.filter(debit_wallet__program=program, debit_wallet__kind=kind).aggregate(points=Sum("points"))
    return (into["points"] or 0) - (out_of["points"] or 0)


def _rules_of(london: Program, tokyo: Program) -> None:
    for code, measure in (("pieces", "QUANTITY"), ("orders", "COUNT"), ("earned", "POINTS")):
        Metric.objects.create(program=london, code=code, name=code, measure=measure, activity_type=a_purchase_type())
    a_rule_set(
        london,
        [
            {"code": "spend", "caps": [("COMPANY", "MONTH", SPEND_CAP)]},
            {
                "code": "shared",
                "beneficiary": "BOTH",
                "formula": {"kind": "percent", "percent": "10", "of": "activity.amount"},
                "caps": [("EMPLOYEE", "DAY", SHARED_CAP)],
            },
        ],
    )
    partner = {"fact": "standing.tier", "op": "eq", "value": "partner"}
    a_rule_set(
        tokyo,
        [
            {"code": "partner", "condition": partner, "formula": {"kind": "fixed", "points": 30}},
            {
                "code": "big",
                "condition": {"fact": "activity.amount", "op": "gte", "value": 100},
                "formula": {"kind": "fixed", "points": 11},
                "caps": [("PROGRAM", "WEEK", 100)],
            },
        ],
    )


def _run(*, examples: int, steps: int) -> None:
    run_state_machine_as_test(
        Points,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=[*HealthCheck],
        ),
    )


def test_laws_hold_after_every_step_of_any_history() -> None:
    _run(examples=10, steps=20)


@pytest.mark.long
def test_laws_hold_after_every_step_of_many_long_histories() -> None:
    _run(examples=300, steps=50)
