"""The history of configuration: who changed what of a program's settings, and when; never of people (law G1)."""

from django.db import models
from simple_history.models import HistoricalRecords

from accounts.scope import ScopedQuerySet


class HistoryQuerySet(ScopedQuerySet[models.Model]):
    """Earlier states of configuration: for the vendor's program managers."""

    company_lookup = ""


class ConfigurationHistory(models.Model):
    """What every table of earlier states rests on: it answers `visible_to` like every other table."""

    objects = HistoryQuerySet.as_manager()

    class Meta:
        abstract = True


def history() -> HistoricalRecords:
    """Return the field that keeps earlier states of a row of configuration."""
    return HistoricalRecords(bases=[ConfigurationHistory], custom_model_name=lambda name: f"{name}History")
