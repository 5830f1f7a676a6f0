"""A program with a history of a given size, built by set-based statements: lawful, as if it had come about."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.db import connection, transaction

from accounts import arrays
from accounts.models import Company, Employee
from loyalty.ledger import Owner, ensure_wallets
from loyalty.memberships import Joining, enrol
from loyalty.models import ActivityType, Membership, Metric, Program, Tier
from loyalty.site.bench.figures import check_laws

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
_TABLES = ("loyalty_lot", "loyalty_transaction", "loyalty_posting")


@dataclass(frozen=True, slots=True)
class Size:
    """So many companies, of which the first `owners` have so many lots of so many points, each filled by `postings`.

    The lots are of as many days; `lots_a_day` of an owner end on one day, those first that came first.
    """

    companies: int
    owners: int
    lots: int
    postings: int = 1
    lots_a_day: int = 1
    points: int = 20


@dataclass(frozen=True, slots=True)
class History:
    """The program, who has points in it, an admin of each such company, and the first of the lots' last days."""

    program: Program
    memberships: tuple[Membership, ...]
    owners: tuple[Owner, ...]
    admin_ids: tuple[int, ...]
    first_last_day: date
    size: Size

    @property
    def lots(self) -> int:
        """How many lots there are in all."""
        return len(self.owners) * self.size.lots


def a_history(size: Size) -> History:
    """Make the program, its members and what they earned; in a database that has no postings yet."""
    program, memberships = _a_program(size.companies)
    owners = [Owner(program.pk, member.company_id) for member in memberships]
    ensure_wallets(owners)
    first_last_day = NOW.date() + timedelta(days=30)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")  # to build, not to measure: laws are checked
        with _without_indexes():
            if size.lots:
                _earn(program, [owner.company_id for owner in owners[: size.owners]], size, first_last_day)
        cursor.execute("SET LOCAL session_replication_role = origin")
    admins = Employee.objects.bulk_create(
        Employee(company_id=owner.company_id, name="Admin", external_id=f"A{owner.company_id}", access="ADMIN")
        for owner in owners[: size.owners]
    )
    return History(
        program,
        memberships[: size.owners or None],
        tuple(owners[: size.owners]),
        tuple(admin.pk for admin in admins),
        first_last_day,
        size,
    )


def use_up(history: History, part: float) -> None:
    """Spend what is left in the first lots of every owner, with all that writes; nothing is vacuumed from now on."""
    last = int(history.size.lots * part) * len(history.owners)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("ALTER TABLE loyalty_lot SET (autovacuum_enabled = off)")
        [(before,)] = arrays.fetch("SELECT max(id) FROM loyalty_posting")
        arrays.run(
            """WITH used AS (
                   SELECT w.company_id, w.program_id, w.id, s.id AS spent_id, sum(l.remaining) AS points
                   FROM loyalty_lot l JOIN loyalty_wallet w ON w.id = l.wallet_id
                   JOIN loyalty_wallet s
                     ON s.company_id = w.company_id AND s.program_id = w.program_id AND s.kind = 'SPENT'
                   WHERE l.id <= %s AND l.remaining > 0 GROUP BY w.id, s.id),
               act AS (
                   INSERT INTO loyalty_transaction (company_id, program_id, kind, created_at)
                   SELECT company_id, program_id, 'REDEEM', %s FROM used RETURNING id, company_id)
               INSERT INTO loyalty_posting (company_id, transaction_id, debit_wallet_id, credit_wallet_id, points,
                                            effective_at, created_at)
               SELECT used.company_id, act.id, used.id, used.spent_id, used.points, %s, %s
               FROM used JOIN act USING (company_id)""",
            *(last, NOW, NOW, NOW),
        )
        arrays.run(
            """INSERT INTO loyalty_lotuse (lot_id, posting_id, points)
               SELECT l.id, p.id, l.remaining FROM loyalty_posting p
               JOIN loyalty_lot l ON l.wallet_id = p.debit_wallet_id
               WHERE p.id > %s AND l.id <= %s AND l.remaining > 0""",
            *(before, last),
        )
        arrays.run("UPDATE loyalty_lot SET remaining = 0 WHERE id <= %s AND remaining > 0", last)
        for sign, side, received in (("-", "debit", ""), ("+", "credit", ", received_at = p.effective_at")):
            arrays.run(
                f"""UPDATE loyalty_wallet w SET balance = balance {sign} p.points{received}
                    FROM loyalty_posting p WHERE p.id > %s AND p.{side}_wallet_id = w.id""",  # noqa: S608 (names are code)
                before,
            )
        cursor.execute("SET LOCAL session_replication_role = origin")


def check_laws_of_many() -> None:
    """Check the laws with memory for large sorts, and without workers, whose memory a container may not have."""
    with connection.cursor() as cursor:
        cursor.execute("SET work_mem = '512MB'; SET max_parallel_workers_per_gather = 0")
    check_laws()


