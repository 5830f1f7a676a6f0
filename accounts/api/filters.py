"""Filters that several lists share."""

from datetime import UTC, datetime
from typing import Any

import django_filters
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django_filters.fields import IsoDateTimeField


class MomentField(IsoDateTimeField):  # type: ignore[misc]
    """A moment in ISO 8601 that the database can hold, in UTC."""

    default_error_messages = {"out_of_range": _("A time from 1970 on, as in 2026-05-04T10:00:00Z, is needed here.")}

    def clean(self, value: Any) -> datetime | None:
        """Return it in UTC. Raises ValidationError."""
        moment: datetime | None = super().clean(value)
        try:
            found = moment and moment.astimezone(UTC)
        except OverflowError:
            found = datetime.min.replace(tzinfo=UTC)
        if found is not None and found.year < 1970:
            raise ValidationError(self.error_messages["out_of_range"], code="out_of_range")
        return found


class MomentFilter(django_filters.IsoDateTimeFilter):  # type: ignore[misc]
    """A moment to look from or before."""

    field_class = MomentField
