"""What a segment's condition may ask of companies, and the answers for many companies at a time.

Each floor makes its own known when the installation starts; the facts are those that there are when somebody asks,
so a program that began today can be asked about today.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Count, Q
from django.utils.translation import gettext as _

from accounts.conditions import Catalogue, Fact, FactType, Value, registry
from accounts.facts import COMPANY_COUNTRY, COMPANY_KIND
from accounts.models import Company

COMPANY_PEOPLE = "company.people"

Answer = tuple[int, str, Value]
"""Company id, code of the fact, value; what is not known is left out."""


@dataclass(frozen=True, slots=True)
class CompanyFacts:
    """Some facts of companies: which there are, and what they are of many companies at once, in few queries."""

    code: str
    facts: Callable[[], Sequence[Fact]]
    read: Callable[[Collection[str], Sequence[int], datetime], Iterable[Answer]]
    """Called with the codes that are asked, company ids and a moment; never with no code of its own."""


_known: dict[str, CompanyFacts] = {}


def register(*kinds: CompanyFacts) -> None:
    """Make facts known that a floor has."""
    _known.update({kind.code: kind for kind in kinds})


def catalogue() -> Catalogue:
    """Return all that can be asked of a company now, in the language in force."""
    return {fact.code: fact for kind in _known.values() for fact in kind.facts()}


def values_of(codes: Collection[str], company_ids: Sequence[int], *, at: datetime) -> dict[int, dict[str, Value]]:
    """Return the facts of `codes` that are known of each company at `at`."""
    values: dict[int, dict[str, Value]] = {company_id: {} for company_id in company_ids}
    for kind in _known.values():
        asked = {fact.code for fact in kind.facts()}.intersection(codes)
        for company_id, code, value in kind.read(asked, company_ids, at) if asked else ():
            values[company_id][code] = value
    return values


def _facts() -> Sequence[Fact]:
    known = registry.catalogue()
    people = Fact(COMPANY_PEOPLE, FactType.NUMBER, _("number of people"))
    return [known[COMPANY_KIND], known[COMPANY_COUNTRY], people]


def _read(codes: Collection[str], company_ids: Sequence[int], at: datetime) -> Iterable[Answer]:
    """What a company is, and how many work there; neither has a past, so it is as of now."""
    rows = Company.objects.filter(pk__in=company_ids)
    if COMPANY_PEOPLE in codes:
        working = Count("employees", filter=Q(employees__is_active=True))
        for company_id, people in rows.annotate(working=working).values_list("pk", "working"):
            yield company_id, COMPANY_PEOPLE, Decimal(people)
    for company_id, kind, country in rows.values_list("pk", "kind", "country"):
        yield company_id, COMPANY_KIND, kind
        if country:
            yield company_id, COMPANY_COUNTRY, country


OF_COMPANIES = CompanyFacts("companies", _facts, _read)
