"""Balances and statements: what an owner has, and every posting that made it so."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from django.utils.translation import gettext as _

from accounts import arrays
from accounts.actors import Actor
from loyalty.ledger import Owner
from loyalty.models import Membership, Transaction, Wallet
from loyalty.own_activities import BADGE_RECEIVED, TIER_REACHED

OWN_KINDS = (Wallet.Kind.AVAILABLE, Wallet.Kind.PENDING, Wallet.Kind.DEBT)
LINES_A_PAGE = 25


@dataclass(frozen=True, slots=True)
class ExpiringLot:
    """Points that can be used up to a day."""

    points: int
    expires_on: date


@dataclass(frozen=True, slots=True)
class WaitingLot:
    """Points that can be spent from a day on; None: once they are confirmed."""

    points: int
    available_on: date | None


@dataclass(frozen=True, slots=True)
class Balance:
    """What an owner has at a moment, in points; `debt` is 0 or below, `expiring` what ends by an agreed day.

    `waiting` says of `pending` from when it can be spent, soonest first; `ends_on` is the last day of all of it, unless
    points come or are spent.
    """

    owner: Owner
    available: int = 0
    pending: int = 0
    debt: int = 0
    expiring: tuple[ExpiringLot, ...] = ()
    waiting: tuple[WaitingLot, ...] = ()
    ends_on: date | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One posting as its owner sees it: points in (positive) or out (negative), and the act behind them.

    `promoted` of points that were earned are there because of a personal promotion.
    """

    posting_id: int
    transaction_id: int
    kind: str
    at: datetime
    points: int
    activity_type: str
    object: str
    """What it was done with: a product, or by its name the badge that was received or the tier that was reached."""
    external_id: str
    rule_name: str
    reason: str = ""
    promoted: int = 0

    @property
    def place(self) -> "Place":
        """Where the line stands."""
        return self.at, self.posting_id


def owners_visible_to(actor: Actor, membership: Membership) -> list[Owner]:
    """Return whose points the actor may see: first the own, then the company's where the actor sees the company.

    Where the company has one wallet, that one alone, whoever looks.
    """
    if membership.has_one_wallet:
        return [Owner(membership.program_id, membership.company_id)]
    owners = [Owner(membership.program_id, membership.company_id, actor.employee_id)]
    if actor.sees_company:
        owners.append(Owner(membership.program_id, membership.company_id))
    return owners


def default_owner(balances: Sequence[Balance]) -> Owner:
    """Return whose points to show first: the own, unless only the company has any."""
    own = balances[0]
    if len(balances) > 1 and not (own.available or own.pending or own.debt):
        return balances[1].owner
    return own.owner


