"""What conditions may ask about an activity and about where the company stands."""

from collections.abc import Iterable
from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from accounts.conditions import Catalogue, Fact, FactType, registry
from loyalty import earning
from loyalty.models import ActivityAttribute, Program

AMOUNT = earning.AMOUNT
QUANTITY = "activity.quantity"
OBJECT = "activity.object"
DAY = earning.DAY
SOURCE = "activity.source"
CURRENCY = "activity.currency"
RATE = "activity.rate"
"""By what the amount was multiplied; both are kept only where the program counts in another currency."""
PRODUCT_LISTS = "activity.product_lists"
"""The codes of the rule set's lists that the activity's object stands on."""
TIER = earning.TIER
TIER_RANK = "standing.tier_rank"
ATTRIBUTE_PREFIX = "attribute."
LAST_EARN_ON = "program.last_earn_on"
"""Kept with an evaluation where the program's last day to earn was over: no rule was asked."""


def register() -> None:
    """Make this floor's facts known to every condition."""
    registry.register(
        Fact(AMOUNT, FactType.NUMBER, _("amount")),
        Fact(QUANTITY, FactType.NUMBER, _("quantity")),
        Fact(OBJECT, FactType.TEXT, _("product code")),
        Fact(DAY, FactType.DATE, _("day")),
        Fact(PRODUCT_LISTS, FactType.SET, _("the product's lists")),
        Fact(SOURCE, FactType.TEXT, _("source")),
        Fact(TIER, FactType.CHOICE, _("tier of the company")),
        Fact(TIER_RANK, FactType.NUMBER, _("rank of the company's tier")),
    )


def catalogue_of(attributes: Iterable[ActivityAttribute], *, program: Program | None = None) -> Catalogue:
    """Return the facts that a rule for an activity type may ask: the registered ones and the type's `attributes`.

    With `program`, money carries its currency as the unit.
    """
    catalogue = dict(registry.catalogue())
    for attribute in attributes:
        code = f"{ATTRIBUTE_PREFIX}{attribute.code}"
        catalogue[code] = Fact(code, FactType(attribute.type), attribute.name, attribute.unit)
    if program is not None:
        catalogue[AMOUNT] = Fact(AMOUNT, FactType.NUMBER, _("amount"), program.currency)
    return catalogue


def number(value: Decimal | None) -> str | None:
    """Return a Decimal as JSON keeps it: plain digits, no trailing zeros."""
    return None if value is None else f"{value.normalize():f}"
