"""Effects: a menu of what rules give beside points, each a module of its own; `docs/extending.md` adds one.

Floors above have effects too: they are made known by `register` when the installation starts.
"""

from collections.abc import Mapping
from typing import TypeGuard

from accounts.wording import N_
from loyalty.earning import FormulaError, Part
from loyalty.effects.badge import BadgeEffect
from loyalty.effects.benefit import BenefitEffect
from loyalty.effects.invitation import InvitationEffect
from loyalty.effects.kind import Effect, EffectBook, Given

__all__ = ["Effect", "EffectBook", "Given", "effects", "is_effect", "parse_effect", "register"]

_KINDS: dict[str, type[Effect]] = {kind.kind: kind for kind in (BadgeEffect, BenefitEffect, InvitationEffect)}


def register(*kinds: type[Effect]) -> None:
    """Make kinds known that a floor above has."""
    for kind in kinds:
        _KINDS[kind.kind] = kind


def effects() -> Mapping[str, type[Effect]]:
    """Return the menu, by what documents call each kind."""
    return _KINDS


def is_effect(document: object) -> TypeGuard[Mapping[str, object]]:
    """Whether a document says something else than how many points."""
    return isinstance(document, Mapping) and document.get("kind") in _KINDS


def parse_effect(document: Mapping[str, object]) -> Effect:
    """Return the effect that a document of `is_effect` describes; FormulaError where it does not."""
    kind = _KINDS[str(document["kind"])]
    part = Part(document, {})
    if unknown := sorted(str(key) for key in set(document) - kind.keys - {"kind"}):
        raise FormulaError(N_("{key}: an effect of the kind '{kind}' has no such key."), key=unknown[0], kind=kind.kind)
    part.require(kind.keys - kind.optional, {"kind", *kind.optional})
    return kind.read(part)
