"""Small files and profiles, and what an import of them left behind."""

import copy
import csv
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from accounts.models import Company
from loyalty.importing import ImportResult, Profile, Rejection, import_activities, load_profile
from loyalty.models import (
    Activity,
    ActivityReturn,
    Award,
    CapUsage,
    Evaluation,
    Lot,
    Membership,
    MetricBucket,
    Posting,
    Program,
    Source,
    TierAssignment,
    Transaction,
    Wallet,
)
from tests.factories.world import a_program, a_rule_set

NOW = datetime(2011, 6, 1, tzinfo=UTC)
HEADER = ("Invoice", "StockCode", "Description", "Quantity", "InvoiceDate", "Price", "Customer ID", "Country")

DOCUMENT: dict[str, Any] = {
    "source": {"code": "invoices", "name": "Invoices"},
    "program": "wholesale",
    "time_zone": "Europe/London",
    "date_format": "%Y-%m-%d %H:%M:%S",
    "in_time_order": True,
    "columns": {
        "company": "Customer ID",
        "occurred_at": "InvoiceDate",
        "object": "StockCode",
        "quantity": "Quantity",
        "price": "Price",
    },
    "defaults": {"type": "purchase", "currency": "GBP"},
    "id": {"columns": ["Invoice", "StockCode"], "number_repeats": True},
    "returns": {
        "when": {"fact": "Invoice", "op": "starts_with", "value": "C"},
        "quantity": "negative",
        "original": "latest_purchase",
    },
    "companies": {"unknown": "create", "name": "Customer {Customer ID}", "country": "Country"},
}

Row = Sequence[str]


def a_wholesale_program(**fields: Any) -> Program:
    """The program that DOCUMENT names: 1 point for each full pound, silver from 1,000."""
    program = a_program(code="wholesale", tiers={"bronze": 0, "silver": 1000}, **fields)
    a_rule_set(program, starts_at=datetime(2009, 1, 1, tzinfo=UTC))
    return program


def a_row(
    invoice: str = "1",
    stock_code: str = "A",
    quantity: int | str = 10,
    at: str = "2010-01-15 10:00:00",
    price: str = "2.50",
    customer: str = "C1",
    country: str = "United Kingdom",
) -> Row:
    """A line of an invoice."""
    return (invoice, stock_code, "Something", str(quantity), at, price, customer, country)


def a_file(folder: Path, *rows: Row, header: Row = HEADER, name: str = "lines.csv") -> Path:
    """A CSV file."""
    path = folder / name
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def a_profile_file(folder: Path, document: dict[str, Any]) -> Path:
    """A profile as it stands on the disk."""
    path = folder / "profile.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    return path


def a_profile(folder: Path, **sections: Any) -> Profile:
    """DOCUMENT as a profile; `sections` take the place of its own, None leaves one out."""
    document = {**copy.deepcopy(DOCUMENT), **sections}
    kept = {key: section for key, section in document.items() if section is not None}
    return load_profile(a_profile_file(folder, kept))


def imported(folder: Path, *rows: Row, **sections: Any) -> tuple[ImportResult, list[Rejection]]:
    """Import rows; return the result and the rejections."""
    return import_file(a_file(folder, *rows), a_profile(folder, **sections))


def import_file(path: Path, profile: Profile, **options: Any) -> tuple[ImportResult, list[Rejection]]:
    """Import a file; return the result and the rejections, and see that the counts add up."""
    rejections: list[Rejection] = []
    result = import_activities(path=path, profile=profile, now=NOW, on_rejection=rejections.append, **options)
    assert result.adds_up
    assert sum(result.rejected.values()) == len(rejections)
    return result, rejections


def reasons(rejections: Iterable[Rejection]) -> list[tuple[int, str]]:
    """Line numbers and reasons."""
    return [(rejected.line, rejected.reason) for rejected in rejections]


def returns_of() -> dict[str, tuple[str, Decimal, Decimal]]:
    """Each return: what it undoes, with its quantity and amount."""
    rows = Activity.objects.exclude(reverses_external_id="")
    return {
        external_id: (original, quantity or Decimal(0), amount or Decimal(0))
        for external_id, original, quantity, amount in rows.values_list(
            "external_id", "reverses_external_id", "quantity", "amount"
        )
    }


def points() -> int:
    """Points that all companies can spend."""
    return sum(Wallet.objects.filter(kind=Wallet.Kind.AVAILABLE).values_list("balance", flat=True))


_TABLES = (
    Source,
    Company,
    Membership,
    Activity,
    Evaluation,
    Award,
    Transaction,
    Posting,
    Lot,
    TierAssignment,
    CapUsage,
)


def rows_there() -> dict[str, int]:
    """How many rows each table has."""
    return {model.__name__: model._default_manager.count() for model in _TABLES}


def outcome() -> dict[str, Any]:
    """What everything an import did comes to, without ids: the same for every way to the same end."""
    tiers = TierAssignment.objects.values_list("membership__company__external_id", "tier__code", "starts_at", "ends_at")
    return {
        "rows": rows_there(),
        "activities": sorted(
            Activity.objects.values_list("external_id", "reverses_external_id", "quantity", "amount", "occurred_at")
        ),
        "returned": sorted(
            ActivityReturn.objects.values_list("activity__external_id", "quantity", "amount", "is_whole")
        ),
        "companies": sorted(Company.objects.values_list("external_id", "name", "country")),
        "memberships": sorted(Membership.objects.values_list("company__external_id", "starts_at")),
        "wallets": sorted(Wallet.objects.values_list("company__external_id", "kind", "balance")),
        "buckets": sorted(MetricBucket.objects.values_list("membership__company__external_id", "month", "value")),
        "tiers": sorted((*row[:3], str(row[3])) for row in tiers),
    }
