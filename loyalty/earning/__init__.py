"""Earning: what rules give for an activity, and why or why not. Pure calculation, no Django and no database.

The same code serves live earning, replay, examples and explanations.
"""

from loyalty.earning.caps import Cap, CapSubject, Period, cut, period_start
from loyalty.earning.formulas import (
    KINDS,
    MAX_POINTS,
    Applies,
    Band,
    Fixed,
    Formula,
    FormulaError,
    Lookup,
    Per,
    Percent,
    Steps,
    formula_sentence,
    parse_formula,
)
from loyalty.earning.returns import points_to_reverse
from loyalty.earning.rules import MAY_EARN, Beneficiary, EarningRule, Gift, MayEarn, Verdict, evaluate
from loyalty.earning.sentences import cap_sentence, may_earn_sentence, rule_sentence, verdict_sentence

__all__ = [
    "KINDS",
    "MAX_POINTS",
    "MAY_EARN",
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
    "Lookup",
    "MayEarn",
    "Per",
    "Percent",
    "Period",
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