def balances_of(owners: Sequence[Owner], *, today: date, expiring_until: date | None = None) -> list[Balance]:
    """Return the balances of `owners`, in their order, as of `today`: less what is due to expire, and what waited for
    a day that has come is available; one query.

    With `expiring_until`, each tells what else expires up to that day, soonest first.
    """
    rows = arrays.fetch(
        """SELECT o.n, w.kind, CASE WHEN least(ends.day, fin.day) < %s THEN 0 ELSE w.balance - coalesce((
               SELECT sum(l.remaining) FROM loyalty_lot l
               WHERE l.wallet_id = w.id AND w.kind = 'AVAILABLE' AND l.is_open
                 AND coalesce(l.extended_to, l.expires_on) < %s), 0) END,
                  soon.points, soon.days, waiting.points, waiting.days, ends.day
           FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::int[])
                AS o(program_id, company_id, employee_id, n)
           JOIN loyalty_wallet w ON w.program_id = o.program_id AND w.company_id = o.company_id
            AND w.employee_id IS NOT DISTINCT FROM o.employee_id AND w.kind = ANY(%s)
           JOIN loyalty_program g ON g.id = w.program_id
           CROSS JOIN LATERAL (
               SELECT CASE WHEN g.expiry = 'INACTIVITY' AND w.balance > 0
                            AND (g.last_spend_on <= w.expires_on) IS NOT TRUE THEN w.expires_on END AS day) AS ends
           CROSS JOIN LATERAL (
               SELECT CASE WHEN w.kind = 'AVAILABLE' AND w.balance > 0 THEN g.last_spend_on END AS day) AS fin
           CROSS JOIN LATERAL (
               SELECT array_agg(day.points ORDER BY day.expires_on) AS points,
                      array_agg(day.expires_on ORDER BY day.expires_on) AS days
               FROM (SELECT sum(lot.remaining)::bigint AS points,
                            least(lot.last_day, ends.day, fin.day) AS expires_on
                     FROM (SELECT l.remaining, coalesce(l.extended_to, l.expires_on) AS last_day FROM loyalty_lot l
                           WHERE l.wallet_id = w.id AND w.kind = %s AND l.is_open
                             AND coalesce(l.extended_to, l.expires_on) BETWEEN %s AND %s::date
                           UNION ALL
                           SELECT l.remaining, coalesce(l.extended_to, l.expires_on) FROM loyalty_lot l
                           WHERE l.wallet_id = w.id AND w.kind = %s AND l.is_open
                             AND least(ends.day, fin.day) <= %s::date
                             AND (coalesce(l.extended_to, l.expires_on) <= %s::date) IS NOT TRUE) AS lot
                     GROUP BY 2) AS day WHERE day.expires_on BETWEEN %s AND %s::date) AS soon
           CROSS JOIN LATERAL (
               SELECT array_agg(day.points ORDER BY day.available_on) AS points,
                      array_agg(day.available_on ORDER BY day.available_on) AS days
               FROM (SELECT sum(l.remaining)::bigint AS points, l.available_on FROM loyalty_lot l
                     WHERE l.wallet_id = w.id AND w.kind = %s AND w.balance > 0 AND l.is_open
                     GROUP BY l.available_on) AS day) AS waiting""",
        today,
        today,
        *arrays.columns_of([(*owner, position) for position, owner in enumerate(owners)]),
        list(OWN_KINDS),
        Wallet.Kind.AVAILABLE,
        today,
        expiring_until,
        Wallet.Kind.AVAILABLE,
        expiring_until,
        expiring_until,
        today,
        expiring_until,
        Wallet.Kind.PENDING,
    )
    found: dict[int, dict[str, int]] = {}
    expiring: dict[int, tuple[ExpiringLot, ...]] = {}
    waiting: dict[int, tuple[WaitingLot, ...]] = {}
    ends: dict[int, date | None] = {}
    for position, kind, points, lots, days, waiting_lots, waiting_days, ends_on in rows:
        found.setdefault(position, {})[kind] = int(points)
        if kind == Wallet.Kind.AVAILABLE:
            expiring[position] = tuple(map(ExpiringLot, lots or (), days or ()))
            ends[position] = ends_on if ends_on is not None and ends_on >= today else None
        if kind == Wallet.Kind.PENDING:
            waiting[position] = tuple(map(WaitingLot, waiting_lots or (), waiting_days or ()))
    ripe = {
        position: sum(lot.points for lot in lots if lot.available_on is not None and lot.available_on <= today)
        for position, lots in waiting.items()
    }
    return [
        Balance(
            owner,
            available=kinds.get(Wallet.Kind.AVAILABLE, 0) + ripe.get(position, 0),
            pending=kinds.get(Wallet.Kind.PENDING, 0) - ripe.get(position, 0),
            debt=kinds.get(Wallet.Kind.DEBT, 0),
            expiring=expiring.get(position, ()),
            waiting=tuple(
                lot for lot in waiting.get(position, ()) if lot.available_on is None or lot.available_on > today
            ),
            ends_on=ends.get(position),
        )
        for position, owner in enumerate(owners)
        for kinds in (found.get(position, {}),)
    ]


