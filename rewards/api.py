"""`/rewards/` and `/redemptions/`: what points buy, and buying it in a person's name."""

from collections.abc import Mapping
from typing import Any, ClassVar

import django_filters
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actors import actor_of_employee
from accounts.api.filters import MomentFilter
from accounts.api.keys import KEY_PARAMETER, key_of, once
from accounts.api.problems import FieldError, NotFoundProblem, Problem
from accounts.api.views import ApiView, Listing, Single
from accounts.models import Employee, Scope
from loyalty.api.naming import person_named
from loyalty.ledger import InsufficientPointsError, Owner
from rewards import redemption
from rewards.models import Redemption, Reward
from rewards.redemption import CannotCancelError, NotPaidFromError, PriceChangedError, ProgramOverError, cancel, redeem
from rewards.refusals import sentence_of

_PAYERS = ("employee", "company", "employee_then_company")
_MOST_POINTS = 2**62

_CODES: Mapping[type[Exception], tuple[str, str]] = {
    redemption.RewardWithdrawnError: ("unknown_reward", "reward"),
    redemption.NotYoursToSpendError: ("may_not_spend", "payer"),
    redemption.OutOfStockError: ("out_of_stock", "reward"),
    PriceChangedError: ("price_changed", "points"),
    NotPaidFromError: ("not_paid_from", "payer"),
    ProgramOverError: ("program_over", "reward"),
    InsufficientPointsError: ("insufficient_points", "points"),
}
"""The stable code and the field of each refusal."""


class RewardOut(serializers.ModelSerializer[Reward]):
    """A reward that is offered; `left` pieces are in stock."""

    program = serializers.CharField(source="program.code")
    reward = serializers.CharField(source="code")
    points = serializers.IntegerField(source="price")
    left = serializers.SerializerMethodField()

    class Meta:
        model = Reward
        fields = ["program", "reward", "name", "description", "category", "points", "paid_from", "left"]

    def get_left(self, reward: Reward) -> int:
        """Pieces that can still be redeemed."""
        return reward.stock.left if hasattr(reward, "stock") else 0


class RewardFilters(django_filters.FilterSet):  # type: ignore[misc]
    """What rewards can be looked for by."""

    program = django_filters.CharFilter("program__code")
    reward = django_filters.CharFilter("code", help_text="Code of a reward.")
    category = django_filters.ChoiceFilter(choices=Reward.Category.choices)
    points_at_most = django_filters.NumberFilter("price", "lte")

    class Meta:
        model = Reward
        fields: ClassVar[list[str]] = []


@extend_schema(tags=["rewards"])
class Rewards(Listing):
    """Rewards."""

    filterset_class = RewardFilters
    serializer_class = RewardOut

    def get_queryset(self) -> QuerySet[Reward]:
        """Those that are offered in programs of companies in sight."""
        return Reward.objects.visible_to(self.actor).select_related("program", "stock")

    @extend_schema(operation_id="listRewards")
    def get(self, request: Request, **kwargs: Any) -> Response:
        """Return rewards that are offered, the newest first."""
        return super().get(request, **kwargs)


class RedemptionIn(serializers.Serializer[Any]):
    """An order in a person's name."""

    program = serializers.CharField()
    reward = serializers.CharField(help_text="Code of a reward.")
    company = serializers.CharField(help_text="Customer number.")
    employee = serializers.CharField(help_text="The person's number in the company.")
    points = serializers.IntegerField(min_value=1, help_text="The price that the person was shown.")
    payer = serializers.ChoiceField(
        choices=_PAYERS, default="employee", help_text="Whose points: a company's are spent by its admins alone."
    )


class RedemptionOut(serializers.ModelSerializer[Redemption]):
    """An order and where it stands."""

    redemption = serializers.IntegerField(source="pk")
    reference = serializers.CharField()
    program = serializers.CharField(source="reward.program.code")
    reward = serializers.CharField(source="reward.code")
    company = serializers.CharField(source="company.external_id")
    employee = serializers.CharField(source="employee.external_id")
    waits_for_company = serializers.SerializerMethodField()

    class Meta:
        model = Redemption
        fields = [
            "redemption", "reference", "program", "reward", "company", "employee", "points", "company_points", "state",
            "waits_for_company", "placed_at", "refunded_at",
        ]  # fmt: skip

    def get_waits_for_company(self, order: Redemption) -> bool:
        """Whether the company's own people are still to approve it."""
        return order.approval is not None and order.approval.state == "WAITING"


class RedemptionFilters(django_filters.FilterSet):  # type: ignore[misc]
    """What redemptions can be looked for by."""

    company = django_filters.CharFilter("company__external_id", help_text="Customer number.")
    employee = django_filters.CharFilter("employee__external_id", help_text="The person's number in the company.")
    program = django_filters.CharFilter("reward__program__code")
    reward = django_filters.CharFilter("reward__code", help_text="Code of a reward.")
    state = django_filters.ChoiceFilter(choices=Redemption.State.choices)
    placed_from = MomentFilter("placed_at", "gte", help_text="At this time or later.")
    placed_before = MomentFilter("placed_at", "lt", help_text="Before this time.")

    class Meta:
        model = Redemption
        fields: ClassVar[list[str]] = []


