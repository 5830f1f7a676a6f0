"""What every way to a tier does: a title begins or gets another end, and the tier that is held follows at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts import audit, messages
from accounts.actors import Actor
from accounts.messages import MessageKind, Telling
from accounts.models import Employee
from loyalty.models import Membership, Program, StandingEvent, Tier, TierAssignment, TierTitle
from loyalty.standing import StandingBoard, TierPlan, tier_plans_of
from loyalty.standing.board import Title
from loyalty.standing.review import keep_events, make_known, open_board

Source = TierAssignment.Source
BY_HAND = (Source.NEGOTIATED, Source.FLOOR)


class TitleError(Exception):
    """A tier that cannot be taken, given or ended this way; `str()` says why and what to do."""


class NotYoursToDecideError(TitleError):
    """Whoever decides is no admin of the company that it concerns."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A membership under lock, its plan, and the board of its standing."""

    membership: Membership
    program: Program
    plan: TierPlan
    board: StandingBoard
    now: datetime

    def begin(self, tier: Tier, source: str, *, by_id: int, ends_at: datetime | None, **fields: object) -> TierTitle:
        """Let a title to `tier` begin now, in the place of one of its own source."""
        if tier.program_id != self.program.pk:
            raise TitleError(_("This tier belongs to another program. Choose one of the membership's own."))
        TierTitle.objects.filter(membership=self.membership, source=source).in_force(self.now).update(ends_at=self.now)
        title = TierTitle.objects.create(
            membership=self.membership,
            tier=tier,
            source=source,
            given_by_id=by_id,
            starts_at=self.now,
            ends_at=ends_at,
            **fields,
        )
        taken_in = Title(title.pk, self.plan.step(tier.pk), source, self.now, ends_at)
        self.board.give(self.membership.pk, taken_in, at=self.now)
        self._settle(StandingEvent.Kind.GIVEN, title)
        return title

    def change(self, title: TierTitle) -> None:
        """Save a title whose end, or what is paid of it, is another, and let the tier held follow."""
        title.save(update_fields=["ends_at", "paid_through", "cancelled_at"])
        self.board.change(self.membership.pk, title.pk, ends_at=title.ends_at, at=self.now)
        self._settle(StandingEvent.Kind.CHANGED, title)

    def _settle(self, kind: str, title: TierTitle) -> None:
        self.board.write()
        keep_events([(self.membership.pk, kind, title.pk, title.ends_at)], now=self.now)
        make_known(self.board, now=self.now)


def opened(membership: Membership, *, now: datetime) -> Opened:
    """Lock a membership and open its standing; TitleError where it is not in force. Call it in a transaction."""
    program = Program.objects.get(pk=membership.program_id)
    plan = tier_plans_of([program])[program.pk]
    board = open_board(plan, [membership.pk], now=now)
    locked = Membership.objects.get(pk=membership.pk)
    if not locked.holds_at(now) or not program.is_active:
        raise TitleError(_("The company does not take part in this program now."))
    return Opened(locked, program, plan, board, now)


def locked_title(title: TierTitle, *, now: datetime) -> TierTitle:
    """Return a title as it stands, under the lock of its membership; TitleError where it is over."""
    row = TierTitle.objects.select_related("tier", "membership").get(pk=title.pk)
    if not row.holds_at(now):
        raise TitleError(_("This has ended already. Nothing has changed."))
    return row


def end_of_day_after(program: Program, last_day: date) -> datetime:
    """Return the moment at which what holds through `last_day` ends where the program is."""
    return datetime.combine(last_day + timedelta(days=1), time(), program.zone)


def require_admin(actor: Actor, membership: Membership) -> None:
    """Raise NotYoursToDecideError where the actor's word does not bind the company: an admin's own does."""
    of_company = actor.is_employee and actor.company_id == membership.company_id
    if not (of_company and actor.is_company_admin and actor.user_id) or actor.seen_by_user_id:
        raise NotYoursToDecideError(_("Only an admin of the company decides this. Ask one of them."))


def give_by_hand(
    *, membership: Membership, tier: Tier, source: str, until: date, reason: str, by_id: int, now: datetime
) -> TierTitle:
    """Let a company hold `tier`, or no lower one (source FLOOR), through `until`; the client reads the reason.

    Raises TitleError; then nothing has changed.
    """
    if source not in BY_HAND:
        raise TitleError(_("By hand a tier is agreed upon, or kept from falling. Choose one of the two."))
    if not reason.strip():
        raise TitleError(_("Say why: the client reads the reason."))
    with transaction.atomic():
        at = opened(membership, now=now)
        ends_at = end_of_day_after(at.program, until)
        if ends_at <= now:
            raise TitleError(_("This day is over. Choose today or a later one."))
        if TierTitle.objects.filter(membership=at.membership, source=source).in_force(now).exists():
            raise TitleError(_("The company has such a title already. End that one first."))
        title = at.begin(tier, source, by_id=by_id, ends_at=ends_at, reason=reason)
        on_record("tier-given", title, by_id, now, reason)
    return title


def end_title(*, title: TierTitle, reason: str, by_id: int, now: datetime) -> TierTitle:
    """End a title at once; what is earned beneath is held from now on. Raises TitleError; then nothing has changed."""
    if not reason.strip():
        raise TitleError(_("Say why: it stands on record."))
    with transaction.atomic():
        at = opened(title.membership, now=now)
        row = locked_title(title, now=now)
        row.ends_at = now
        at.change(row)
        on_record("tier-ended", row, by_id, now, reason)
    return row


def on_record(action: str, title: TierTitle, by_id: int, now: datetime, reason: str = "", **numbers: int) -> None:
    """Write down who did what to a title."""
    company_id = title.membership.company_id
    facts: Mapping[str, int] = {"tier": title.tier_id, "membership": title.membership_id, **numbers}
    audit.record(action, title, actor_id=by_id, now=now, company_id=company_id, reason=reason, **facts)


@dataclass(frozen=True, slots=True)
class News:
    """What those who act for a company are told."""

    company_id: int
    subject_id: int
    facts: dict[str, str | int]


def tell_admins(
    kind: MessageKind, company_id: int, subject_id: int, facts: dict[str, str | int], *, now: datetime
) -> None:
    """Tell those who act for a company."""
    tell_admins_of(kind, [News(company_id, subject_id, facts)], now=now)


def tell_admins_of(kind: MessageKind, news: Sequence[News], *, now: datetime) -> None:
    """Tell those who act for some companies, each of its own; nothing is asked where there is no news."""
    if not news:
        return
    acts = Q(access=Employee.Access.ADMIN) | Q(buying_role=Employee.BuyingRole.DECIDES)
    companies = {one.company_id for one in news}
    rows = Employee.objects.filter(acts, company__in=companies, is_active=True, user__isnull=False).order_by("pk")
    people: dict[int, list[int]] = {}
    for employee_id, company_id in rows.values_list("pk", "company_id"):
        people.setdefault(company_id, []).append(employee_id)
    tellings = [Telling(pk, one.subject_id, one.facts) for one in news for pk in people.get(one.company_id, ())]
    messages.tell(kind, tellings, now=now)
