"""Who plays in the demo: companies, their people, and what we know of them."""

from dataclasses import dataclass, field

from accounts.models import Company, Employee

DECIDES, INFLUENCES, USES, PAYS = (
    Employee.BuyingRole.DECIDES,
    Employee.BuyingRole.INFLUENCES,
    Employee.BuyingRole.USES,
    Employee.BuyingRole.PAYS,
)


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


@dataclass(frozen=True, slots=True)
class Firm:
    """A company of the demo; `orders_a_week` and `usual_order` (EUR) shape its business."""

    name: str
    kind: str
    number: str
    country: str
    segment: str
    orders_a_week: int
    usual_order: int
    people: tuple[Person, ...]
    profile: dict[str, str] = field(default_factory=dict)
    notes: tuple[tuple[str, int, str, str], ...] = ()


ROLES = {
    "owner": "Owner",
    "buyer": "Buyer",
    "accountant": "Accountant",
    "workshop": "Workshop",
    "sales": "Sales",
}
INTERESTS = {"cycling": "Cycling", "gardening": "Gardening", "photography": "Photography", "football": "Football"}
SEGMENTS = {"key": "Key clients", "dealers": "Dealers", "growing": "Growing clients"}

FIRMS = (
    Firm(
        name="Brückner Werkzeugbau",
        kind=Company.Kind.CLIENT,
        number="C-1001",
        country="Germany",
        segment="key",
        orders_a_week=3,
        usual_order=900,
        people=(
            Person("Katrin Brückner", "owner", DECIDES, "admin@demo.example", "en", is_admin=True),
            Person("Jonas Wendt", "buyer", INFLUENCES, "employee@demo.example", interests=("cycling",)),
            Person("Mirjam Okafor", "accountant", PAYS, "mirjam@demo.example", interests=("gardening",)),
            Person("Tomasz Lis", "workshop", USES, channel=Employee.Channel.PHONE),
        ),
        profile={
            "goals": "Double the output of the milling hall by the end of next year without a second shift.",
            "values": "Family firm in the third generation; trains its own people and keeps them.",
            "decision_process": "The owner decides on Mondays; the buyer prepares, the workshop has a veto on tools.",
            "processes": "Orders by e-mail on Thursdays. Incoming inspection takes four days and holds everything up.",
            "problems": "Cannot find apprentices. Storage of old dies is full.",
        },
        notes=(
            ("CALL", 3, "INTERNAL", "Katrin asks for a price list with delivery times before she plans the new hall."),
            ("MEETING", 16, "SHARED", "Walked through the milling hall. Agreed to try the new coolant on one machine."),
            ("WISH", 40, "INTERNAL", "Tomasz would like a calibration day at their place, not at ours."),
        ),
    ),
    Firm(
        name="النور للتجارة",
        kind=Company.Kind.DEALER,
        number="C-2040",
        country="United Arab Emirates",
        segment="dealers",
        orders_a_week=4,
        usual_order=1500,
        people=(
            Person("ليلى الحداد", "owner", DECIDES, "layla@demo.example", "ar", "Asia/Dubai", is_admin=True),
            Person("عمر السالم", "sales", INFLUENCES, "omar@demo.example", "ar", "Asia/Dubai", interests=("football",)),
            Person("Priya Nair", "accountant", PAYS, "priya@demo.example", "en", "Asia/Dubai"),
        ),
        profile={
            "goals": "Open a second showroom in Sharjah.",
            "decision_process": "The owner decides alone and fast; she wants to hear of new goods before her rivals.",
            "problems": "Customs papers come late and cost a day for each delivery.",
        },
        notes=(
            ("CALL", 6, "INTERNAL", "Layla wants the autumn catalogue in Arabic; hers is two seasons old."),
            ("PROBLEM", 21, "SHARED", "A pallet arrived wet. Replaced the same week; the carrier pays."),
        ),
    ),
    Firm(
        name="桜製作所",
        kind=Company.Kind.CLIENT,
        number="C-3300",
        country="Japan",
        segment="growing",
        orders_a_week=1,
        usual_order=700,
        people=(
            Person("佐藤 由美", "owner", DECIDES, "yumi@demo.example", "ja", "Asia/Tokyo", is_admin=True),
            Person("田中 健", "workshop", USES, "ken@demo.example", "ja", "Asia/Tokyo", interests=("photography",)),
        ),
        profile={"goals": "Win the aerospace certificate.", "values": "Precision before speed."},
        notes=(("MEETING", 11, "SHARED", "Video call on the certificate: we send the calibration records by Friday."),),
    ),
)
