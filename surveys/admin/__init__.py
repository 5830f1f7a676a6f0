"""The admin's screens of surveys: what is asked, in which versions, who answered, and what came of it."""

from surveys.admin import items, responses, surveys, versions

__all__ = ["items", "responses", "surveys", "versions"]
