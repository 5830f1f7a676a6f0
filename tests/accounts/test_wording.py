"""Lists, quotations, numbers and days as each language writes them."""

from decimal import Decimal

import pytest
from django.conf import settings
from django.template import engines
from django.utils import translation
from django.utils.formats import number_format
from django.utils.translation import gettext

from accounts.reader import READER
from accounts.wording import in_turn, listed, quoted


@pytest.mark.parametrize(
    ("language", "list_", "turns", "quotation"),
    [
        ("en", "Ada, Ben, Cid", "1, 2; 3", "“a, b”"),
        ("id", "Ada, Ben, Cid", "1, 2; 3", "“a, b”"),
        ("ko", "Ada, Ben, Cid", "1, 2; 3", "“a, b”"),
        ("ar", "Ada، Ben، Cid", "1, 2؛ 3", "«a, b»"),
        ("ja", "Ada、Ben、Cid", "1, 2；3", "「a, b」"),
        ("zh-hans", "Ada、Ben、Cid", "1, 2；3", "“a, b”"),
    ],
)
def test_each_language_has_its_own_marks(language: str, list_: str, turns: str, quotation: str) -> None:
    with translation.override(language):
        assert listed(["Ada", "Ben", "Cid"], gettext) == list_
        assert in_turn(["1, 2", "3"], gettext) == turns
        assert quoted("a, b", gettext) == quotation


@pytest.mark.parametrize("language", [language for language, _name in settings.LANGUAGES])
@pytest.mark.parametrize("value", [7, 1_234, Decimal("1234567.50"), Decimal("-0.25"), Decimal("1E+3")])
def test_numbers_are_written_as_everywhere_on_a_page(language: str, value: int | Decimal) -> None:
    with translation.override(language):
        assert READER.number(value) == number_format(f"{Decimal(value).normalize():f}", force_grouping=True)


def test_one_is_itself_and_none_is_nothing() -> None:
    assert (listed([7], str), listed([], str), in_turn(iter(["{x}", "{y}"]), str)) == ("7", "", "{x}; {y}")


def test_names_on_a_page_have_a_direction_each_and_no_markup() -> None:
    page = engines["django"].from_string("{% load twofold %}{{ names|listed }}")

    with translation.override("ar"):
        written = page.render({"names": ["<b>", "Buyer"]})

    assert written == "<bdi>&lt;b&gt;</bdi>، <bdi>Buyer</bdi>"
