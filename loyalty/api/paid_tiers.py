"""`/paid-tiers/`: tiers for a fee: taken and cancelled in an admin's name, and what the books say was paid for them."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import django_filters
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actors import actor_of_employee
from accounts.api.filters import MomentFilter
from accounts.api.keys import KEY_PARAMETER, key_of, once
from accounts.api.problems import FieldError, NotFoundProblem, Problem
from accounts.api.views import ApiView, Listing, Single
from accounts.models import Scope
from loyalty.api.naming import membership_named, person_named
from loyalty.models import Tier, TierAssignment, TierPayment, TierTitle
from loyalty.titles import NotYoursToDecideError, TitleError, cancel, record_payment, subscribe
from loyalty.titles.choosing import ConditionsNotMetError


class PaidTierIn(serializers.Serializer[Any]):
    """A tier to be taken for its fee, in the name of an admin of the company."""

    program = serializers.CharField(max_length=200)
    tier = serializers.CharField(max_length=200, help_text="Code of a tier that is for a fee.")
    company = serializers.CharField(max_length=200, help_text="Customer number.")
    employee = serializers.CharField(max_length=200, help_text="Number of the admin who decided it.")


class CancellationIn(serializers.Serializer[Any]):
    """In whose name a fee is cancelled."""

    employee = serializers.CharField(max_length=200, help_text="Number of the admin who decided it.")


class PaymentIn(serializers.Serializer[Any]):
    """A fee that came."""

    amount = serializers.DecimalField(max_digits=12, decimal_places=2, min_value=0)
    currency = serializers.CharField(max_length=3)
    reference = serializers.RegexField(
        r"^[A-Za-z0-9][A-Za-z0-9._/-]*\Z",
        max_length=60,
        help_text="Number of the invoice or of the transfer: letters, digits and . _ / - only.",
    )


class PaymentOut(serializers.ModelSerializer[TierPayment]):
    """A fee that came, and from which day up to which (not counted) it pays."""

    payment = serializers.IntegerField(source="pk")
    paid_tier = serializers.IntegerField(source="title_id")

    class Meta:
        model = TierPayment
        fields = [
            "payment", "paid_tier", "amount", "currency", "reference", "paid_from", "paid_to", "recorded_at",
        ]  # fmt: skip


class PaidTierOut(serializers.ModelSerializer[TierTitle]):
    """A tier that a company has for a fee: the fee of a period, up to which day it is paid, and when it ends unpaid."""

    paid_tier = serializers.IntegerField(source="pk")
    program = serializers.CharField(source="membership.program.code")
    company = serializers.CharField(source="membership.company.external_id")
    tier = serializers.CharField(source="tier.code")
    paid_to = serializers.DateField(source="paid_through", help_text="Not counting this day.")
    payments = serializers.SerializerMethodField()

    class Meta:
        model = TierTitle
        fields = [
            "paid_tier", "program", "company", "tier", "fee", "currency", "fee_months", "paid_to", "starts_at",
            "ends_at", "cancelled_at", "payments",
        ]  # fmt: skip

    @extend_schema_field(PaymentOut(many=True))
    def get_payments(self, title: TierTitle) -> list[dict[str, Any]]:
        """Read for all rows of a page at once."""
        payments: dict[int, list[TierPayment]] = self.context["payments"]
        return [dict(shown) for shown in PaymentOut(payments.get(title.pk, []), many=True).data]


class PaidTierFilters(django_filters.FilterSet):  # type: ignore[misc]
    """What tiers for a fee can be looked for by."""

    program = django_filters.CharFilter("membership__program__code")
    company = django_filters.CharFilter("membership__company__external_id", help_text="Customer number.")
    tier = django_filters.CharFilter("tier__code", help_text="Code of a tier.")
    is_cancelled = django_filters.BooleanFilter("cancelled_at", "isnull", exclude=True)
    ends_from = MomentFilter("ends_at", "gte", help_text="Ends at this time or later.")
    ends_before = MomentFilter("ends_at", "lt", help_text="Ends before this time.")

    class Meta:
        model = TierTitle
        fields: ClassVar[list[str]] = []


class PaidTierView(ApiView):
    """Tiers for a fee in the client's sight."""

    scopes: ClassVar[dict[str, Scope]] = {"POST": Scope.TIERS_WRITE}
    serializer_class = PaidTierOut

    def get_queryset(self) -> QuerySet[TierTitle]:
        """With what an answer names."""
        rows = TierTitle.objects.visible_to(self.actor).filter(source=TierAssignment.Source.PAID)
        return rows.select_related("membership__program", "membership__company", "tier")

    def read_along(self, rows: Sequence[Any]) -> dict[str, Any]:
        """The payments of a page."""
        payments: dict[int, list[TierPayment]] = {}
        for payment in TierPayment.objects.visible_to(self.actor).filter(title__in=rows).order_by("pk"):
            payments.setdefault(payment.title_id, []).append(payment)
        return {"payments": payments}

    def title(self, pk: int) -> TierTitle:
        """The one that the address names. Raises Problem."""
        title = self.get_queryset().filter(pk=pk).first()
        if title is None:
            raise NotFoundProblem
        return title

    def decided(self, key: str, content: object, decide: Callable[[], int], *, field: str) -> int:
        """Return the row that a decision led to, taken now or when its key came before. Raises Problem."""
        try:
            return once(user_id=self.actor.user_id, key=key, content=content, do=decide)
        except NotYoursToDecideError as error:
            raise Problem("conflict", errors=[FieldError("may_not_decide", "employee", str(error))]) from error
        except ConditionsNotMetError as error:
            raise Problem("conflict", errors=[FieldError("conditions_not_met", field, str(error))]) from error
        except TitleError as error:
            raise Problem("conflict", errors=[FieldError("not_possible", field, str(error))]) from error

    def answer(self, pk: int, *, status: int) -> Response:
        """Show one as it stands now."""
        [shown] = self.shown([self.title(pk)])
        return self.tagged(shown, status)


