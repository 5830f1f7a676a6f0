"""Rows that every floor leans on: dated rows, the audit trail, served requests, the outbox, and text that is text."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, IntegrityError, connection, models, transaction

from accounts import audit, idempotency, messages
from accounts.idempotency import KeyBook, KeyUsedForAnotherRequestError, Request
from accounts.messages import MessageKind, Telling
from accounts.models import (
    AccountManagerAssignment,
    AuditEntry,
    AuditReason,
    Company,
    Employee,
    IdempotencyKey,
    Message,
    RoleAssignment,
    Segment,
    SegmentMembership,
    ServiceNote,
    StakeholderRole,
    User,
)
from accounts.service_notes import write_note
from accounts.text import validate_plain_text
from tests.factories.world import EPOCH, NOW, a_company, a_user, an_employee

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def dated_rows() -> list[tuple[type[models.Model], dict[str, Any]]]:
    """Each dated table of this floor, with what says whose row it is."""
    company = a_company()
    return [
        (AccountManagerAssignment, {"user": a_user(), "company": company}),
        (SegmentMembership, {"segment": Segment.objects.create(code="key", name="Key"), "company": company}),
        (
            RoleAssignment,
            {"employee": an_employee(company), "role": StakeholderRole.objects.create(code="buyer", name="Buyer")},
        ),
    ]


def test_dated_rows_hold_from_their_start_up_to_but_not_at_their_end() -> None:
    for model, fields in dated_rows():
        row = model._default_manager.create(**fields, starts_at=NOW, ends_at=NOW + DAY)
        moments = (NOW - DAY, NOW, NOW + DAY - timedelta(microseconds=1), NOW + DAY)

        held = [model._default_manager.in_force(at).exists() for at in moments]  # type: ignore[attr-defined]

        assert held == [False, True, True, False]
        assert [row.holds_at(at) for at in moments] == held  # type: ignore[attr-defined]


def test_two_rows_of_one_thing_cannot_hold_at_once() -> None:
    for model, fields in dated_rows():
        model._default_manager.create(**fields, starts_at=NOW)

        with pytest.raises(IntegrityError, match="one_at_a_time"), transaction.atomic():
            model._default_manager.create(**fields, starts_at=NOW + DAY, ends_at=NOW + 2 * DAY)

        assert model._default_manager.count() == 1


def test_one_row_may_begin_at_the_moment_the_other_ends() -> None:
    for model, fields in dated_rows():
        model._default_manager.create(**fields, starts_at=EPOCH, ends_at=NOW)
        model._default_manager.create(**fields, starts_at=NOW)

        assert model._default_manager.in_force(NOW).count() == 1  # type: ignore[attr-defined]


def test_row_cannot_end_before_it_starts() -> None:
    for model, fields in dated_rows():
        # the range itself refuses first; the constraint says the law where the range is not built
        with pytest.raises(DatabaseError), transaction.atomic():
            model._default_manager.create(**fields, starts_at=NOW, ends_at=NOW - DAY)

        assert not model._default_manager.exists()


def test_second_account_manager_at_once_is_refused_in_words() -> None:
    company = a_company()
    AccountManagerAssignment.objects.create(user=a_user(), company=company, starts_at=EPOCH)

    with pytest.raises(ValidationError, match="already has an account manager in this time"):
        AccountManagerAssignment(user=a_user(), company=company, starts_at=NOW).full_clean()


def test_logins_are_one_whatever_their_capitals() -> None:
    a_user(email="mia@example.com")

    with pytest.raises(IntegrityError, match="user_email_unique"), transaction.atomic():
        a_user(email="MIA@EXAMPLE.COM")

    assert User.objects.count() == 1


def test_customer_number_belongs_to_one_company_and_may_be_empty() -> None:
    a_company(external_id="K1")
    a_company(external_id="")
    a_company(external_id="")

    with pytest.raises(IntegrityError, match="company_external_id_unique"), transaction.atomic():
        a_company(external_id="K1")


def test_employee_number_belongs_to_one_person_of_a_company() -> None:
    company = a_company()
    an_employee(company, external_id="E1")
    an_employee(a_company(), external_id="E1")

    with pytest.raises(IntegrityError, match="employee_external_id_unique"), transaction.atomic():
        an_employee(company, external_id="E1")

    assert Employee.objects.count() == 2


def test_company_never_serves_itself() -> None:
    company = a_company()

    with pytest.raises(IntegrityError, match="company_not_served_by_itself"), transaction.atomic():
        Company.objects.filter(pk=company.pk).update(served_by=company.pk)


def test_audit_says_who_did_what_when_and_why() -> None:
    company, user = a_company(), a_user()

    audit.record("looked", company, actor_id=user.pk, now=NOW, company_id=company.pk, reason="A review", rows=3)

    entry = AuditEntry.objects.get()
    assert (entry.at, entry.actor, entry.action, entry.company) == (NOW, user, "looked", company)
    assert (entry.subject_type, entry.subject_id, entry.numbers) == ("accounts.company", company.pk, {"rows": 3})
    assert AuditReason.objects.get(entry=entry).text == "A review"


def test_audit_without_a_reason_has_no_reason_row() -> None:
    audit.record("looked", a_company(), actor_id=None, now=NOW)

    assert (AuditEntry.objects.count(), AuditReason.objects.count()) == (1, 0)


def test_audit_entry_is_never_changed_but_its_reason_can_be_erased() -> None:
    audit.record("looked", a_company(), actor_id=None, now=NOW, reason="Because of Mia")

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        AuditEntry.objects.update(action="nothing")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM accounts_auditentry")
    AuditReason.objects.all().delete()

    assert (AuditEntry.objects.get().action, AuditReason.objects.count()) == ("looked", 0)


def test_same_key_gives_the_first_row_again() -> None:
    user = a_user()

    first = idempotency.claim(user_id=user.pk, key="k", content=["redeem", 1])
    idempotency.settle(first, 42)
    again = idempotency.claim(user_id=user.pk, key="k", content=["redeem", 1])

    assert first.resource_id == 42
    assert (again.pk, again.resource_id) == (first.pk, 42)


def test_same_key_with_other_content_is_refused() -> None:
    user = a_user()
    idempotency.claim(user_id=user.pk, key="k", content=["redeem", 1])

    with pytest.raises(KeyUsedForAnotherRequestError):
        idempotency.claim(user_id=user.pk, key="k", content=["redeem", 2])

    assert IdempotencyKey.objects.count() == 1


def test_key_is_the_user_s_own() -> None:
    rows = [idempotency.claim(user_id=a_user().pk, key="k", content=[number]) for number in (1, 2)]

    assert len({row.pk for row in rows}) == 2


def test_key_of_a_request_that_failed_is_free_again() -> None:
    user = a_user()
    with transaction.atomic():
        idempotency.claim(user_id=user.pk, key="k", content=["one"])
        transaction.set_rollback(True)

    assert idempotency.claim(user_id=user.pk, key="k", content=["other"]).resource_id is None


def test_keys_of_many_requests_are_served_free_or_refused_each_by_itself() -> None:
    user, other = a_user(), a_user()
    idempotency.settle(idempotency.claim(user_id=user.pk, key="old", content=1), 42)
    again, changed = Request(user.pk, "old", 1), Request(user.pk, "old", 2)
    done, refused, of_other = Request(user.pk, "new", 1), Request(user.pk, "refused", 1), Request(other.pk, "new", 2)

    keys = KeyBook([done, refused, of_other, again])
    found = [keys.served(request) for request in (done, refused, of_other, again)]
    with pytest.raises(KeyUsedForAnotherRequestError):
        keys.served(changed)
    keys.settle(done, 43)
    keys.settle(of_other, 44)
    keys.write()

    assert found == [None, None, None, 42]
    assert set(IdempotencyKey.objects.values_list("user", "key", "resource_id")) == {
        (user.pk, "old", 42),
        (user.pk, "new", 43),
        (other.pk, "new", 44),
    }
    assert idempotency.claim(user_id=user.pk, key="new", content=1).resource_id == 43


def test_what_was_told_is_not_told_again() -> None:
    kind = MessageKind("test-told", "{points} points")
    person, other = an_employee(a_company()), an_employee(a_company())

    messages.tell(kind, [Telling(person.pk, 1, {"points": 5})], now=NOW)
    messages.tell(
        kind,
        [Telling(person.pk, 1, {"points": 9}), Telling(person.pk, 2, {"points": 7}), Telling(other.pk, 1, {})],
        now=NOW + DAY,
    )

    told = list(Message.objects.order_by("pk").values_list("employee", "subject_id", "facts", "created_at"))
    assert told == [
        (person.pk, 1, {"points": 5}, NOW),
        (person.pk, 2, {"points": 7}, NOW + DAY),
        (other.pk, 1, {}, NOW + DAY),
    ]


def test_nothing_is_told_of_what_was_rolled_back() -> None:
    person = an_employee(a_company())

    with transaction.atomic():
        messages.tell(MessageKind("test-rolled-back", ""), [Telling(person.pk, 1, {})], now=NOW)
        transaction.set_rollback(True)

    assert not Message.objects.exists()


def test_message_says_its_facts_and_an_unknown_kind_its_code() -> None:
    kind = MessageKind("test-said", "{points} points are yours")
    messages.register(kind)
    person = an_employee(a_company())
    known = Message(employee=person, kind="test-said", subject_id=1, facts={"points": 5})
    unknown = Message(employee=person, kind="of-the-future", subject_id=1, facts={})

    assert [messages.title_of(message) for message in (known, unknown)] == ["5 points are yours", "of-the-future"]


@pytest.mark.parametrize(
    "text", ["plain", "two\nlines\r\n", "tab\t", "مرحبا \u200f", "\u2067x\u2069", "株式会社", "🙂", ""]
)
def test_text_that_people_write_is_accepted(text: str) -> None:
    validate_plain_text(text)


@pytest.mark.parametrize("character", ["\0", "\x07", "\x1b", "\x7f", "\x85", *"\u202a\u202b\u202c\u202d\u202e"])
def test_character_that_would_deceive_is_refused_and_named(character: str) -> None:
    with pytest.raises(ValidationError, match=rf"invisible character U\+{ord(character):04X}"):
        validate_plain_text(f"invoice{character}gpj.exe")


@pytest.mark.parametrize(
    ("model", "field"),
    [(Company, "name"), (Company, "country"), (Employee, "name"), (Employee, "alias"), (Employee, "phone"),
     (User, "name"), (ServiceNote, "text"), (Segment, "name"), (StakeholderRole, "name")],
)  # fmt: skip
def test_text_of_people_is_checked(model: type[models.Model], field: str) -> None:
    with pytest.raises(ValidationError):
        model._meta.get_field(field).clean("a\u202eb", None)  # type: ignore[union-attr]


def test_note_names_people_of_its_company_only() -> None:
    company = a_company()
    ours, stranger = an_employee(company), an_employee(a_company())

    note = write_note(
        company=company, author_id=a_user().pk, kind="CALL", text="x", happened_at=NOW, people=[ours, stranger]
    )

    assert list(note.people.all()) == [ours]
    assert note.visibility == ServiceNote.Visibility.INTERNAL
