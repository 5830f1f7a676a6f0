"""What deliveries hold of a person: ids, and the number in other systems, which goes when the person does."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts import subjects
from accounts.models import Employee, WebhookAttempt, WebhookEvent
from accounts.subjects import Part, Row

_BATCH = 1_000


def register_subject() -> None:
    """Make the part known."""
    kept = _("That something happened under your number, for as long as deliveries are kept; no words.")
    subjects.register(Part("webhooks", _("What other systems were told of you"), _rows, _erase, kept))


def _events_of(employee: Employee) -> QuerySet[WebhookEvent]:
    """Events that name the person, of the one company in which that can be."""
    named = {"employee": {"id": employee.pk}}
    is_named = Q(facts__contains=named) | Q(facts__contains={"wallets": [named]})
    return WebhookEvent.objects.filter(is_named, company_id=employee.company_id).order_by("pk")


def _rows(employee: Employee) -> Iterable[Row]:
    for event in _events_of(employee).iterator(_BATCH):
        yield {"at": event.occurred_at, "event": event.kind, "number": event.pk}


def _erase(employee: Employee) -> None:
    """Take the person's number in other systems out of events, and what endpoints answered to these."""
    events = _events_of(employee)
    WebhookAttempt.objects.filter(delivery__event__in=events.order_by().values("pk")).update(answer="")
    batch: list[WebhookEvent] = []
    for event in events.iterator(_BATCH):
        for named in _people_in(event.facts):
            if named.get("id") == employee.pk:
                named["external_id"] = ""
        batch.append(event)
    WebhookEvent.objects.bulk_update(batch, ["facts"], batch_size=_BATCH)


def _people_in(facts: Any) -> Iterator[dict[str, object]]:
    for place in (facts, *facts.get("wallets", ())):
        if isinstance(place.get("employee"), dict):
            yield place["employee"]
