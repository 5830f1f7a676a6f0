"""A company's own figures: what its points did month by month, and what each of its people has."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import BigIntegerField, Case, F, OuterRef, QuerySet, Subquery, Sum, Value, When
from django.db.models.functions import Coalesce

from accounts import arrays
from accounts.actors import Actor
from accounts.models import Employee
from loyalty.models import Lot, Membership, Program, Wallet
from loyalty.standing import month_of, month_start

MONTHS = 12


@dataclass(frozen=True, slots=True)
class MonthOfPoints:
    """What was issued, spent and expired in a month, less what was taken back or refunded in it."""

    month: date
    issued: int
    spent: int
    expired: int


def months_of(membership: Membership, *, at: datetime) -> list[MonthOfPoints]:
    """Return the company's last MONTHS months in a program, the present one last; one query.

    The months are those of the program's time zone, by the moment that points count from.
    """
    zone = membership.program.zone
    this_month = month_of(at, zone)
    months = [month_start(this_month - back) for back in reversed(range(MONTHS))]
    rows = arrays.fetch(
        """SELECT date_trunc('month', leg.effective_at AT TIME ZONE %s)::date, w.kind, sum(leg.points)::bigint
           FROM loyalty_wallet w CROSS JOIN LATERAL (
               SELECT p.effective_at, p.points * CASE w.kind WHEN 'ISSUED' THEN -1 ELSE 1 END AS points
               FROM loyalty_posting p WHERE p.credit_wallet_id = w.id AND p.effective_at >= %s
               UNION ALL
               SELECT p.effective_at, p.points * CASE w.kind WHEN 'ISSUED' THEN 1 ELSE -1 END
               FROM loyalty_posting p WHERE p.debit_wallet_id = w.id AND p.effective_at >= %s) AS leg
           WHERE w.program_id = %s AND w.company_id = %s AND w.employee_id IS NULL AND w.kind = ANY(%s)
           GROUP BY 1, 2""",
        membership.program.time_zone,
        *[_midnight(months[0], zone)] * 2,
        membership.program_id,
        membership.company_id,
        [Wallet.Kind.ISSUED, Wallet.Kind.SPENT, Wallet.Kind.EXPIRED],
    )
    found = {(month, kind): int(points) for month, kind, points in rows}
    return [
        MonthOfPoints(
            month,
            issued=found.get((month, Wallet.Kind.ISSUED), 0),
            spent=found.get((month, Wallet.Kind.SPENT), 0),
            expired=found.get((month, Wallet.Kind.EXPIRED), 0),
        )
        for month in months
    ]


def people_with_points(actor: Actor, membership: Membership) -> QuerySet[Employee]:
    """Return the company's people whose wallets the actor sees, with `available` points, the most first."""
    today = actor.at.astimezone(membership.program.zone).date()
    lots = Lot.objects.alias(ends_on=Coalesce("extended_to", "expires_on")).order_by()
    due = lots.filter(wallet=OuterRef("pk"), is_open=True, ends_on__lt=today).values("wallet")
    expired = Coalesce(Subquery(due.annotate(points=Sum("remaining")).values("points")), 0)
    wallets = Wallet.objects.visible_to(actor).filter(
        program=membership.program_id, employee=OuterRef("pk"), kind=Wallet.Kind.AVAILABLE
    )
    left: Any = F("balance") - expired
    if membership.program.expiry == Program.Expiry.INACTIVITY:
        left = Case(When(expires_on__lt=today, then=Value(0, output_field=BigIntegerField())), default=left)
    people = Employee.objects.visible_to(actor).filter(company=membership.company_id)
    with_points = people.annotate(available=Subquery(wallets.annotate(left=left).values("left")[:1])).filter(
        available__isnull=False
    )
    return with_points.order_by("-available", "name", "pk")


def earned_since(membership: Membership, employee_ids: Collection[int], *, since: datetime) -> Mapping[int, int]:
    """Return what each of these people was given from `since` on, less what was taken back again; one query."""
    rows = arrays.fetch(
        """SELECT w.employee_id, sum(leg.points)::bigint
           FROM loyalty_wallet w CROSS JOIN LATERAL (
               SELECT p.points FROM loyalty_posting p JOIN loyalty_wallet o ON o.id = p.debit_wallet_id
               WHERE p.credit_wallet_id = w.id AND p.effective_at >= %s AND o.kind = %s
               UNION ALL
               SELECT -p.points FROM loyalty_posting p JOIN loyalty_wallet o ON o.id = p.credit_wallet_id
               WHERE p.debit_wallet_id = w.id AND p.effective_at >= %s AND o.kind = %s) AS leg
           WHERE w.program_id = %s AND w.company_id = %s AND w.employee_id = ANY(%s)
           GROUP BY 1""",
        *(since, Wallet.Kind.ISSUED) * 2,
        membership.program_id,
        membership.company_id,
        list(employee_ids),
    )
    return {employee_id: int(points) for employee_id, points in rows}


def year_start(membership: Membership, *, at: datetime) -> datetime:
    """Return the first moment of the year that `at` lies in where the program is."""
    zone = membership.program.zone
    return _midnight(at.astimezone(zone).date().replace(month=1, day=1), zone)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)
