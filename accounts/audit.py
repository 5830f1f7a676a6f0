"""Who did what, when and why: one entry an act, with the reason in an erasable row beside it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db import models

from accounts.models import AuditEntry, AuditReason


def record(
    action: str,
    subject: models.Model,
    *,
    actor_id: int | None,
    now: datetime,
    company_id: int | None = None,
    reason: str = "",
    **numbers: int | str | None,
) -> AuditEntry:
    """Write down that `actor_id` did `action` to `subject`; `numbers` are ids, codes and numbers only (law G1)."""
    entry = AuditEntry.objects.create(
        at=now,
        actor_id=actor_id,
        action=action,
        subject_type=subject._meta.label_lower,
        subject_id=subject.pk,
        company_id=company_id,
        numbers=numbers,
    )
    if reason:
        AuditReason.objects.create(entry=entry, text=reason)
    return entry


@dataclass(frozen=True, slots=True)
class Act:
    """One of many acts that are put on record together; see `record`."""

    action: str
    subject: models.Model
    company_id: int | None
    numbers: Mapping[str, int | str | None] = field(default_factory=dict)
    actor_id: int | None = None


def record_many(acts: Iterable[Act], *, now: datetime, actor_id: int | None = None) -> None:
    """Write down many acts in one statement; `actor_id` did those that do not say who did them."""
    AuditEntry.objects.bulk_create(
        AuditEntry(
            at=now,
            actor_id=act.actor_id or actor_id,
            action=act.action,
            subject_type=act.subject._meta.label_lower,
            subject_id=act.subject.pk,
            company_id=act.company_id,
            numbers=dict(act.numbers),
        )
        for act in acts
    )
