"""What we hold of a person: taken away whole, erased without a trace, points kept under a number."""

import contextlib
import json
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import IntegrityError, connection, models, transaction
from django.db.models import Q
from django.test import Client
from django.utils import timezone

from accounts import audit, erasing, laws, subjects
from accounts.erasing import (
    AlreadyAskedError,
    AlreadyEndedError,
    AlreadyErasedError,
    ask_to_erase,
    erase_due,
    erase_now,
)
from accounts.history import ConfigurationHistory
from accounts.models import Draft, Employee, Erasure, Message, User
from loyalty.models import Activity, Posting, Wallet
from surveys.models import Answer
from tests.factories.canaries import CanaryWorld, user_of

pytestmark = pytest.mark.django_db

MODELS = [
    model
    for label in ("accounts", "loyalty", "rewards", "surveys", "admin", "account")
    for model in apps.get_app_config(label).get_models()
    if not issubclass(model, ConfigurationHistory)
]

NAME = "Zebulon Quagmire"
WORDS = {
    "name": NAME, "email": "zebulon@quagmire.example", "phone": "+49 30 9018 4242", "alias": "zebq",
    "external_id": "person-zq-17", "answer": "frank words of zebq", "reason": "because zebq asked by phone",
}  # fmt: skip


@pytest.fixture
def world(canary_world: CanaryWorld) -> CanaryWorld:
    """Two companies with rows in every table."""
    return canary_world


def a_person_with_words(world: CanaryWorld) -> Employee:
    """The member of company A, with words of the own wherever there is room for any."""
    person = world.a.member
    Employee.objects.filter(pk=person.pk).update(
        name=NAME, alias=WORDS["alias"], phone=WORDS["phone"], external_id=WORDS["external_id"]
    )
    user = user_of(person)
    User.objects.filter(pk=user.pk).update(name=NAME, email=WORDS["email"])
    Answer.objects.filter(response__employee=person, response__submitted_at=None).update(text=WORDS["answer"])
    audit.record("access-changed", person, actor_id=world.manager.pk, now=timezone.now(), reason=WORDS["reason"])
    Message.objects.create(
        employee=world.a.admin, kind="any", subject_id=1, facts={"name": f"{NAME} asks"}, created_at=timezone.now()
    )
    LogEntry.objects.create(
        user=world.manager, content_type=ContentType.objects.get_for_model(Employee), object_id=str(person.pk),
        object_repr=NAME, action_flag=CHANGE, change_message=f"Changed {NAME}",
    )  # fmt: skip
    person.refresh_from_db()
    return person


def tables_that_say(words: list[str]) -> dict[str, list[str]]:
    """Return, for every table of the database, which of `words` stand anywhere in its rows."""
    found: dict[str, list[str]] = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            for word in words:
                cursor.execute(f'SELECT 1 FROM "{table}" row WHERE row::text LIKE %s LIMIT 1', [f"%{word}%"])
                if cursor.fetchone():
                    found.setdefault(table, []).append(word)
    return found


def test_an_erased_person_stands_nowhere_in_the_database_and_the_books_still_add_up(world: CanaryWorld) -> None:
    person = a_person_with_words(world)
    before = {model: model._default_manager.count() for model in (Activity, Posting, Wallet)}
    points = list(Wallet.objects.filter(employee=person).order_by("pk").values_list("kind", "balance"))
    assert {"accounts_employee", "accounts_user"} <= set(tables_that_say(list(WORDS.values())))
    erasure = ask_to_erase(employee_id=person.pk, by_user_id=user_of(person).pk, now=timezone.now())

    erase_now(erasure_id=erasure.pk, by_user_id=world.manager.pk, now=timezone.now())

    assert tables_that_say(list(WORDS.values())) == {}
    assert {model: model._default_manager.count() for model in before} == before
    assert list(Wallet.objects.filter(employee=person).order_by("pk").values_list("kind", "balance")) == points
    assert [finding.law.code for finding in laws.verify() if finding.count] == []
    person.refresh_from_db()
    assert (person.name, person.is_active, user_of(person).is_active) == (f"#{person.pk}", False, False)
    assert not user_of(person).has_usable_password()


TOKEN = "zqtoken"

