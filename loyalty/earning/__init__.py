"""Earning: what rules give for an activity, and why or why not. Pure calculation, no Django and no database.

The same code serves live earning, replay, examples and explanations.
"""

from loyalty.earning.caps import Cap, CapSubject, Period, cut, period_start
from loyalty.earning.formulas import (
    AMOUNT,
    KINDS,
    MAX_POINTS,
    TIER,
    Applies,
    Band,
    Fixed,
    Formula,
    FormulaError,
    Kind,
    Lookup,
    Modified,
    Per,
    Percent,
    Rounding,
    Steps,
    formula_sentence,
    parse_formula,
)
from loyalty.earning.returns import points_to_reverse
from loyalty.earning.rules import MAY_EARN, Beneficiary, EarningRule, Gift, MayEarn, Verdict, evaluate
from loyalty.earning.sentences import cap_sentence, may_earn_sentence, rule_sentence, verdict_sentence

__all__ = [
    "AMOUNT",
    "KINDS",
    "MAX_POINTS",
    "MAY_EARN",
    "TIER",
    "Applies",
    "Band",
    "Beneficiary",
    "Cap",
    "CapSubject",
    "EarningRule",
    "Fixed",
    "Formula",
    "FormulaError",
    "Gift",
    "Kind",
    "Lookup",
    "MayEarn",
    "Modified",
    "Per",
    "Percent",
    "Period",
    "Rounding",
    "Steps",
    "Verdict",
    "cap_sentence",
    "cut",
    "evaluate",
    "formula_sentence",
    "may_earn_sentence",
    "parse_formula",
    "period_start",
    "points_to_reverse",
    "rule_sentence",
    "verdict_sentence",
]
