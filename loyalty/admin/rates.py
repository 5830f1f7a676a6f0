"""Exchange rates: entered from a day on, never changed once that day has come."""

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone

from accounts.admin.refusals import RefusingAdmin
from loyalty.models import ExchangeRate
from loyalty.rates import RateInThePastError, enter_rate


@admin.register(ExchangeRate)
class ExchangeRateAdmin(RefusingAdmin[ExchangeRate]):
    """What money of another currency counts for."""

    refusals: ClassVar[tuple[type[Exception], ...]] = (RateInThePastError,)
    list_display = ("currency", "into", "rate", "starts_on")
    list_filter = ("currency", "into")
    search_fields = ("currency", "into")
    ordering = ("currency", "into", "-starts_on")
    fields = ("currency", "into", "rate", "starts_on")

    def has_change_permission(self, request: HttpRequest, obj: ExchangeRate | None = None) -> bool:
        """A rate is never changed: the next one takes its place."""
        return obj is None and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: ExchangeRate | None = None) -> bool:
        """Activities were counted by a rate whose day has come."""
        is_to_come = obj is not None and obj.starts_on > timezone.now().date()
        return is_to_come and super().has_delete_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: ExchangeRate, form: Any, change: bool) -> None:
        """Enter it."""
        rate = enter_rate(
            currency=obj.currency, into=obj.into, rate=obj.rate, starts_on=obj.starts_on, now=timezone.now()
        )
        obj.pk = rate.pk
