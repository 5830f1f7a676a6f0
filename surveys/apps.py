"""What clients say; nothing stands here yet but the room."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SurveysConfig(AppConfig):
    """Surveys, research, ideas and feedback."""

    name = "surveys"
    verbose_name = _("Voice")
