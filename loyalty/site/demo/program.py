"""The demo's program: loaded from its blueprint and put in force, its rewards put in stock."""

from datetime import date, datetime

from accounts.models import User
from loyalty import benefits, rulesets
from loyalty.models import Program
from loyalty.site.blueprints import Document, load, read, shipped
from rewards.models import Reward, RewardStock, StockMovement

PROGRAM_CODE = "halden-together"

_BEGIN = date(2026, 6, 1)
"""As the blueprint has it; the demo's half year has its campaign behind it."""
_PIECES = {
    "hamper": 60,
    "calibration": 12,
    "training-day": 8,
    "tool-trial": 5,
    "fair": 4,
    "study": 1000,
    "course": 40,
    "apprentices": 30,
    "jacket": 25,
}
"""Of the blueprint's rewards, by their codes. All places of the visit are taken."""


def create_program(*, by: User, starts_at: datetime) -> Program:
    """Make the program and its benefits, in force from `starts_at`."""
    loaded = load(document=_blueprint(starts_at.date()), by=by, now=starts_at)
    if loaded.rule_set is None or loaded.benefit_matrix is None:
        raise RuntimeError("The demo's blueprint has no rules, or no benefits.")
    rulesets.activate(rule_set=loaded.rule_set, by=by, starts_at=starts_at, now=starts_at)
    benefits.activate(matrix=loaded.benefit_matrix, by=by, starts_at=starts_at, now=starts_at)
    _put_in_stock(loaded.program)
    return loaded.program


def _blueprint(begin: date) -> Document:
    """The blueprint that is shipped, its campaign and its plan as long after the demo begins as the file has them."""
    chosen = shipped(PROGRAM_CODE)
    if chosen is None:
        raise RuntimeError("The demo's blueprint is not shipped.")
    document = read(chosen.read())
    later = begin - _BEGIN
    plan = document.data["plan"]
    for part, days in (
        *((campaign, ("from", "until")) for campaign in document.data["rule_set"]["campaigns"]),
        (plan, ("from", "review")),
        *((goal, ("by",)) for goal in plan["goals"]),
    ):
        for day in days:
            part[day] = (date.fromisoformat(part[day]) + later).isoformat()
    return document


def _put_in_stock(program: Program) -> None:
    for reward in Reward.objects.filter(program=program).order_by("pk"):
        stock = RewardStock.objects.create(reward=reward)
        if pieces := _PIECES.get(reward.code):
            StockMovement.objects.create(stock=stock, pieces=pieces)
