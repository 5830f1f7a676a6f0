"""Which currencies there are, and that a made-up one is refused wherever a currency is entered."""

from collections.abc import Iterator

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import models

from accounts.currencies import MINOR_DIGITS, is_currency
from loyalty.models import Activity
from tests.factories.world import a_member, a_program, a_purchase, a_rule_set, record


def test_currencies_are_those_of_iso_4217_that_bills_are_paid_in() -> None:
    assert len(MINOR_DIGITS) == 157
    assert {code for code in MINOR_DIGITS if not (code.isascii() and code.isalpha() and code.isupper())} == set()
    assert {len(code) for code in MINOR_DIGITS} == {3}
    assert [MINOR_DIGITS[code] for code in ("EUR", "JPY", "KWD")] == [2, 0, 3]
    assert [code for code in ("XXQ", "XXX", "XTS", "XAU", "gbp", "", "EURO") if is_currency(code)] == []


def _fields() -> Iterator[models.Field[str, str]]:
    for model in apps.get_models():
        for field in model._meta.get_fields():
            if isinstance(field, models.CharField) and (field.name.endswith("currency") or field.name == "into"):
                yield field


def test_no_field_for_a_currency_takes_a_made_up_one() -> None:
    fields = [field for field in _fields() if field.model is not Activity]

    assert len(fields) >= 10
    for field in fields:
        field.run_validators("GBP")
        with pytest.raises(ValidationError) as refused:
            field.run_validators("XXQ")
        assert refused.value.messages == ["“XXQ” is not a currency. Write the code of one, such as EUR, GBP or JPY."], (
            field
        )


@pytest.mark.django_db
def test_activity_in_a_made_up_currency_is_refused_by_the_engine() -> None:
    program = a_program()
    a_rule_set(program, [{}])
    member = a_member(program)

    [outcome] = record(a_purchase(member.company, 9, currency="XXQ"))

    assert outcome.error is not None
    assert (outcome.error.code, outcome.error.field) == ("bad_currency", "currency")
    assert not Activity.objects.exists()
