"""The demo's program: loaded from its blueprint and put in force, and the rewards of a vendor of tools."""

from datetime import date, datetime, timedelta

from accounts.models import User
from loyalty import benefits, rulesets
from loyalty.models import Program
from loyalty.site.blueprints import Document, load, read, shipped
from rewards.models import Reward, RewardStock, StockMovement

PROGRAM_CODE = "halden-together"

_CAMPAIGN_AFTER = timedelta(weeks=14)
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
    """The blueprint that is shipped, with its campaign so late that the demo's half year has it behind it."""
    chosen = shipped(PROGRAM_CODE)
    if chosen is None:
        raise RuntimeError("The demo's blueprint is not shipped.")
    document = read(chosen.read())
    for campaign in document.data["rule_set"]["campaigns"]:
        days = date.fromisoformat(campaign["until"]) - date.fromisoformat(campaign["from"])
        campaign["from"] = (begin + _CAMPAIGN_AFTER).isoformat()
        campaign["until"] = (begin + _CAMPAIGN_AFTER + days).isoformat()
    return document


def _put_in_stock(program: Program) -> None:
    for reward in Reward.objects.filter(program=program).order_by("pk"):
        stock = RewardStock.objects.create(reward=reward)
        if pieces := _PIECES.get(reward.code):
            StockMovement.objects.create(stock=stock, pieces=pieces)
