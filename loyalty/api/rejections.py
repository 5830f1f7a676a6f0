"""Why an activity is rejected: every code, for the page that explains them. The sentence in an answer says more."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from loyalty.activities.refusals import refusal_error
from loyalty.models import ReturnRefusal

OF_THE_ITEM: Mapping[str, str | Promise] = {
    "bad_item": _("It is no object."),
    "unknown_field": _("There is no such field."),
    "missing_field": _("The field is required."),
    "bad_text": _("A text is needed."),
    "source_not_allowed": _("The client may not send as this source."),
    "bad_id": _("An id has from 1 to 200 characters."),
    "id_used_for_another": _("The id was used before, for an activity with other content."),
    "unknown_type": _("There is no such activity type."),
    "unknown_company": _("There is no such company, or none that the client serves."),
    "unknown_employee": _("The company has no such employee."),
    "bad_participants": _("It is no list of numbers of at most 100 people."),
    "reserved_type": _("Activities of this type follow from others: they are never sent."),
    "bad_time": _("It is no time in ISO 8601."),
    "naive_time": _("The time has no time zone."),
    "future_time": _("The time lies more than five minutes ahead."),
    "time_too_early": _("The time lies before 1970."),
    "bad_amount": _("The amount is no number from 0 to 1,000,000,000,000 with at most 4 decimals."),
    "bad_quantity": _("The quantity is no such number."),
    "bad_currency": _("An amount needs a currency that there is, by its code, such as EUR, GBP or JPY."),
    "no_rate": _("A program of the company counts in another currency, and no rate is known for that day."),
    "bad_object": _("At most 200 characters fit."),
    "bad_reverses": _("At most 200 characters fit."),
    "bad_attributes": _("The attributes are no object."),
    "unknown_attribute": _("The type declares no such attribute."),
    "missing_attribute": _("The type requires the attribute."),
    "bad_attribute": _("The attribute has another type."),
}


def rejections() -> dict[str, str | Promise]:
    """Every code, and what it says; those of returns come last."""
    of_returns = [refusal_error(refusal) for refusal in ReturnRefusal]
    return {**OF_THE_ITEM, **{error.code: error.sentence for error in of_returns}}
