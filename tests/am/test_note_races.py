"""A note that is sent several times at once: one under one key, and as many as are sent where there is none."""

from datetime import UTC, datetime
from functools import partial

import pytest

from accounts.follow_ups import Promise
from accounts.models import FollowUp, ServiceNote, User
from accounts.service_notes import write_note
from tests.factories.world import NOW, a_company, an_account_manager
from tests.loyalty.racing import race

pytestmark = pytest.mark.django_db(transaction=True)


def notes(count: int, *, key: str) -> list[partial[ServiceNote]]:
    """The same note with the same promise, `count` times."""
    company = a_company()
    author = an_account_manager(company)
    note = partial(
        write_note, company=company, author_id=author.pk, kind="CALL", text="Called",
        happened_at=datetime(2026, 2, 3, tzinfo=UTC), promise=Promise("The list", NOW.date(), NOW), key=key,
    )  # fmt: skip
    return [note] * count


def test_note_sent_many_times_under_one_key_is_written_once() -> None:
    results = race(notes(8, key="one"), held=lambda: list(User.objects.select_for_update()))

    assert {result.pk for result in results} == {ServiceNote.objects.get().pk}
    assert FollowUp.objects.count() == 1


def test_note_sent_many_times_without_a_key_is_written_each_time() -> None:
    race(notes(8, key=""), held=lambda: list(User.objects.select_for_update()))

    assert (ServiceNote.objects.count(), FollowUp.objects.count()) == (8, 8)
