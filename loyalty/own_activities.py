"""Activities that this installation brings itself: their source, and the types of what follows from others."""

from collections.abc import Mapping

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from loyalty.models import ActivityAttribute, ActivityType, Source

SOURCE_CODE = "twofold"

TIER_REACHED = "tier-reached"
BADGE_RECEIVED = "badge-received"
DERIVED_TYPES: Mapping[str, object] = {
    TIER_REACHED: gettext_lazy("Tier reached"),
    BADGE_RECEIVED: gettext_lazy("Badge received"),
}
"""Types of activities that follow from others, with what they are called; the object is the tier or the badge."""

PROGRAM_ATTRIBUTE = "program"
"""Under it such an activity names the program that it happened in, the only one that judges it."""


def internal_source() -> Source:
    """Return the source of what happens on this installation itself, made when it is first needed."""
    defaults = {"name": "Twofold", "kind": Source.Kind.INTERNAL}
    return Source.objects.get_or_create(code=SOURCE_CODE, defaults=defaults)[0]


def ensure_derived_types() -> None:
    """Make the types that rules for tiers and badges are made for, and their source, where they are not there yet."""
    internal_source()
    for code, name in DERIVED_TYPES.items():
        kind, is_new = ActivityType.objects.get_or_create(code=code, defaults={"name": str(name)})
        if is_new:
            ActivityAttribute.objects.create(
                activity_type=kind,
                code=PROGRAM_ATTRIBUTE,
                name=_("program"),
                type=ActivityAttribute.Type.TEXT,
                is_required=True,
            )
