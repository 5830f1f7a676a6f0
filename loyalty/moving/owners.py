"""Whose wallet a row of a file is about: a company of a program, or one of its people, as other systems call them."""

from collections.abc import Collection, Sequence
from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.models import Company, Employee
from accounts.moving.companies import NUMBER
from accounts.moving.kinds import RefusedError, Row
from accounts.moving.people import PERSON
from accounts.moving.values import needed
from accounts.tables.cells import shown
from loyalty.ledger import Owner
from loyalty.models import Membership, Program

OWNER, EMAIL = "owner", "email"
"""Columns by which some tables know an owner, too: by our own numbers (17, or 17/42 for a person), and by address."""


class Owners:
    """Looks up, a batch of rows at a time, whose points they are."""

    def __init__(self, program: Program, *, now: datetime) -> None:
        self._program = program
        self._now = now
        self._companies: dict[str, int] = {}
        self._people: dict[tuple[int, str], int] = {}
        self._owned: set[tuple[int, int]] = set()
        self._with_address: dict[tuple[int, str], set[int]] = {}
        self.memberships: dict[int, int] = {}
        """Of the companies that take part: the membership by company."""

    def look_up(self, rows: Sequence[Row], *, is_final: bool) -> None:
        """Read what the rows name; `is_final`: with the memberships under lock."""
        numbers = _cells(rows, NUMBER.code)
        self._companies = dict(Company.objects.filter(external_id__in=numbers).values_list("external_id", "pk"))
        ours = [_ids(text) for text in _cells(rows, OWNER)]
        company_ids = {*self._companies.values(), *(company for company, _person in ours)}
        memberships = Membership.objects.filter(program=self._program, company__in=company_ids).in_force(self._now)
        if is_final:
            memberships = memberships.select_for_update(no_key=True, of=("self",))
        self.memberships = dict(memberships.order_by("pk").values_list("company_id", "pk"))
        self._look_up_people(rows, company_ids, {person for _company, person in ours if person})

    def _look_up_people(self, rows: Sequence[Row], company_ids: Collection[int], employee_ids: Collection[int]) -> None:
        people, addresses = _cells(rows, PERSON.code), {text.casefold() for text in _cells(rows, EMAIL)}
        self._people, self._owned, self._with_address = {}, set(), {}
        if not (people or addresses or employee_ids):
            return
        known = Employee.objects.filter(company__in=company_ids, is_active=True)
        found = known.filter(external_id__in=people).values_list("company", "external_id", "pk")
        self._people = {(company_id, person): pk for company_id, person, pk in found}
        if employee_ids:
            self._owned = set(known.filter(pk__in=employee_ids).values_list("company_id", "pk"))
        if addresses:
            rows_of_people = known.exclude(address="", user__isnull=True).filter(
                Q(user__email__in=addresses) | Q(address__in=addresses)
            )
            for company_id, pk, address, login in rows_of_people.values_list("company", "pk", "address", "user__email"):
                for text in {address.casefold(), (login or "").casefold()} - {""}:
                    self._with_address.setdefault((company_id, text), set()).add(pk)

    def owner_of(self, row: Row) -> tuple[Owner, int]:
        """Return whose wallet a row is about, and the membership; raises RefusedError."""
        if row.cells.get(OWNER, ""):
            return self._by_our_numbers(row)
        number = needed(row, NUMBER.code, 100)
        company_id = self._companies.get(number)
        if company_id is None:
            sentence = _("No company has the number “%(number)s”. Move the companies in first.")
            raise RefusedError(NUMBER.code, sentence % {"number": shown(number)})
        membership_id = self._membership_of(company_id, NUMBER.code)
        return Owner(self._program.pk, company_id, self._person_of(row, company_id)), membership_id

    def _by_our_numbers(self, row: Row) -> tuple[Owner, int]:
        company_id, person = _ids(row.cells[OWNER])
        membership_id = self._membership_of(company_id, OWNER)
        if person and (company_id, person) not in self._owned:
            raise RefusedError(OWNER, _("This person does not work for the company, or no longer does."))
        return Owner(self._program.pk, company_id, person or None), membership_id

    def _membership_of(self, company_id: int, column: str) -> int:
        membership_id = self.memberships.get(company_id)
        if membership_id is None:
            raise RefusedError(column, _("The company does not take part in the program at present."))
        return membership_id

    def _person_of(self, row: Row, company_id: int) -> int | None:
        person, address = row.cells.get(PERSON.code, ""), row.cells.get(EMAIL, "")
        if person:
            employee_id = self._people.get((company_id, person))
            if employee_id is None:
                sentence = _("Nobody who works for the company has the number “%(number)s”.")
                raise RefusedError(PERSON.code, sentence % {"number": shown(person)})
            return employee_id
        if not address:
            return None
        found = self._with_address.get((company_id, address.casefold()), set())
        if len(found) != 1:
            sentence = _("Nobody who works for the company is known by the address “%(address)s”.")
            raise RefusedError(EMAIL, sentence % {"address": shown(address)})
        return next(iter(found))


def _cells(rows: Sequence[Row], column: str) -> set[str]:
    return {row.cells.get(column, "") for row in rows} - {""}


def _ids(text: str) -> tuple[int, int]:
    """Our numbers of company and person as a cell says them: 17, or 17/42; 0 is nobody's."""
    company, _slash, person = text.partition("/")
    return _number(company), _number(person)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 18 else 0