NO_WORDS_OF_A_PERSON = {
    "accounts.User": {"password", "time_zone"},
    "accounts.SavedFilter": {"screen"},
    "accounts.Draft": {"address"},
    "accounts.Job": {"parameters", "result"},
    "loyalty.Adjustment": {"said_last_day"},
    "accounts.Employee": {"address"},  # of whom has no login, as these have
    "accounts.Invitation": {"address"},  # whom somebody invited: it goes with that person
}
"""Columns that people cannot write words into, though their type would allow it."""


def fill_with_words(people: list[Employee]) -> set[str]:
    """Put TOKEN into every column of words in every row that points at one of `people`; return which tables that was.

    Tables that only grow hold no words (law G1), configuration belongs to nobody.
    """
    logins = [person.user_id for person in people]
    filled = set()
    for model in MODELS:
        words = [
            field
            for field in model._meta.fields
            if isinstance(field, models.CharField | models.TextField | models.JSONField)
            and not isinstance(field, models.SlugField)
            and not field.choices
            and field.name not in NO_WORDS_OF_A_PERSON.get(model._meta.label, ())
        ]
        if not words or any(trigger.name == "append_only" for trigger in getattr(model._meta, "triggers", [])):
            continue
        own = Q(pk__in=[person.pk for person in people]) if model is Employee else Q(pk__in=[])
        own |= Q(pk__in=logins) if model is User else Q(pk__in=[])
        for field in model._meta.fields:
            if field.related_model is Employee:
                own |= Q(**{f"{field.name}__in": people})
            elif field.related_model is User:
                own |= Q(**{f"{field.name}__in": logins})
        for row in model._default_manager.filter(own):
            new = {
                field.name: {"name": TOKEN}
                if isinstance(field, models.JSONField)
                else f"{TOKEN}{row.pk}@{field.name}"[: field.max_length]
                for field in words
            }
            with contextlib.suppress(IntegrityError), transaction.atomic():  # what was sent cannot be changed any more
                model._default_manager.filter(pk=row.pk).update(**new)
                filled.add(model._meta.label)
    return filled


def test_no_word_outlives_whoever_wrote_it_or_is_named_by_its_row(world: CanaryWorld) -> None:
    people = [world.a.member, world.a.colleague, world.a.decider, world.a.admin]
    Draft.objects.create(user=user_of(world.a.member), address="/", fields={}, saved_at=timezone.now())
    filled = fill_with_words(people)
    assert filled >= {
        "accounts.Approval", "accounts.Draft", "accounts.Employee", "accounts.Message", "accounts.User",
        "loyalty.Adjustment", "loyalty.BenefitGrant", "loyalty.BenefitUse", "loyalty.ProgramComment",
        "rewards.RedemptionStep",
    }  # fmt: skip

    for person in people:
        erasure = ask_to_erase(employee_id=person.pk, by_user_id=world.manager.pk, now=timezone.now())
        erase_now(erasure_id=erasure.pk, by_user_id=world.manager.pk, now=timezone.now())

    assert tables_that_say([TOKEN]) == {}


def test_whoever_has_no_login_is_known_by_no_address_afterwards(world: CanaryWorld) -> None:
    guest = Employee.objects.get(company=world.a.member.company, user=None, address__contains="guest")
    address = guest.address
    assert {"accounts_employee", "accounts_invitation", "accounts_mail"} <= set(tables_that_say([address]))
    [person] = [part for part in subjects.parts() if part.code == "person"]
    assert [row["address"] for row in person.rows(guest)] == [address]
    erasure = ask_to_erase(employee_id=guest.pk, by_user_id=world.manager.pk, now=timezone.now())

    erase_now(erasure_id=erasure.pk, by_user_id=world.manager.pk, now=timezone.now())

    assert tables_that_say([address]) == {}


def test_erasing_runs_twice_without_harm_and_touches_nobody_else(world: CanaryWorld) -> None:
    person = a_person_with_words(world)
    others = list(Employee.objects.exclude(pk=person.pk).order_by("pk").values())

    for part in subjects.parts() * 2:
        part.erase(Employee.objects.get(pk=person.pk))

    assert list(Employee.objects.exclude(pk=person.pk).order_by("pk").values()) == others
    assert Message.objects.get(kind="any").facts == {"name": f"#{person.pk} asks"}


