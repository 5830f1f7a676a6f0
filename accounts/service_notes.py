"""Service notes: what an account manager writes down of a client."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from accounts.models import Company, Employee, ServiceNote


def write_note(
    *,
    company: Company,
    author_id: int,
    kind: str,
    text: str,
    happened_at: datetime,
    visibility: str = ServiceNote.Visibility.INTERNAL,
    people: Iterable[Employee] = (),
) -> ServiceNote:
    """Write a note on `company`; `people` are those of the company it was about or with."""
    with transaction.atomic():
        note = ServiceNote.objects.create(
            company=company,
            author_id=author_id,
            kind=kind,
            text=text,
            happened_at=happened_at,
            visibility=visibility,
        )
        note.people.set(person for person in people if person.company_id == company.pk)
    return note
