"""Surveys, their versions and items, and what people answered."""

from surveys.models.responses import Answer, Response
from surveys.models.surveys import Item, Survey, SurveyVersion

__all__ = ["Answer", "Item", "Response", "Survey", "SurveyVersion"]
