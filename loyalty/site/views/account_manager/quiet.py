"""Companies that have not been heard of for a while: found by index, never by reading their history."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.urls import reverse

from accounts import arrays
from accounts.actors import Actor
from accounts.models import Company
from loyalty.models import Wallet

QUIET_DAYS = 45
MOST_QUIET = 10


@dataclass(frozen=True, slots=True)
class QuietCompany:
    """A company without a note, an order or points earned for QUIET_DAYS; None: there never was any."""

    name: str
    url: str
    days: int
    note_at: datetime | None
    business_at: datetime | None


def quiet_companies(actor: Actor) -> list[QuietCompany]:
    """Return the companies in the portfolio that are quiet at `actor.at`, longest first; two queries.

    A company that never was heard of is quiet from the day it was taken in.
    """
    portfolio = list(Company.objects.visible_to(actor).values_list("pk", flat=True))
    since = actor.at - timedelta(days=QUIET_DAYS)
    rows = arrays.fetch(_QUIET, Wallet.Kind.ISSUED, portfolio, since, MOST_QUIET)
    return [
        QuietCompany(name, reverse("am-company", args=[pk]), (actor.at - last_at).days, note_at, business_at)
        for pk, name, last_at, note_at, business_at in rows
    ]


# Whatever is earned comes out of the one issued wallet that a company has in each program: its latest posting is one
# step into an index, whoever of the company earned and however much it has earned before.
_QUIET = """
    SELECT c.id, c.name, coalesce(greatest(note.at, business.at), c.created_at) AS last_at, note.at, business.at
    FROM accounts_company c
    CROSS JOIN LATERAL (SELECT max(n.happened_at) AS at FROM accounts_servicenote n WHERE n.company_id = c.id) AS note
    CROSS JOIN LATERAL (
        SELECT greatest(
            (SELECT max(r.placed_at) FROM rewards_redemption r WHERE r.company_id = c.id),
            (SELECT max(latest.effective_at)
             FROM loyalty_wallet w
             CROSS JOIN LATERAL (
                 SELECT p.effective_at FROM loyalty_posting p WHERE p.debit_wallet_id = w.id
                 ORDER BY p.effective_at DESC LIMIT 1) AS latest
             WHERE w.company_id = c.id AND w.kind = %s)) AS at) AS business
    WHERE c.id = ANY(%s) AND coalesce(greatest(note.at, business.at), c.created_at) < %s
    ORDER BY last_at, c.id
    LIMIT %s"""
