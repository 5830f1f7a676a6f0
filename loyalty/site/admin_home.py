"""The program manager's home: what waits, how a program does, and what deserves a look."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, DateTimeField, F, Min, Q, QuerySet, Sum, Value
from django.db.models.functions import Cast, TruncDate
from django.http import HttpRequest
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actors import Actor
from accounts.admin.companies import without_account_manager
from accounts.admin.webhook_deliveries import given_up
from accounts.admin.webhooks import failing
from accounts.middleware import actor_behind
from accounts.models import Approval, Company, FollowUp, Job, WebhookDelivery, WebhookSubscription
from loyalty.admin.memberships import moved, taking_part, without_consent
from loyalty.admin.programs import without_rules
from loyalty.admin.rulesets import in_doubt
from loyalty.figures import Change, change, days_of
from loyalty.goals import due, over_budget, to_be_stopped, without_goals
from loyalty.models import (
    BenefitMatrix,
    Lot,
    Membership,
    Program,
    ProgramDay,
    ProgramPlan,
    ReturnLink,
    RuleSet,
    TierAssignment,
    Wallet,
)
from loyalty.site import charts
from loyalty.site.admin_notices import EXPIRING_WITHIN, list_of, notices
from loyalty.site.templatetags.twofold import MINUS, number
from loyalty.versions import State, in_state
from rewards.admin.catalogue import out_of_stock
from rewards.admin.redemptions import queue_of
from rewards.models import Redemption, Reward
from surveys.admin.surveys import closing_soon
from surveys.models import Survey

SPAN = 30
"""Days that the figures look back, and against which so many days before are held."""

_ONLY_WHERE_THERE_ARE_ANY = {
    "company",
    "returns",
    "reviews",
    "failed jobs",
    "webhooks",
    "rule drafts",
    "benefit drafts",
}


@dataclass(frozen=True, slots=True)
class Queue:
    """Something that waits; `age` says in words how long the oldest does, "" where nothing does or nobody knows."""

    label: str
    count: int
    age: str
    url: str
    is_late: bool


@dataclass(frozen=True, slots=True)
class Card:
    """One figure: its value, how it moved, a line of how it went, and the rows behind it."""

    label: str
    value: str
    unit: str
    change: str
    line: charts.Sparkline
    url: str


@dataclass(frozen=True, slots=True)
class ProgramSwitch:
    """A program to choose."""

    name: str
    url: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class _Count:
    """How many rows of a kind there are, or what they add up to, and since when the oldest stands."""

    number: int
    since: datetime | None


def home(request: HttpRequest) -> dict[str, Any]:
    """Return what the home page shows to who is asking; the number of queries does not depend on the rows."""
    actor = actor_behind(request)
    programs = _programs(actor)
    program = _chosen(programs, request.GET.get("program", ""))
    asked = {name: rows for name, rows in _questions(actor, program).items() if _may_see(request, rows)}
    counts = _counted(asked)
    return {
        "queues": list(_queues(counts, actor)),
        "notices": list(notices({name: count.number for name, count in counts.items()}, program, actor)),
        "program": program,
        "switches": _switches(programs, program) if len(programs) > 1 else [],
        "cards": _cards(program, actor) if program and request.user.has_perm("loyalty.view_programday") else [],
        "span": SPAN,
        "as_of": actor.at,
    }


def _programs(actor: Actor) -> list[Program]:
    """Return the running programs, each with its `members` of this moment."""
    at = actor.at
    members = Q(memberships__starts_at__lte=at) & (Q(memberships__ends_at=None) | Q(memberships__ends_at__gt=at))
    running = Program.objects.visible_to(actor).filter(is_active=True)
    return list(running.annotate(members=Count("memberships", filter=members)).order_by("name", "pk"))


def _chosen(programs: Sequence[Program], code: str) -> Program | None:
    """Return the program asked for, or the one with the most members."""
    largest = max(programs, key=lambda row: getattr(row, "members", 0), default=None)
    return next((row for row in programs if row.code == code), largest)


def _switches(programs: Sequence[Program], current: Program | None) -> list[ProgramSwitch]:
    home_url = reverse("admin:index")
    return [
        ProgramSwitch(row.name, f"{home_url}?{urlencode({'program': row.code})}", row == current) for row in programs
    ]


def _may_see(request: HttpRequest, rows: QuerySet[Any]) -> bool:
    meta = rows.model._meta
    return request.user.has_perm(f"{meta.app_label}.view_{meta.model_name}")


def _questions(actor: Actor, program: Program | None) -> dict[str, QuerySet[Any]]:
    """Return what is counted: a name, the rows, annotated with what they add up to and since when they stand."""
    at = actor.at
    orders = Redemption.objects.visible_to(actor)
    late = FollowUp.objects.visible_to(actor).filter(state=FollowUp.State.OPEN, due_on__lt=at.date())
    waiting = Approval.objects.visible_to(actor).filter(state=Approval.State.WAITING, audience=Approval.Audience.VENDOR)
    questions = {
        "us": _numbered(queue_of(orders, "us"), "placed_at"),
        "company": _numbered(queue_of(orders, "company"), "placed_at"),
        "order": _numbered(queue_of(orders, "order"), "placed_at"),
        "delivery": _numbered(queue_of(orders, "delivery"), "placed_at"),
        "approvals": _numbered(waiting, "asked_at"),
        "late": _numbered(late, "due_on"),
        "returns": _numbered(ReturnLink.objects.visible_to(actor).waiting(), "activity__recorded_at"),
        "failed jobs": _numbered(Job.objects.visible_to(actor).filter(state=Job.State.FAILED), "ended_at"),
        "reviews": _numbered(due(ProgramPlan.objects.visible_to(actor), at), "review_on"),
        "no goals": _numbered(without_goals(Program.objects.visible_to(actor))),
        "to be stopped": _numbered(to_be_stopped(Program.objects.visible_to(actor))),
        "over budget": _numbered(over_budget(ProgramPlan.objects.visible_to(actor), at)),
        "rule drafts": _numbered(in_state(RuleSet.objects.visible_to(actor), State.DRAFT, now=actor.at)),
        "benefit drafts": _numbered(in_state(BenefitMatrix.objects.visible_to(actor), State.DRAFT, now=actor.at)),
        "no consent": _numbered(without_consent(Membership.objects.visible_to(actor), at)),
        "nobody": _numbered(taking_part(without_account_manager(Company.objects.visible_to(actor), at), at)),
        "out of stock": _numbered(out_of_stock(Reward.objects.visible_to(actor).filter(is_published=True))),
        "no rules": _numbered(without_rules(Program.objects.visible_to(actor), at)),
        "kickback": _numbered(in_doubt(RuleSet.objects.visible_to(actor), at)),
        "webhooks": _numbered(given_up(WebhookDelivery.objects.visible_to(actor)), "ended_at"),
        "failing": _numbered(failing(WebhookSubscription.objects.visible_to(actor))),
        "closing": _numbered(closing_soon(Survey.objects.visible_to(actor), at), "closes_at"),
    }
    if program is not None:
        today = at.astimezone(program.zone).date()
        lots = Lot.objects.visible_to(actor).filter(is_open=True, wallet__program=program)
        lots = lots.ending(today, today + EXPIRING_WITHIN)
        questions["expiring"] = _numbered(lots, total="remaining")
    return questions


def _numbered(rows: QuerySet[Any], since: str = "", *, total: str = "") -> QuerySet[Any]:
    oldest = Cast(Min(since), DateTimeField()) if since else Value(None, output_field=DateTimeField())
    amount = Sum(total) if total else Count("pk")
    counted: QuerySet[Any] = (
        rows.order_by().annotate(what=Value("")).values("what").annotate(number=amount, since=oldest)
    )
    return counted


def _counted(questions: Mapping[str, QuerySet[Any]]) -> dict[str, _Count]:
    """Answer all questions in one query."""
    named = [rows.annotate(name=Value(name)).values_list("name", "number", "since") for name, rows in questions.items()]
    if not named:
        return {}
    counts = dict.fromkeys(questions, _Count(0, None))
    for name, count, since in named[0].union(*named[1:], all=True):
        counts[name] = _Count(int(count or 0), since)
    return counts


def _queues(counts: Mapping[str, _Count], actor: Actor) -> Iterator[Queue]:
    """What waits, as it is worked off; failures, drafts, and what others are to do, only where there are any."""
    today = actor.at.date()
    rows: list[tuple[str, str | Promise, str]] = [
        ("us", gettext_lazy("Orders to approve"), list_of(Redemption, waits="us")),
        (
            "approvals",
            gettext_lazy("Requests for a second person"),
            list_of(Approval, state__exact="WAITING", audience__exact="VENDOR"),
        ),
        ("company", gettext_lazy("Orders that their companies are to approve"), list_of(Redemption, waits="company")),
        ("order", gettext_lazy("Orders to place with partners"), list_of(Redemption, waits="order")),
        ("delivery", gettext_lazy("Orders to be delivered"), list_of(Redemption, waits="delivery")),
        (
            "late",
            gettext_lazy("Promises past their day"),
            list_of(FollowUp, state__exact="OPEN", due_on__lt=today.isoformat()),
        ),
        (
            "returns",
            gettext_lazy("Returns that wait for what they undo"),
            list_of(ReturnLink, state="waits"),
        ),
        ("failed jobs", gettext_lazy("Jobs that failed"), list_of(Job, state__exact="FAILED")),
        ("webhooks", gettext_lazy("Webhooks that never arrived"), list_of(WebhookDelivery, state__exact="DEAD")),
        ("reviews", gettext_lazy("Programs to review: keep, change or stop"), list_of(ProgramPlan, look="due")),
        ("rule drafts", gettext_lazy("Drafts of rules"), list_of(RuleSet, state="DRAFT")),
        ("benefit drafts", gettext_lazy("Drafts of benefits"), list_of(BenefitMatrix, state="DRAFT")),
    ]
    for name, label, url in rows:
        count = counts.get(name)
        if count is None or (not count.number and name in _ONLY_WHERE_THERE_ARE_ANY):
            continue
        age = _age(count.since, actor.at) if count.number else ""
        yield Queue(str(label), count.number, age, url, is_late=name == "late" and count.number > 0)


def _age(since: datetime | None, now: datetime) -> str:
    """How long something waits, in its largest unit: "3 days"; "" where nobody knows."""
    if since is None:
        return ""
    return _("under a minute") if now - since < timedelta(minutes=1) else timesince(since, now, depth=1)


def _cards(program: Program, actor: Actor) -> list[Card]:
    """Return the five figures of a program, each over SPAN days against the SPAN days before; five queries."""
    today = actor.at.astimezone(program.zone).date()
    days = days_of(program, since=today - timedelta(days=2 * SPAN), now=actor.at)
    course = [_span_to(days, today - timedelta(days=back)) for back in range(SPAN - 1, -1, -1)]
    now, before = course[-1], _span_to(days, today - timedelta(days=SPAN))
    return [
        _active_card(program, days, course, now, before),
        _issued_card(program, days, today, now, before),
        _rate_card(program, course, today, now, before),
        _liability_card(program, course, now, before),
        _moves_card(program, today, actor),
    ]


def _span_to(days: Sequence[ProgramDay], last: date) -> Change | None:
    return change(days, first=last - timedelta(days=SPAN - 1), last=last)


def _active_card(
    program: Program,
    days: Sequence[ProgramDay],
    course: Sequence[Change | None],
    now: Change | None,
    before: Change | None,
) -> Card:
    count = now.active_companies if now else 0
    return Card(
        label=_("Active companies"),
        value=number(count),
        unit=_("of %(members)s") % {"members": number(days[-1].members)},
        change=_difference(count, before.active_companies if before else None),
        line=_line([span.active_companies if span else None for span in course]),
        url=list_of(Membership, program__id__exact=program.pk, active="yes"),
    )


def _issued_card(
    program: Program, days: Sequence[ProgramDay], today: date, now: Change | None, before: Change | None
) -> Card:
    issued = now.issued if now else 0
    a_day = [change(days, first=day, last=day) for day in _last_days(today)]
    return Card(
        label=_("Points issued"),
        value=number(issued),
        unit="",
        change=_growth(issued, before.issued if before else None),
        line=_line([one.issued if one else None for one in a_day]),
        url=list_of(ProgramDay, program__id__exact=program.pk, day__gte=_last_days(today)[0].isoformat()),
    )


def _rate_card(
    program: Program, course: Sequence[Change | None], today: date, now: Change | None, before: Change | None
) -> Card:
    rate, rate_before = _percent(now), _percent(before)
    since = datetime.combine(_last_days(today)[0], time.min, tzinfo=program.zone)
    return Card(
        label=_("Redemption rate"),
        value="–" if rate is None else _percentage(rate),
        unit="",
        change=_points_of_percent(rate, rate_before),
        line=_line([_percent(span) for span in course]),
        url=list_of(Redemption, reward__program__id__exact=program.pk, placed_at__gte=since.isoformat()),
    )


def _liability_card(
    program: Program, course: Sequence[Change | None], now: Change | None, before: Change | None
) -> Card:
    owed = now.outstanding if now else 0
    return Card(
        label=_("Liability"),
        value=number((owed * program.point_value).quantize(Decimal("0.01"))),
        unit=program.currency,
        change=_growth(owed, before.outstanding if before else None),
        line=_line([span.outstanding if span else None for span in course]),
        url=list_of(
            Wallet,
            program__id__exact=program.pk,
            kind__in=f"{Wallet.Kind.AVAILABLE.value},{Wallet.Kind.PENDING.value}",
        ),
    )


def _moves_card(program: Program, today: date, actor: Actor) -> Card:
    moves = _moves(program, today, actor)
    recent = _last_days(today)
    up, down = (sum(moves.get((day, is_up), 0) for day in recent) for is_up in (True, False))
    all_before = sum(moves.values()) - up - down
    since = datetime.combine(recent[0], time.min, tzinfo=program.zone)
    return Card(
        label=_("Tier moves"),
        value=number(up + down),
        unit="",
        change=_("%(up)s up, %(down)s down; %(change)s")
        % {"up": number(up), "down": number(down), "change": _difference(up + down, all_before)},
        line=_line([moves.get((day, True), 0) + moves.get((day, False), 0) for day in recent]),
        url=list_of(
            TierAssignment, membership__program__id__exact=program.pk, starts_at__gte=since.isoformat(), moved="yes"
        ),
    )


def _moves(program: Program, today: date, actor: Actor) -> dict[tuple[date, bool], int]:
    """How many companies moved up (True) and down (False) on each of the last 2 x SPAN days; one query."""
    since = datetime.combine(today - timedelta(days=2 * SPAN - 1), time.min, tzinfo=program.zone)
    rows = moved(TierAssignment.objects.visible_to(actor)).filter(
        membership__program=program, starts_at__gte=since, starts_at__lte=actor.at
    )
    counted = (
        rows.order_by()
        .annotate(day=TruncDate("starts_at", tzinfo=program.zone), is_up=Q(tier__rank__gt=F("rank_before")))
        .values("day", "is_up")
        .annotate(number=Count("pk"))
    )
    return {(row["day"], row["is_up"]): row["number"] for row in counted}


def _line(values: Iterable[Decimal | int | None]) -> charts.Sparkline:
    """Return the line of a figure; nothing where there is only one day to show."""
    known = list(values)
    return charts.sparkline(values=known if sum(value is not None for value in known) > 1 else [])


def _last_days(today: date) -> list[date]:
    return [today - timedelta(days=back) for back in range(SPAN - 1, -1, -1)]


def _percent(span: Change | None) -> Decimal | None:
    if span is None or span.redemption_rate is None:
        return None
    return (Decimal(span.redemption_rate) * 100).quantize(Decimal("0.1"))


def _percentage(value: Decimal) -> str:
    """A share with one decimal and a true minus."""
    return f"{MINUS if value < 0 else ''}{number_format(abs(value), 1)}%"


def _signed(value: int | Decimal) -> str:
    return f"+{number(value)}" if value > 0 else f"{MINUS}{number(-value)}"


def _difference(now: int, before: int | None) -> str:
    """How a count moved, in words; a sign and a number, never a colour alone."""
    if before is None:
        return _("nothing to compare with yet")
    if now == before:
        return _("as before")
    return _("%(change)s, from %(before)s") % {"change": _signed(now - before), "before": number(before)}


def _growth(now: int, before: int | None) -> str:
    if not before or before < 0:
        return _("nothing to compare with yet") if before is None else _difference(now, before)
    grown = ((Decimal(now) - before) / before * 100).quantize(Decimal("1"))
    return _("as before") if grown == 0 else _("%(change)s%% against before") % {"change": _signed(grown)}


def _points_of_percent(now: Decimal | None, before: Decimal | None) -> str:
    if now is None or before is None:
        return _("nothing to compare with yet")
    if now == before:
        return _("as before")
    sign = "+" if now > before else MINUS
    moved = f"{sign}{number_format(abs(now - before), 1)}"
    return _("%(change)s points, from %(before)s") % {"change": moved, "before": _percentage(before)}
