"""The activity that a sent response is: rules of programs decide what it brings."""

from django.utils.translation import gettext as _

from loyalty.models import ActivityAttribute, ActivityType

TYPE_CODE = "survey-answered"
SURVEY_ATTRIBUTE = "survey"


def ensure_activity_type() -> ActivityType:
    """Return the type of activity that rules for surveys are made for, with its attribute, made when first needed."""
    kind, _created = ActivityType.objects.get_or_create(code=TYPE_CODE, defaults={"name": _("Survey answered")})
    ActivityAttribute.objects.get_or_create(
        activity_type=kind,
        code=SURVEY_ATTRIBUTE,
        defaults={"name": _("survey"), "type": ActivityAttribute.Type.TEXT, "is_required": True},
    )
    return kind


def external_id(*, survey_id: int, employee_id: int) -> str:
    """Return the one id under which a person's response to a survey is ever recorded (law S1)."""
    return f"survey-{survey_id}-{employee_id}"
