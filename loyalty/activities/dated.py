"""Dated rows as the main flow reads them: the few columns that it asks for, as of a moment."""

from dataclasses import dataclass
from datetime import datetime

from loyalty.earning import Promotion


@dataclass(frozen=True, slots=True)
class Dated:
    """What holds from `starts_at` (inclusive) until `ends_at` (exclusive, None: further notice)."""

    starts_at: datetime
    ends_at: datetime | None

    def holds_at(self, at: datetime) -> bool:
        """Whether it holds at `at`."""
        return self.starts_at <= at and (self.ends_at is None or at < self.ends_at)


@dataclass(frozen=True, slots=True)
class Enrolment(Dated):
    """A company's membership in a program."""

    id: int
    company_id: int
    program_id: int
    has_one_wallet: bool = False


@dataclass(frozen=True, slots=True)
class GivenConsent(Dated):
    """A consent: which roles may earn (none named: every one), and how many points a person and month.

    `is_for_company`: what a person may not earn goes to the company.
    """

    roles: frozenset[str]
    monthly_limit: int | None
    is_for_company: bool = False


@dataclass(frozen=True, slots=True)
class Belonging(Dated):
    """A segment that a company is in, or a role that a person plays."""

    code: str


@dataclass(frozen=True, slots=True)
class InForce(Dated):
    """An agreement that holds, or did."""

    id: int


@dataclass(frozen=True, slots=True)
class Promoted(Dated):
    """A promotion that was approved."""

    promotion: Promotion