def settle(*tables: str) -> None:
    """Vacuum and analyze what was built; outside of a transaction."""
    with connection.cursor() as cursor:
        cursor.execute(f"VACUUM (ANALYZE) {', '.join((*_TABLES, 'loyalty_wallet', *tables))}")


def _a_program(companies: int) -> tuple[Program, tuple[Membership, ...]]:
    program = Program.objects.create(
        code="history",
        name="History",
        currency="EUR",
        time_zone="Europe/Berlin",
        expiry=Program.Expiry.MONTHS,
        expiry_months=24,
        tier_metric="spend",
    )
    type_ = ActivityType.objects.create(code="history", name="Purchase")
    Metric.objects.create(program=program, code="spend", name="Spend", measure="AMOUNT", activity_type=type_)
    for rank, (code, threshold) in enumerate((("bronze", 0), ("silver", 1_000), ("gold", 10_000)), start=1):
        Tier.objects.create(program=program, code=code, name=code.capitalize(), rank=rank, threshold=threshold)
    made = Company.objects.bulk_create(
        Company(name=f"Company {number}", external_id=f"H{number}", country="DE") for number in range(companies)
    )
    joinings = [Joining(company.pk, NOW - timedelta(days=900)) for company in made]
    return program, tuple(enrol(program=program, joinings=joinings))


def _earn(program: Program, company_ids: Sequence[int], size: Size, first_last_day: date) -> None:
    """Give each company its lots, a day's after the other's, as they would have come."""
    wallets = arrays.fetch(
        """SELECT a.company_id, a.id, i.id FROM loyalty_wallet a
           JOIN loyalty_wallet i ON i.company_id = a.company_id AND i.program_id = a.program_id AND i.kind = 'ISSUED'
           WHERE a.program_id = %s AND a.company_id = ANY(%s) AND a.employee_id IS NULL AND a.kind = 'AVAILABLE'
           ORDER BY a.id""",
        program.pk,
        list(company_ids),
    )
    companies, available, issued = arrays.columns_of(wallets)
    count, first_day = len(wallets), NOW.date() - timedelta(days=size.lots)
    for number in range(size.lots):
        day, last_day = first_day + timedelta(days=number), first_last_day + timedelta(days=number // size.lots_a_day)
        before = number * count
        arrays.run(
            """INSERT INTO loyalty_lot (id, wallet_id, available_on, expires_on, earned, remaining, expired)
               SELECT %s + n, wallet_id, %s, %s, %s, %s, 0
               FROM unnest(%s::bigint[]) WITH ORDINALITY AS w(wallet_id, n)""",
            *(before, day, last_day, size.points, size.points, available),
        )
        arrays.run(
            """INSERT INTO loyalty_transaction (id, company_id, program_id, kind, created_at)
               SELECT %s + n, company_id, %s, 'EARN', %s
               FROM unnest(%s::bigint[]) WITH ORDINALITY AS c(company_id, n)""",
            *(before, program.pk, day, companies),
        )
        arrays.run(
            """INSERT INTO loyalty_posting (id, company_id, transaction_id, debit_wallet_id, credit_wallet_id, points,
                                            lot_id, effective_at, created_at)
               SELECT (%s + n - 1) * %s + part, company_id, %s + n, issued_id, wallet_id, %s, %s + n, %s, %s
               FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[])
                    WITH ORDINALITY AS w(company_id, issued_id, wallet_id, n), generate_series(1, %s) AS part""",
            *(before, size.postings, before, size.points // size.postings, before, day, day),
            *(companies, issued, available, size.postings),
        )
    points = size.lots * size.points
    last = NOW.date() - timedelta(days=1)
    arrays.run("UPDATE loyalty_wallet SET balance = %s, received_at = %s WHERE id = ANY(%s)", points, last, available)
    arrays.run("UPDATE loyalty_wallet SET balance = %s WHERE id = ANY(%s)", -points, issued)
    for table in _TABLES:
        arrays.fetch(f"SELECT setval('{table}_id_seq', greatest(max(id), 1)) FROM {table}")  # noqa: S608 (names are code)


@contextmanager
def _without_indexes() -> Iterator[None]:
    """Leave out the indexes that no constraint rests on, and build them at the end: at once takes a third as long."""
    found = arrays.fetch(
        """SELECT i.indexname, i.indexdef FROM pg_indexes i
           WHERE i.tablename = ANY(%s) AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conname = i.indexname)""",
        list(_TABLES),
    )
    with connection.cursor() as cursor:
        for name, _definition in found:
            cursor.execute(f'DROP INDEX "{name}"')
        yield
        for _name, definition in found:
            cursor.execute(definition)
