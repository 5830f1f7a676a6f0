"""What the people and companies of the demo are made of; who they are stands in `firms.py`."""

from dataclasses import dataclass, field

from accounts.models import Employee


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who works in a company; those with an e-mail address can sign in."""

    name: str
    role: str
    buying_role: str
    email: str = ""
    language: str = "en"
    time_zone: str = "Europe/Berlin"
    channel: str = Employee.Channel.EMAIL
    is_admin: bool = False
    interests: tuple[str, ...] = ()
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """A service note; a `promise` is due in so many days from now (below 0: it is late)."""

    kind: str
    days_ago: int
    visibility: str
    text: str
    promise: str = ""
    due_in: int = 0
    follow_up: str = "PROMISE"
    is_done: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """A redemption and how far it came; `by` is the place of the one who orders among the firm's people."""

    reward: str
    days_ago: int
    state: str
    by: int = 0
    payer: str = "company"
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Firm:
    """A company of the demo; `orders_a_week` and `usual_order` (EUR) shape its business.

    It joined `joined_weeks` ago and has bought nothing for the last `quiet_weeks`.
    """

    name: str
    kind: str
    number: str
    country: str
    segment: str
    orders_a_week: int
    usual_order: int
    people: tuple[Person, ...]
    account_manager: str = "account@demo.example"
    profile: dict[str, str] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    orders: tuple[Order, ...] = ()
    comments: tuple[tuple[int, str], ...] = ()
    policy: tuple[str, int | None] = ("NEVER", None)
    joined_weeks: int = 26
    quiet_weeks: int = 0
    has_consent: bool = True


ROLES = {
    "owner": "Owner",
    "buyer": "Buyer",
    "accountant": "Accountant",
    "workshop": "Workshop",
    "sales": "Sales",
}
INTERESTS = {
    "cycling": "Cycling",
    "gardening": "Gardening",
    "photography": "Photography",
    "football": "Football",
    "hiking": "Hiking",
    "cooking": "Cooking",
}
SEGMENTS = {"key": "Key clients", "dealers": "Dealers", "growing": "Growing clients"}
