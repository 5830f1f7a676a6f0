"""Conditions: who and what a rule, segment, audience, challenge, survey branch or unlock is meant for.

A JSON document is parsed against a catalogue of facts, answers whether it holds, and says itself in plain words.
Pure: no Django, no database. A fact's value that is not known meets no comparison but `known: false`; see `language`.
"""

from accounts.conditions.clashes import Clash, Literal, can_hold, clashes
from accounts.conditions.facts import (
    OPERATOR_NAMES,
    Catalogue,
    Fact,
    FactConflictError,
    FactRegistry,
    FactType,
    Label,
    Operator,
    Value,
    Values,
    from_json,
    registry,
    to_json,
)
from accounts.conditions.language import (
    ALWAYS,
    All,
    Always,
    Any,
    Condition,
    Leaf,
    LeafOutcome,
    Not,
    asked_of,
    explain,
    failures,
    holds,
)
from accounts.conditions.outlines import LISTING, Group, Joins, Outline, Place, Row, document_of, number_of, outline_of
from accounts.conditions.parsing import MAX_DEPTH, MAX_LEAVES, ConditionError, parse
from accounts.conditions.sentences import failure_sentence, leaf_sentence, sentence, value_in_words

__all__ = [
    "ALWAYS",
    "LISTING",
    "MAX_DEPTH",
    "MAX_LEAVES",
    "OPERATOR_NAMES",
    "All",
    "Always",
    "Any",
    "Catalogue",
    "Clash",
    "Condition",
    "ConditionError",
    "Fact",
    "FactConflictError",
    "FactRegistry",
    "FactType",
    "Group",
    "Joins",
    "Label",
    "Leaf",
    "LeafOutcome",
    "Literal",
    "Not",
    "Operator",
    "Outline",
    "Place",
    "Row",
    "Value",
    "Values",
    "asked_of",
    "can_hold",
    "clashes",
    "document_of",
    "explain",
    "failure_sentence",
    "failures",
    "from_json",
    "holds",
    "leaf_sentence",
    "number_of",
    "outline_of",
    "parse",
    "registry",
    "sentence",
    "to_json",
    "value_in_words",
]
