"""The demo's program: loaded from its blueprint and put in force, and the rewards of a vendor of tools."""

from datetime import date, datetime, timedelta

from accounts.models import User
from loyalty import benefits, rulesets
from loyalty.models import Program
from loyalty.site.blueprints import Document, load, read, shipped
from rewards.models import Reward, RewardStock, StockMovement

PROGRAM_CODE = "halden-together"

_CAMPAIGN_AFTER = timedelta(weeks=14)
_REWARDS = (
    ("hamper", "Coffee for the department", "Two kilos of coffee from a roastery near you, for everybody.", 400, 60,
     Reward.Category.TEAM, Reward.PaidFrom.ANY),
    ("calibration", "A calibration day at your place", "Our engineer calibrates your gauges in one day.", 1500, 12,
     Reward.Category.BUSINESS, Reward.PaidFrom.COMPANY),
    ("training-day", "A training day for your team", "A trainer of ours, a subject of your choice.", 3200, 8,
     Reward.Category.LEARNING, Reward.PaidFrom.COMPANY),
    ("tool-trial", "Eight weeks with a new tool", "Try next year's drill before others see it.", 900, 5,
     Reward.Category.BUSINESS, Reward.PaidFrom.COMPANY),
    ("fair", "Two tickets for the tool fair", "With a guided tour and dinner on the first evening.", 6000, 4,
     Reward.Category.EXPERIENCE, Reward.PaidFrom.ANY),
    ("study", "The market study of the year", "What three hundred workshops plan to buy.", 250, 1000,
     Reward.Category.BUSINESS, Reward.PaidFrom.ANY),
    ("visit", "A visit to the foundry", "See where the blades come from. All places are taken.", 700, 0,
     Reward.Category.EXPERIENCE, Reward.PaidFrom.EMPLOYEE),
    ("course", "An online course on tool wear", "Four evenings, with a certificate in your own name.", 350, 40,
     Reward.Category.LEARNING, Reward.PaidFrom.EMPLOYEE),
    ("apprentices", "A toolbox for an apprentice", "Goes to your town's vocational school, in your company's name.",
     550, 30, Reward.Category.CAUSE, Reward.PaidFrom.ANY),
    ("jacket", "A workshop jacket", "Warm, in your size, with no more than a small mark of ours.", 480, 25,
     Reward.Category.GOODS, Reward.PaidFrom.EMPLOYEE),
)  # fmt: skip


def create_program(*, by: User, starts_at: datetime) -> Program:
    """Make the program and its benefits, in force from `starts_at`."""
    loaded = load(document=_blueprint(starts_at.date()), by=by, now=starts_at)
    if loaded.rule_set is None or loaded.benefit_matrix is None:
        raise RuntimeError("The demo's blueprint has no rules, or no benefits.")
    rulesets.activate(rule_set=loaded.rule_set, by=by, starts_at=starts_at, now=starts_at)
    benefits.activate(matrix=loaded.benefit_matrix, by=by, starts_at=starts_at, now=starts_at)
    _offer_rewards(loaded.program)
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


def _offer_rewards(program: Program) -> None:
    for code, name, description, price, pieces, category, paid_from in _REWARDS:
        reward = Reward.objects.create(
            program=program,
            code=code,
            name=name,
            description=description,
            price=price,
            category=category,
            paid_from=paid_from,
            is_published=True,
        )
        stock = RewardStock.objects.create(reward=reward)
        if pieces:
            StockMovement.objects.create(stock=stock, pieces=pieces)