def test_a_person_is_erased_when_it_is_due_and_not_before(world: CanaryWorld) -> None:
    now = timezone.now()
    erasure = ask_to_erase(employee_id=world.a.member.pk, by_user_id=user_of(world.a.member).pk, now=now)

    assert erase_due(now + timedelta(days=6, hours=23)) == 0
    assert erase_due(now + timedelta(days=7)) == 1
    assert erase_due(now + timedelta(days=7)) == 0

    erasure.refresh_from_db()
    assert erasure.state == Erasure.State.DONE
    with pytest.raises(AlreadyEndedError):
        erasing.withdraw_erasure(erasure_id=erasure.pk, by_user_id=world.manager.pk, now=now)
    with pytest.raises(AlreadyErasedError):
        ask_to_erase(employee_id=world.a.member.pk, by_user_id=world.manager.pk, now=now)


def test_who_withdraws_in_time_stays(world: CanaryWorld) -> None:
    now = timezone.now()
    erasure = ask_to_erase(employee_id=world.a.member.pk, by_user_id=user_of(world.a.member).pk, now=now)
    with pytest.raises(AlreadyAskedError):
        ask_to_erase(employee_id=world.a.member.pk, by_user_id=world.manager.pk, now=now)

    erasing.withdraw_erasure(erasure_id=erasure.pk, by_user_id=user_of(world.a.member).pk, now=now)

    assert erase_due(now + timedelta(days=30)) == 0
    assert Employee.objects.get(pk=world.a.member.pk).is_active


def test_the_database_refuses_a_second_request_and_a_name_for_who_was_forgotten(world: CanaryWorld) -> None:
    now = timezone.now()
    asked = {"employee": world.a.member, "asked_by": world.manager, "asked_at": now, "due_at": now}
    Erasure.objects.create(**asked)

    with pytest.raises(IntegrityError, match="erasure_one_at_a_time"), transaction.atomic():
        Erasure.objects.create(**asked)
    with pytest.raises(IntegrityError, match="erasure_due_after_it_was_asked"), transaction.atomic():
        Erasure.objects.create(**asked | {"employee": world.a.colleague, "due_at": now - timedelta(days=1)})
    with pytest.raises(IntegrityError, match="employee_erased_is_nobody"), transaction.atomic():
        Employee.objects.filter(pk=world.a.member.pk).update(erased_at=now)


def test_a_person_downloads_everything_and_nothing_of_anybody_else(world: CanaryWorld, client: Client) -> None:
    person = a_person_with_words(world)
    client.force_login(user_of(person))

    response = client.post("/me/privacy/export/")

    content: dict[str, Any] = json.loads(response.content)
    assert response["Content-Disposition"].startswith('attachment; filename="twofold-')
    assert list(content["parts"]) == [part.code for part in reversed(subjects.parts())]
    assert content["parts"]["person"]["rows"][0]["phone"] == WORDS["phone"]
    assert content["parts"]["points"]["rows"]
    assert content["parts"]["activities"]["rows"]
    assert world.b.canary not in response.content.decode()
    assert "canary-internal" not in response.content.decode()


def test_a_person_asks_thinks_again_and_stays(world: CanaryWorld, client: Client) -> None:
    client.force_login(user_of(world.a.member))

    assert "This cannot be undone" in client.get("/me/privacy/erase/").content.decode()
    own = Erasure.objects.filter(employee=world.a.member)
    assert not own.exists()
    client.post("/me/privacy/erase/")
    client.post("/me/privacy/erase/")
    assert own.get().state == Erasure.State.WAITING
    assert "Stay after all" in client.get("/me/privacy/").content.decode()
    client.post("/me/privacy/stay/")

    assert own.get().state == Erasure.State.WITHDRAWN
    assert client.post("/me/privacy/stay/").status_code == 302


def test_a_manager_asks_for_somebody_and_erases_at_once(world: CanaryWorld, client: Client) -> None:
    client.force_login(world.manager)
    person = world.a.decider

    client.post("/admin/accounts/erasure/add/", {"employee": person.pk, "reason": "By letter"})
    again = client.post("/admin/accounts/erasure/add/", {"employee": person.pk, "reason": "By letter"})
    erasure = Erasure.objects.get(employee=person)
    assert (again.status_code, "has asked already" in again.content.decode()) == (409, True)
    client.post(f"/admin/accounts/erasure/{erasure.pk}/erase/")

    person.refresh_from_db()
    assert person.name == f"#{person.pk}"
    assert person.erased_at is not None
