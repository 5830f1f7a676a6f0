"""Customers: customer numbers resolved to companies, unknown ones made, all of them enrolled in the program."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, time

from django.core.exceptions import ValidationError

from accounts.models import Company, Employee
from accounts.text import validate_plain_text
from loyalty.importing.lines import Line
from loyalty.importing.profile import NewCompanies
from loyalty.memberships import Joining, enrol
from loyalty.models import Membership, Program


class Customers:
    """The companies that a file speaks of, kept for the whole run; ask it inside the transaction of a batch."""

    def __init__(
        self,
        program: Program,
        new: NewCompanies | None,
        places: Mapping[str, int],
        firsts: Mapping[str, datetime],
    ) -> None:
        """`places` are those of the columns; `firsts` each customer's first activity, where a file is in no order."""
        self._program = program
        self._new = new
        self._places = places
        self._firsts = firsts
        self.ids: dict[str, int] = {}
        self._members: set[str] = set()

    def look_up(self, numbers: Iterable[str]) -> None:
        """Find the companies of customer numbers that were not asked for before, and whether they take part."""
        unknown = set(numbers) - self.ids.keys()
        if not unknown:
            return
        found = dict(Company.objects.filter(external_id__in=unknown).values_list("external_id", "pk"))
        taking_part = set(
            Membership.objects.filter(program=self._program, company__in=found.values()).values_list(
                "company", flat=True
            )
        )
        self.ids.update(found)
        self._members.update(number for number, company_id in found.items() if company_id in taking_part)

    def refusal_of(self, line: Line) -> str:
        """Return the reason why no activity of the line's customer can be recorded, or nothing."""
        if line.customer in self.ids:
            return ""
        if self._new is None:
            return "unknown_customer"
        return "" if _is_sound(*self._name_and_country(line)) else "bad_company"

    def admit(self, lines: Iterable[Line]) -> None:
        """Make the companies of `lines` that are missing, and members of those that never were.

        A membership starts on the first of the month, where the program is, of the company's first activity.
        """
        first: dict[str, Line] = {}
        for line in lines:
            if line.customer not in self._members and line.customer not in first:
                first[line.customer] = line
        if not first:
            return
        self._make([line for number, line in first.items() if number not in self.ids])
        enrol(
            program=self._program,
            joinings=[
                Joining(self.ids[number], self._month_of(self._firsts.get(number, line.occurred_at)))
                for number, line in first.items()
            ],
        )
        self._members.update(first)

    def people(self, lines: Collection[Line]) -> dict[tuple[int, str], int]:
        """Return the ids of the people that `lines` name, by company id and their number there."""
        companies = {self.ids[line.customer] for line in lines if line.employee and line.customer in self.ids}
        if not companies:
            return {}
        rows = Employee.objects.filter(
            company__in=companies, external_id__in={line.employee for line in lines if line.employee}
        ).values_list("company", "external_id", "pk")
        return {(company_id, number): employee_id for company_id, number, employee_id in rows}

    def _make(self, lines: Collection[Line]) -> None:
        companies: list[Company] = []
        for line in lines:
            name, country = self._name_and_country(line)
            kind = self._new.kind if self._new else Company.Kind.CLIENT
            companies.append(Company(external_id=line.customer, name=name, country=country, kind=kind))
        self.ids.update((company.external_id, company.pk) for company in Company.objects.bulk_create(companies))

    def _name_and_country(self, line: Line) -> tuple[str, str]:
        if self._new is None:
            return "", ""
        name = self._new.name_from({column: line.cells[self._places[column]] for column in self._new.name_columns})
        return name, line.cells[self._places[self._new.country]] if self._new.country else ""

    def _month_of(self, at: datetime) -> datetime:
        zone = self._program.zone
        return datetime.combine(at.astimezone(zone).date().replace(day=1), time(), zone)


def _is_sound(name: str, country: str) -> bool:
    """Whether a company may be called so."""
    try:
        validate_plain_text(name)
        validate_plain_text(country)
    except ValidationError:
        return False
    return bool(name) and len(name) <= 200 and len(country) <= 100
