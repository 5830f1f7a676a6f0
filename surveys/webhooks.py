"""What this floor announces to other systems: that somebody sent a survey's answers, never what they say."""

from collections.abc import Mapping
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from accounts import webhooks
from accounts.webhooks import EventKind
from accounts.webhooks.people import named
from surveys.models import Response

SURVEY_COMPLETED = EventKind(
    "survey.completed",
    _("A survey was answered"),
    "answered survey",
    {
        "response": 77,
        "program": "club",
        "survey": "onboarding",
        "version": 2,
        "points": 25,
        "employee": {"id": 31, "external_id": "E-7"},
    },
)


def register() -> None:
    """Make the kind known."""
    webhooks.register(SURVEY_COMPLETED)


def announce_response(response: Response, *, points: int, now: datetime) -> None:
    """Announce that a response was sent, and the points that it brought."""

    def facts() -> Mapping[str, object]:
        return {
            "response": response.pk,
            "program": response.survey.program.code,
            "survey": response.survey.code,
            "version": response.version.number,
            "points": points,
            "employee": named(response.employee_id, response.employee.external_id),
        }

    webhooks.announce(SURVEY_COMPLETED, company_id=response.company_id, subject_id=response.pk, facts=facts, now=now)