@extend_schema(tags=["tiers"])
class PaidTiers(PaidTierView, Listing):
    """Tiers for a fee."""

    filterset_class = PaidTierFilters

    @extend_schema(operation_id="listPaidTiers")
    def get(self, request: Request, **kwargs: Any) -> Response:
        """Return tiers that companies have, or had, for a fee, the newest first."""
        return super().get(request, **kwargs)

    @extend_schema(
        operation_id="takePaidTier",
        request=PaidTierIn,
        responses={201: PaidTierOut},
        parameters=[KEY_PARAMETER],
        examples=[
            OpenApiExample(
                "A club for a fee",
                {"program": "club", "tier": "vip", "company": "M-1001", "employee": "E-1"},
                request_only=True,
            )
        ],
        filters=False,
    )
    def post(self, request: Request) -> Response:
        """Take a tier for its fee: it begins now, and ends by itself where the fee does not come in its days.

        A refusal (409) changes nothing; its `errors` say why.
        """
        key, said = key_of(request), self.said(PaidTierIn)
        person = person_named(self.actor, company=said["company"], employee=said["employee"], and_who_left=True)
        membership = membership_named(self.actor, company_id=person.company_id, program=said["program"], at=self.now)
        tier = Tier.objects.filter(program=membership.program_id, code=said["tier"]).first()

        def take() -> int:
            if tier is None:
                raise TitleError(_("There is no such tier in this program."))
            actor = actor_of_employee(person, now=self.now)
            return subscribe(
                actor=actor, membership=membership, tier=tier, now=self.now, made_by_id=self.actor.user_id
            ).pk

        return self.answer(self.decided(key, ["take a tier", said], take, field="tier"), status=201)


@extend_schema(tags=["tiers"])
class OnePaidTier(PaidTierView, Single):
    """One tier for a fee."""

    @extend_schema(operation_id="readPaidTier")
    def get(self, request: Request, **kwargs: Any) -> Response:
        """Return a tier that a company has for a fee, and what was paid."""
        return super().get(request, **kwargs)


@extend_schema(tags=["tiers"])
class PaidTierPayments(PaidTierView):
    """Fees that came for a tier."""

    serializer_class = PaymentOut  # type: ignore[assignment]

    @extend_schema(
        operation_id="recordTierPayment",
        request=PaymentIn,
        responses={201: PaymentOut},
        parameters=[KEY_PARAMETER],
        examples=[
            OpenApiExample(
                "The fee of a year",
                {"amount": "1200.00", "currency": "GBP", "reference": "INV-2026-0417"},
                request_only=True,
            )
        ],
    )
    def post(self, request: Request, pk: int) -> Response:
        """Write down that the fee of a period came: the tier is paid for its months more.

        Exactly the fee is recorded, a period at a time; the same `reference` again is the same payment, whatever its
        key. A refusal (409) changes nothing.
        """
        key, said, title = key_of(request), self.said(PaymentIn), self.title(pk)

        def pay() -> int:
            return record_payment(title=title, by_id=self.actor.user_id, now=self.now, **said).pk

        content = ["pay for a tier", pk, {**said, "amount": str(said["amount"])}]
        payment = TierPayment.objects.get(pk=self.decided(key, content, pay, field="reference"))
        return self.tagged(dict(PaymentOut(payment).data), status=201)


@extend_schema(tags=["tiers"])
class CancelledPaidTier(PaidTierView):
    """Cancelling a fee."""

    @extend_schema(
        operation_id="cancelPaidTier",
        request=CancellationIn,
        responses={200: PaidTierOut},
        parameters=[KEY_PARAMETER],
        examples=[OpenApiExample("By the company's admin", {"employee": "E-1"}, request_only=True)],
    )
    def post(self, request: Request, pk: int) -> Response:
        """Cancel a fee, in an admin's name: the tier holds to the end of what is paid, and ends now where nothing is.

        One that was cancelled before is answered as it stands.
        """
        key, said, title = key_of(request), self.said(CancellationIn), self.title(pk)
        company = title.membership.company.external_id
        person = person_named(self.actor, company=company, employee=said["employee"], and_who_left=True)

        def end() -> int:
            actor = actor_of_employee(person, now=self.now)
            return cancel(actor=actor, title=title, now=self.now, made_by_id=self.actor.user_id).pk

        return self.answer(self.decided(key, ["cancel a tier", pk, said], end, field=""), status=200)
