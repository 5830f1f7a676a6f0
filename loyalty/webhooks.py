"""What this floor announces to other systems: activities, points that moved, tiers, consents, benefits used."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts import arrays, webhooks
from accounts.models import Employee
from accounts.together import Answer
from accounts.webhooks import EventKind, News
from accounts.webhooks.people import named
from loyalty.models import Activity, BenefitUse, Consent, Membership, Program, Transaction

_ACTIVITY = {"id": 907, "source": "shop", "external_id": "INV-2041"}
_PERSON = {"id": 31, "external_id": "E-7"}


def _of_points(code: str, label: str | Promise, points: int, *, activity: Mapping[str, object] | None) -> EventKind:
    shares: list[Mapping[str, object]] = [{"employee": None, "points": points}]
    if activity:
        shares = [{"employee": None, "points": points - 20}, {"employee": _PERSON, "points": 20}]
    example = {"transaction": 512, "program": "club", "activity": activity, "points": points, "wallets": shares}
    return EventKind(code, label, "points", example)


_OF_ACTS: Mapping[str, EventKind] = {
    Transaction.Kind.EARN: _of_points("points.earned", _("Points were earned"), 120, activity=_ACTIVITY),
    Transaction.Kind.RETURN: _of_points(
        "points.returned", _("Points were taken back after a return"), -60, activity=_ACTIVITY
    ),
    Transaction.Kind.REDEEM: _of_points("points.spent", _("Points were spent"), -200, activity=None),
    Transaction.Kind.CANCEL: _of_points("points.refunded", _("Spent points were given back"), 200, activity=None),
    Transaction.Kind.EXPIRE: _of_points("points.expired", _("Points expired"), -75, activity=None),
    Transaction.Kind.RELEASE: _of_points("points.released", _("Points that waited can be spent"), 120, activity=None),
    Transaction.Kind.TRANSFER: EventKind(
        "points.passed",
        _("Points were passed on within a company"),
        "points",
        {
            "transaction": 512,
            "program": "club",
            "activity": None,
            "points": 0,
            "wallets": [{"employee": None, "points": 40}, {"employee": _PERSON, "points": -40}],
        },
    ),
    Transaction.Kind.END: _of_points("points.ended", _("Points expired as the program ended"), -75, activity=None),
    Transaction.Kind.HAND_OVER: _of_points(
        "points.settled", _("Points were handed over as the program ended, to be paid out"), -75, activity=None
    ),
    Transaction.Kind.ADJUST: _of_points("points.adjusted", _("Points were given or taken by hand"), 50, activity=None),
}
ACTIVITY_RECORDED = EventKind(
    "activity.recorded",
    _("An activity was recorded"),
    "activity",
    {
        "activity": _ACTIVITY,
        "type": "purchase",
        "occurred_at": "2026-06-15T11:58:00.000Z",
        "employee": _PERSON,
        "quantity": None,
        "amount": "149.9",
        "currency": "GBP",
        "reverses": None,
        "is_waiting": False,
        "points": 120,
    },
)
TIER_CHANGED = EventKind(
    "tier.changed",
    _("A company changed its tier"),
    "tier",
    {"program": "club", "before": "silver", "after": "gold", "since": "2026-06-15T12:00:00.000Z"},
)
CONSENT_CHANGED = EventKind(
    "consent.changed",
    _("A company gave or withdrew its consent"),
    "consent",
    {
        "consent": 88,
        "program": "club",
        "is_given": True,
        "roles": ["accountant"],
        "monthly_limit": 500,
        "unearned": "COMPANY",
    },
)
BENEFIT_USED = EventKind(
    "benefit.used",
    _("A benefit was used"),
    "use of a benefit",
    {"use": 14, "program": "club", "benefit": "consulting-hour", "employee": _PERSON, "is_for_company": False},
)


def register() -> None:
    """Make the kinds known."""
    webhooks.register(ACTIVITY_RECORDED, *_OF_ACTS.values(), TIER_CHANGED, CONSENT_CHANGED, BENEFIT_USED)


@dataclass(frozen=True, slots=True)
class Recorded:
    """An activity as it was recorded, its numbers as text; `points` are what it brought in all programs."""

    activity_id: int
    source: str
    external_id: str
    type: str
    company_id: int
    employee_id: int | None
    occurred_at: datetime
    quantity: str | None
    amount: str | None
    currency: str
    reverses: str
    is_waiting: bool
    points: int


def announce_recorded(recorded: Callable[[], Collection[Recorded]], *, now: datetime) -> None:
    """Announce activities that were recorded."""

    def news() -> list[News]:
        rows = recorded()
        people = _numbers_of_people({one.employee_id for one in rows if one.employee_id is not None})
        return [
            News(
                ACTIVITY_RECORDED,
                one.company_id,
                str(one.activity_id),
                {
                    "activity": {"id": one.activity_id, "source": one.source, "external_id": one.external_id},
                    "type": one.type,
                    "occurred_at": webhooks.as_text(one.occurred_at),
                    "employee": named(one.employee_id, people[one.employee_id]) if one.employee_id else None,
                    "quantity": one.quantity,
                    "amount": one.amount,
                    "currency": one.currency or None,
                    "reverses": one.reverses or None,
                    "is_waiting": one.is_waiting,
                    "points": one.points,
                },
            )
            for one in rows
        ]

    webhooks.announce_all([ACTIVITY_RECORDED], news, now=now)


@dataclass(frozen=True, slots=True)
class Movement:
    """What one act on the ledger moved: points by employee, None for the company, negative where they were taken."""

    transaction_id: int
    kind: str
    program_id: int
    company_id: int
    activity_id: int | None
    points: Mapping[int | None, int]


_HEARD = webhooks.heard_sql(_OF_ACTS.values())


def ask_who_hears() -> Answer:
    """Ask, under the locks of the wallets, what of moving points anybody listens to."""
    return arrays.ask(_HEARD)


def announce_movements(
    movements: Callable[[], Collection[Movement]], *, now: datetime, heard: Answer | None = None
) -> None:
    """Announce what moved points; call it under the locks of the wallets. `heard` is what `ask_who_hears` gave."""

    def news() -> list[News]:
        moved = movements()
        programs = _codes_of_programs({one.program_id for one in moved})
        people = _numbers_of_people({pk for one in moved for pk in one.points if pk is not None})
        activities = _activities({one.activity_id for one in moved if one.activity_id is not None})
        return [
            News(
                _OF_ACTS[one.kind],
                one.company_id,
                f"{one.program_id}/{one.company_id}",
                {
                    "transaction": one.transaction_id,
                    "program": programs[one.program_id],
                    "activity": activities.get(one.activity_id),
                    "points": sum(one.points.values()),
                    "wallets": [
                        {"employee": named(pk, people[pk]) if pk else None, "points": points}
                        for pk, points in sorted(one.points.items(), key=lambda share: share[0] or 0)
                    ],
                },
            )
            for one in moved
        ]

    webhooks.announce_all(_OF_ACTS.values(), news, now=now, heard=[code for (code,) in (heard or ask_who_hears()).rows])


def announce_consent(consent: Consent, membership: Membership, *, is_given: bool, now: datetime) -> None:
    """Announce that a consent was given or withdrawn; call it under the lock of the membership."""

    def facts() -> Mapping[str, object]:
        return {
            "consent": consent.pk,
            "program": membership.program.code,
            "is_given": is_given,
            "roles": consent.roles,
            "monthly_limit": consent.monthly_limit,
            "unearned": consent.unearned,
        }

    webhooks.announce(CONSENT_CHANGED, company_id=membership.company_id, subject_id=membership.pk, facts=facts, now=now)


def announce_benefit_use(use: BenefitUse, membership: Membership, *, now: datetime) -> None:
    """Announce that a benefit was used."""

    def facts() -> Mapping[str, object]:
        return {
            "use": use.pk,
            "program": membership.program.code,
            "benefit": use.benefit.code,
            "employee": named(use.employee_id, use.employee.external_id),
            "is_for_company": use.is_for_company,
        }

    webhooks.announce(BENEFIT_USED, company_id=membership.company_id, subject_id=use.pk, facts=facts, now=now)


def _codes_of_programs(ids: Collection[int]) -> Mapping[int, str]:
    return dict(Program.objects.filter(pk__in=ids).values_list("pk", "code"))


def _numbers_of_people(ids: Collection[int]) -> dict[int, str]:
    return dict(Employee.objects.filter(pk__in=ids).values_list("pk", "external_id")) if ids else {}


def _activities(ids: Collection[int]) -> Mapping[int | None, dict[str, object]]:
    rows = Activity.objects.filter(pk__in=ids).values_list("pk", "source__code", "external_id") if ids else []
    return {pk: {"id": pk, "source": source, "external_id": external_id} for pk, source, external_id in rows}