Place = tuple[datetime, int]
"""Where in a statement a line stands: its moment and its posting's id."""

END: Place = (datetime.max.replace(tzinfo=UTC), 0)


def statement(owner: Owner, *, before: Place = END, count: int = LINES_A_PAGE) -> list[Line]:
    """Return the owner's latest postings by the time they count from, at most `count`, before a place; one query.

    Points that merely go from one of the owner's wallets to another (a debt repaid) are no line: they change nothing
    of what the owner has, so that the lines add up to available, pending and debt together.
    """
    rows = arrays.fetch(_STATEMENT, *owner, list(OWN_KINDS), *(*before, count), *(*before, count), count)
    return [Line(*row) for row in rows]


_LEG = """SELECT leg.* FROM wallet, LATERAL (
              SELECT p.id, {sign}p.points AS points, p.transaction_id, p.award_id, p.effective_at
              FROM loyalty_posting p
              WHERE p.{own}_wallet_id = wallet.id AND p.{other}_wallet_id NOT IN (SELECT id FROM wallet)
                AND (p.effective_at, p.id) < (%s, %s)
              ORDER BY p.effective_at DESC, p.id DESC LIMIT %s) AS leg"""

_STATEMENT = f"""
    WITH wallet AS MATERIALIZED (
        SELECT id FROM loyalty_wallet
        WHERE program_id = %s AND company_id = %s AND employee_id IS NOT DISTINCT FROM %s::bigint AND kind = ANY(%s))
    SELECT leg.id, t.id, t.kind, leg.effective_at, leg.points, coalesce(y.name, ''),
           coalesce(b.name, i.name, a.object, ''), coalesce(a.external_id, ''), coalesce(r.name, ''),
           coalesce(x.reason, ''), CASE WHEN t.kind = 'EARN' THEN coalesce(o.points, 0) ELSE 0 END
    FROM (({_LEG.format(sign="", own="credit", other="debit")})
          UNION ALL ({_LEG.format(sign="-", own="debit", other="credit")})
          ORDER BY effective_at DESC, id DESC LIMIT %s) AS leg
    JOIN loyalty_transaction t ON t.id = leg.transaction_id
    LEFT JOIN loyalty_activity a ON a.id = t.activity_id
    LEFT JOIN loyalty_activitytype y ON y.id = a.type_id
    LEFT JOIN loyalty_badge b ON y.code = '{BADGE_RECEIVED}' AND b.program_id = t.program_id AND b.code = a.object
    LEFT JOIN loyalty_tier i ON y.code = '{TIER_REACHED}' AND i.program_id = t.program_id AND i.code = a.object
    LEFT JOIN loyalty_award w ON w.id = leg.award_id
    LEFT JOIN loyalty_promotedaward o ON o.award_id = w.id
    LEFT JOIN loyalty_rule r ON r.id = w.rule_id
    LEFT JOIN loyalty_transfer x ON x.transaction_id = t.id
    ORDER BY leg.effective_at DESC, leg.id DESC"""  # noqa: S608 (names are code)


def title_of(kind: str, activity_type: str) -> str:
    """Return what an act on the ledger is called on a statement."""
    match kind:
        case Transaction.Kind.EARN:
            return activity_type
        case Transaction.Kind.RETURN:
            return _("%(activity)s returned") % {"activity": activity_type}
        case Transaction.Kind.REDEEM:
            return _("Redeemed")
        case Transaction.Kind.CANCEL:
            return _("Points back")
        case Transaction.Kind.ADJUST:
            return _("Changed by hand")
        case Transaction.Kind.TRANSFER:
            return _("Passed on")
        case Transaction.Kind.RELEASE:
            return _("Can be spent now")
        case Transaction.Kind.END:
            return _("Expired as the program ended")
        case Transaction.Kind.HAND_OVER:
            return _("Handed over as the program ended, to be paid out")
        case _:
            return _("Expired")
