"""What an example has led to, as it stands in the database: postings, favours, tier and wallets of its client."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from accounts import arrays
from loyalty.examples.clients import MadeUp
from loyalty.ledger import Book
from loyalty.models import Award, EffectAward, Evaluation, Program, TierAssignment, Wallet

_ISSUED = """
    SELECT m.created_at, w.employee_id IS NOT NULL, sum(m.points)::bigint
    FROM (
        SELECT p.award_id, p.created_at, p.points
        FROM loyalty_wallet i JOIN loyalty_posting p ON p.debit_wallet_id = i.id
        WHERE i.company_id = %s AND i.program_id = %s AND i.kind = 'ISSUED'
        UNION ALL
        SELECT p.award_id, p.created_at, -p.points
        FROM loyalty_wallet i JOIN loyalty_posting p ON p.credit_wallet_id = i.id
        WHERE i.company_id = %s AND i.program_id = %s AND i.kind = 'ISSUED'
    ) m
    JOIN loyalty_award a ON a.id = m.award_id
    JOIN loyalty_wallet w ON w.id = a.wallet_id
    GROUP BY 1, 2"""

_FAVOURS = """
    SELECT f.effect, f.subject FROM loyalty_effectaward f
    LEFT JOIN loyalty_activityreturn r ON r.activity_id = f.activity_id AND r.is_whole
    WHERE f.company_id = %s AND f.program_id = %s AND f.is_given AND r.activity_id IS NULL"""


@dataclass(frozen=True, slots=True)
class Held:
    """Points that an owner can spend, and those that wait."""

    available: int = 0
    waiting: int = 0


def issued(client: MadeUp) -> list[tuple[datetime, bool, int]]:
    """Return when points were issued, to the person or (False) to the company, net of those taken back."""
    ids = client.company_id, client.membership.program_id
    return [(at, is_person, points) for at, is_person, points in arrays.fetch(_ISSUED, *ids, *ids)]


def favours(client: MadeUp) -> list[str]:
    """Return what rules gave beside points and was not taken back: kind and code of each, in their order."""
    rows = arrays.fetch(_FAVOURS, client.company_id, client.membership.program_id)
    return sorted(f"{effect}:{subject}" for effect, subject in rows)


def tier(client: MadeUp, *, at: datetime) -> str:
    """Return the code of the tier that the client holds; empty where it holds none."""
    held = TierAssignment.objects.filter(membership=client.membership).in_force(at)
    return held.values_list("tier__code", flat=True).first() or ""


def held(client: MadeUp, program: Program, *, at: datetime) -> tuple[Held, Held]:
    """Return what company and person hold once everything is released and expired that is due at a moment."""
    book = Book(now=at, programs=[program])
    book.open(client.owners)
    book.write()
    balances: dict[tuple[int | None, str], int] = {
        (employee_id, kind): balance
        for employee_id, kind, balance in Wallet.objects.filter(company=client.company_id, program=program).values_list(
            "employee", "kind", "balance"
        )
    }
    company, person = (
        Held(balances.get((of, Wallet.Kind.AVAILABLE), 0), balances.get((of, Wallet.Kind.PENDING), 0))
        for of in (None, client.person_id)
    )
    return company, person


def evaluations(activity_ids: Iterable[int], program: Program) -> Mapping[int, Evaluation]:
    """Return how activities were judged, by their ids."""
    rows = Evaluation.objects.filter(activity__in=[*activity_ids], program=program)
    return {row.activity_id: row for row in rows}


def granted(activity_ids: Iterable[int]) -> Mapping[int, dict[str, int]]:
    """Return what each rule, by its code, gave for activities, by their ids: points, or times."""
    given: dict[int, dict[str, int]] = {}
    ids = [*activity_ids]
    awards = Award.objects.filter(activity__in=ids).values_list("activity", "rule_code", "granted")
    effects = EffectAward.objects.filter(activity__in=ids, is_given=True).values_list("activity", "rule_code")
    for activity_id, code, points in (*awards, *((activity_id, code, 1) for activity_id, code in effects)):
        of_rules = given.setdefault(activity_id, {})
        of_rules[code] = of_rules.get(code, 0) + points
    return given
