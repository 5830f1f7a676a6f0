"""The blueprints that come with Twofold: YAML files, each with examples that prove what it says."""

from dataclasses import dataclass
from pathlib import Path

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Shipped:
    """One of them, and in a sentence what it does."""

    code: str
    name: str
    about: str | Promise

    def read(self) -> str:
        """Return its text."""
        return (_FOLDER / f"{self.code}.yaml").read_text(encoding="utf-8")


SHIPPED: tuple[Shipped, ...] = (
    Shipped(
        "halden-together",
        "Halden Together",
        _("A vendor of tools: points for orders and training, three tiers by spend, a circle for a fee, and benefits."),
    ),
    Shipped(
        "hubspot-for-startups",
        "HubSpot for Startups",
        _("Incubators bring start-ups; their level grows with the number that they brought in a year."),
    ),
    Shipped(
        "etihad-superseller",
        "Etihad SuperSeller",
        _("People of travel agencies earn miles for tickets in business and first class."),
    ),
    Shipped(
        "officemax-maxperks",
        "OfficeMax MaxPerks",
        _("A share of online spend and a dollar for each recycled cartridge come back, up to 100 dollars a month."),
    ),
)


def shipped(code: str) -> Shipped | None:
    """Return the one of a code."""
    return next((one for one in SHIPPED if one.code == code), None)
