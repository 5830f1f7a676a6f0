"""Who did what, when and why: one entry an act, with the reason in an erasable row beside it."""

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