class RedemptionView(ApiView):
    """Redemptions in the client's sight."""

    scopes = {"POST": Scope.REDEMPTIONS_WRITE}

    def get_queryset(self) -> QuerySet[Redemption]:
        """With what an answer names."""
        rows = Redemption.objects.visible_to(self.actor)
        return rows.select_related("reward__program", "company", "employee", "approval")

    def answer(self, redemption_id: int, *, status: int) -> Response:
        """Show one as it stands now."""
        [shown] = self.shown([self.get_queryset().get(pk=redemption_id)])
        return self.tagged(shown, status)


EXAMPLE = {
    "program": "club",
    "reward": "seminar",
    "company": "M-1001",
    "employee": "E-7",
    "points": 400,
    "payer": "employee",
}


@extend_schema(tags=["rewards"])
class Redemptions(RedemptionView, Listing):
    """Redemptions."""

    filterset_class = RedemptionFilters
    serializer_class = RedemptionOut

    @extend_schema(operation_id="listRedemptions")
    def get(self, request: Request, **kwargs: Any) -> Response:
        """Return orders, the newest first."""
        return super().get(request, **kwargs)

    @extend_schema(
        operation_id="redeem",
        request=RedemptionIn,
        responses={201: RedemptionOut},
        parameters=[KEY_PARAMETER],
        examples=[OpenApiExample("A seminar", EXAMPLE, request_only=True)],
        filters=False,
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Turn points into a reward, in the name of a person who asked for it.

        A refusal (409) books nothing; its `errors` say why.
        """
        key = key_of(request)
        asked = _read(request.data)
        self._person(asked, and_who_left=True)
        try:
            order = once(user_id=self.actor.user_id, key=key, content=["redeem", asked], do=lambda: self._redeem(asked))
        except tuple(_CODES) as error:
            code, field = _CODES[type(error)]
            raise Problem("conflict", errors=[FieldError(code, field, sentence_of(error))]) from error
        return self.answer(order, status=201)

    def _redeem(self, asked: Mapping[str, Any]) -> int:
        person = self._person(asked)
        program, reward = self._reward(asked)
        redeemed = redeem(
            actor=actor_of_employee(person, now=self.now),
            reward_id=reward,
            payer=Owner(program, person.company_id, None if asked["payer"] == "company" else person.pk),
            shown_price=asked["points"],
            key=None,
            now=self.now,
            rest_from_company=asked["payer"] == "employee_then_company",
            placed_by_id=self.actor.user_id,
        )
        return redeemed.redemption.pk

    def _person(self, asked: Mapping[str, Any], *, and_who_left: bool = False) -> Employee:
        return person_named(self.actor, company=asked["company"], employee=asked["employee"], and_who_left=and_who_left)

    def _reward(self, asked: Mapping[str, Any]) -> tuple[int, int]:
        """The ids of the program and of the reward; one that was withdrawn meanwhile still has them."""
        rows = Reward.objects.filter(program__code=asked["program"], code=asked["reward"])
        row = rows.values_list("program_id", "pk").first()
        if row is None:
            sentence = sentence_of(redemption.RewardWithdrawnError())
            raise Problem("conflict", errors=[FieldError("unknown_reward", "reward", sentence)])
        return row


@extend_schema(tags=["rewards"])
class OneRedemption(RedemptionView, Single):
    """One redemption."""

    serializer_class = RedemptionOut

    @extend_schema(operation_id="readRedemption")
    def get(self, request: Request, **kwargs: Any) -> Response:
        """Return an order and where it stands."""
        return super().get(request, **kwargs)


@extend_schema(tags=["rewards"])
class CancelledRedemption(RedemptionView):
    """Cancelling a redemption."""

    serializer_class = RedemptionOut

    @extend_schema(operation_id="cancelRedemption", request=None, responses={200: RedemptionOut})
    def post(self, request: Request, pk: int) -> Response:
        """Cancel an order that has not been ordered yet: the points go back to the very lots they came from.

        One that was cancelled before is answered as it stands.
        """
        order = self.get_queryset().filter(pk=pk).first()
        if order is None:
            raise NotFoundProblem
        try:
            cancel(redemption_id=order.pk, by_user_id=self.actor.user_id, now=self.now)
        except CannotCancelError as error:
            if error.state != Redemption.State.CANCELLED:
                errors = [FieldError("cannot_cancel", "", sentence_of(error))]
                raise Problem("conflict", errors=errors) from error
        return self.answer(pk, status=200)


def _read(body: object) -> dict[str, Any]:
    """What the request asks for. Raises Problem, with everything that is wrong with it."""
    if not isinstance(body, dict):
        raise Problem("invalid", errors=[FieldError("bad_item", "", _("An order is an object."))])
    texts = ("program", "reward", "company", "employee")
    asked = {"payer": "employee", **body}
    errors = [
        FieldError("unknown_field", str(name)[:50], _("There is no such field."))
        for name in body
        if name not in (*texts, "points", "payer")
    ]
    for name in texts:
        value = asked.get(name)
        if not isinstance(value, str) or not value or len(value) > 200 or "\0" in value:
            errors.append(FieldError("bad_text", name, _("A text is needed here.")))
    points = asked.get("points")
    if isinstance(points, bool) or not isinstance(points, int) or not 0 < points < _MOST_POINTS:
        errors.append(FieldError("bad_points", "points", _("The price that was shown is needed here, in points.")))
    if asked["payer"] not in _PAYERS:
        errors.append(FieldError("bad_payer", "payer", ", ".join(_PAYERS)))
    if errors:
        raise Problem("invalid", errors=errors)
    return asked
