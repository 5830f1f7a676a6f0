"""`/wallets/` and `/transactions/`: what owners have, and every act that made it so."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, ClassVar

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import arrays
from accounts.api.filters import MomentFilter
from accounts.api.views import ApiView, Listing, Single
from loyalty.ledger import Owner
from loyalty.models import Transaction, Wallet
from loyalty.statement import OWN_KINDS, Balance, balances_of


class OwnedFilters(django_filters.FilterSet):  # type: ignore[misc]
    """Whose points they are."""

    program = django_filters.CharFilter("program__code")
    company = django_filters.CharFilter("company__external_id", help_text="Customer number.")

    class Meta:
        fields: ClassVar[list[str]] = []


class WalletFilters(OwnedFilters):
    """What wallets can be looked for by."""

    employee = django_filters.CharFilter("employee__external_id", help_text="The person's number in the company.")
    is_company = django_filters.BooleanFilter(
        "employee", "isnull", help_text="Only companies' own wallets, or only people's."
    )


class WalletOut(serializers.ModelSerializer[Wallet]):
    """What one owner has in one program now; `debt` is 0 or below."""

    program = serializers.CharField(source="program.code")
    company = serializers.CharField(source="company.external_id")
    employee = serializers.CharField(source="employee.external_id", allow_null=True, default=None)
    available = serializers.SerializerMethodField()
    pending = serializers.SerializerMethodField()
    debt = serializers.SerializerMethodField()

    class Meta:
        model = Wallet
        fields = ["program", "company", "employee", "available", "pending", "debt"]

    def _balance(self, wallet: Wallet) -> Balance:
        balances: dict[int, Balance] = self.context["balances"]
        return balances[wallet.pk]

    def get_available(self, wallet: Wallet) -> int:
        """Points that can be spent, less what is due to expire."""
        return self._balance(wallet).available

    def get_pending(self, wallet: Wallet) -> int:
        """Points that become available later."""
        return self._balance(wallet).pending

    def get_debt(self, wallet: Wallet) -> int:
        """Points that were spent and then taken back: the next ones repay them."""
        return self._balance(wallet).debt


@extend_schema(tags=["points"])
class Wallets(Listing):
    """Wallets."""

    filterset_class = WalletFilters
    serializer_class = WalletOut

    def get_queryset(self) -> QuerySet[Wallet]:
        """One row an owner: the wallet of its available points stands for all of its kinds."""
        rows = Wallet.objects.visible_to(self.actor).filter(kind=Wallet.Kind.AVAILABLE)
        return rows.select_related("program", "company", "employee")

    def read_along(self, rows: Sequence[Wallet]) -> dict[str, Any]:
        """The balances of a page, by program: each counts its own days."""
        by_program: dict[int, list[Wallet]] = defaultdict(list)
        for wallet in rows:
            by_program[wallet.program_id].append(wallet)
        balances: dict[int, Balance] = {}
        for wallets in by_program.values():
            today = self.now.astimezone(wallets[0].program.zone).date()
            owners = [Owner(wallet.program_id, wallet.company_id, wallet.employee_id) for wallet in wallets]
            found = balances_of(owners, today=today)
            balances.update({wallet.pk: balance for wallet, balance in zip(wallets, found, strict=True)})
        return {"balances": balances}

    @extend_schema(operation_id="listWallets")
    def get(self, request: Request, **kwargs: Any) -> Response:
        """Return what companies and people have, the newest owner first."""
        return super().get(request, **kwargs)


class PostingOut(serializers.Serializer[Any]):
    """Points into (or out of, below 0) the wallet of an owner; `employee` null: the company's own."""

    employee = serializers.CharField(allow_null=True)
    wallet = serializers.ChoiceField(choices=[(kind.value, kind.name.lower()) for kind in OWN_KINDS])
    points = serializers.IntegerField()
    counts_from = serializers.DateTimeField()


class TransactionOut(serializers.ModelSerializer[Transaction]):
    """One act that moved points of a company and its people in one program."""

    transaction = serializers.IntegerField(source="pk")
    program = serializers.CharField(source="program.code")
    company = serializers.CharField(source="company.external_id")
    activity = serializers.IntegerField(source="activity_id", allow_null=True, help_text="Our id of it.")
    postings = serializers.SerializerMethodField()

    class Meta:
        model = Transaction
        fields = ["transaction", "program", "company", "kind", "activity", "created_at", "postings"]

    @extend_schema_field(PostingOut(many=True))
    def get_postings(self, act: Transaction) -> list[dict[str, Any]]:
        """Read for all rows of a page at once."""
        postings: dict[int, list[dict[str, Any]]] = self.context["postings"]
        return postings.get(act.pk, [])


class TransactionFilters(OwnedFilters):
    """What transactions can be looked for by."""

    kind = django_filters.ChoiceFilter(choices=Transaction.Kind.choices)
    activity = django_filters.NumberFilter("activity_id", help_text="Our id of the activity.")
    created_from = MomentFilter("created_at", "gte", help_text="At this time or later.")
    created_before = MomentFilter("created_at", "lt", help_text="Before this time.")


class TransactionView(ApiView):
    """Transactions in the client's sight."""

    def get_queryset(self) -> QuerySet[Transaction]:
        """With what an answer names."""
        return Transaction.objects.visible_to(self.actor).select_related("program", "company")

    def read_along(self, rows: Sequence[Transaction]) -> dict[str, Any]:
        """What each of them moved into and out of wallets that somebody has."""
        postings: dict[int, list[dict[str, Any]]] = defaultdict(list)
        ids = [row.pk for row in rows]
        for transaction_id, employee, wallet, points, counts_from in arrays.fetch(_POSTINGS, ids, list(OWN_KINDS)):
            postings[transaction_id].append(
                {"employee": employee, "wallet": wallet, "points": points, "counts_from": counts_from}
            )
        return {"postings": postings}


_POSTINGS = """
    SELECT p.transaction_id, e.external_id, w.kind,
           CASE WHEN w.id = p.credit_wallet_id THEN p.points ELSE -p.points END, p.effective_at
    FROM loyalty_posting p
    JOIN loyalty_wallet w ON w.id IN (p.credit_wallet_id, p.debit_wallet_id)
    LEFT JOIN accounts_employee e ON e.id = w.employee_id
    WHERE p.transaction_id = ANY(%s) AND w.kind = ANY(%s)
    ORDER BY p.id, w.id"""


@extend_schema(tags=["points"])
class Transactions(TransactionView, Listing):
    """Transactions."""

    filterset_class = TransactionFilters
    serializer_class = TransactionOut

    @extend_schema(operation_id="listTransactions")
    def get(self, request: Request, **kwargs: Any) -> Response:
        """Return what moved points, the newest first."""
        return super().get(request, **kwargs)


@extend_schema(tags=["points"])
class OneTransaction(TransactionView, Single):
    """One transaction."""

    serializer_class = TransactionOut

    @extend_schema(operation_id="readTransaction")
    def get(self, request: Request, **kwargs: Any) -> Response:
        """Return one act and the points it moved."""
        return super().get(request, **kwargs)
