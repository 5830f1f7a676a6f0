"""What the items of a request name: looked up by written queries that let through what `visible_to` does."""

from typing import Any

import pytest
from django.utils import timezone

from accounts.actors import Actor, actor_of, actor_of_client
from accounts.models import Company, Employee
from loyalty.api.naming import look_up
from loyalty.models import Source
from tests.factories.callers import a_caller
from tests.factories.world import (
    a_company,
    a_manager,
    a_source,
    an_account_manager,
    an_admin,
    an_employee,
)

pytestmark = pytest.mark.django_db


def test_clients_find_what_is_visible_to_them_and_nobody_else_finds_anything() -> None:
    now = timezone.now()
    served, foreign, unnamed = a_company(external_id="C-1"), a_company(external_id="C-2"), a_company(external_id="")
    for company in (served, foreign, unnamed):
        for number in ("E-1", "E-2", ""):
            an_employee(company, external_id=number)
    shop, erp = a_source("shop"), a_source("erp")
    listed = a_caller(companies=[served], sources=[shop]).client
    a_caller(companies=[foreign], sources=[erp])
    off = a_caller(sources=[shop, erp]).client
    off.is_active = False
    clients = [listed, a_caller(sources=[shop, erp]).client, a_caller(companies=[]).client, off]
    people = [an_admin(foreign).user, a_manager(), an_account_manager(foreign)]

    for actor in [actor_of_client(client, now=now) for client in clients]:
        assert found_by(actor) == visible_to(actor)
    for actor in [Actor(at=now), *(actor_of(user, now=now) for user in people)]:
        assert found_by(actor) == (set(), set(), set())
    assert found_by(actor_of_client(listed, now=now)) == (
        {("shop", shop.pk)},
        {("C-1", served.pk)},
        set(Employee.objects.filter(company=served, external_id="E-1").values_list("company_id", "external_id", "pk")),
    )


def test_of_several_clients_at_once_each_finds_its_own_alone() -> None:
    now = timezone.now()
    companies = [a_company(external_id=number) for number in ("C-1", "C-2")]
    sources = [a_source(code) for code in ("shop", "erp")]
    people = [an_employee(company, external_id="E-1") for company in companies]
    actors = [
        actor_of_client(a_caller(companies=[company], sources=[source]).client, now=now)
        for company, source in zip(companies, sources, strict=True)
    ]

    named = look_up(
        sources=[(actor, source.code) for actor in actors for source in sources],
        people=[(actor, company.external_id, "E-1") for actor in actors for company in companies],
    )

    ids = [actor.service_client_id for actor in actors]
    assert named.sources == {(ids[0], "shop"): sources[0], (ids[1], "erp"): sources[1]}
    assert named.companies == {(ids[0], "C-1"): companies[0].pk, (ids[1], "C-2"): companies[1].pk}
    assert named.employees == {(person.company_id, "E-1"): person.pk for person in people}


def test_a_thousand_names_are_found_like_one() -> None:
    actor = actor_of_client(a_caller(sources=[a_source("shop")]).client, now=timezone.now())
    companies = Company.objects.bulk_create(Company(name="Firm", external_id=f"C-{number}") for number in range(1_000))
    person = an_employee(companies[-1], external_id="E-1")

    named = look_up(sources=[(actor, "shop")], people=[(actor, company.external_id, "E-1") for company in companies])

    assert set(named.companies.values()) == {company.pk for company in companies}
    assert named.employees == {(companies[-1].pk, "E-1"): person.pk}


def found_by(actor: Actor) -> tuple[set[Any], set[Any], set[Any]]:
    """What is found of everything there is, with one of the two people of each company."""
    companies = ["C-1", "C-2", "", "C-9"]
    named = look_up(
        sources=[(actor, code) for code in ("shop", "erp", "none")],
        people=[(actor, company, person) for company in companies for person in (None, "E-1", "", "E-9")],
    )
    assert {client for client, _what in (*named.sources, *named.companies)} <= {actor.service_client_id}
    assert all(source.code == code and source.name == code for (_client, code), source in named.sources.items())
    return (
        {(code, source.pk) for (_client, code), source in named.sources.items()},
        {(number, pk) for (_client, number), pk in named.companies.items()},
        {(*who, pk) for who, pk in named.employees.items()},
    )


def visible_to(actor: Actor) -> tuple[set[Any], set[Any], set[Any]]:
    """The same by way of the ORM; who has no number is not named by it."""
    companies = Company.objects.visible_to(actor).exclude(external_id="")
    employees = Employee.objects.visible_to(actor).filter(company__in=companies, external_id="E-1")
    return (
        set(Source.objects.visible_to(actor).filter(code__in=["shop", "erp"]).values_list("code", "pk")),
        set(companies.values_list("external_id", "pk")),
        set(employees.values_list("company_id", "external_id", "pk")),
    )
