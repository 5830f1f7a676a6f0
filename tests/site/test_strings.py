"""Every string of the product is there in every language, and says the same with the same places for values."""

import os
import re
import subprocess
import sys
from collections import Counter
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po
from django.apps import apps
from django.conf import settings
from django.template import engines
from django.utils import translation

from loyalty.site.labels import NOWHERE_ELSE, unnamed
from loyalty.site.strings import in_template

LOCALES = {"ar": "ar", "id": "id", "ja": "ja", "ko": "ko", "zh-hans": "zh_Hans"}
_PLACE = re.compile(r"%\([a-z_0-9]+\)[sd]|%[sd]|\{[a-z_0-9.]*(?::[^}]*)?\}")
_TAG = re.compile(r"</?[a-z]+[^>]*>")


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """What code and templates say, found as `make messages` finds it."""
    path = tmp_path_factory.mktemp("strings") / "django.pot"
    subprocess.run(
        [sys.executable, "-m", "babel.messages.frontend", "--quiet", "extract", "--output-file", path, "."],
        cwd=settings.BASE_DIR,
        env={**os.environ, "PYTHONPATH": str(settings.BASE_DIR)},
        check=True,
        timeout=120,
    )
    with path.open("rb") as file:
        return read_po(file)


def test_there_is_a_catalogue_for_every_language_but_the_one_that_is_written() -> None:
    assert {"en", *LOCALES} == {language for language, _name in settings.LANGUAGES}


@pytest.mark.parametrize("language", LOCALES)
def test_every_string_is_translated(said: Catalog, language: str) -> None:
    catalogue = _catalogue(language)

    missing = [
        message.id
        for message in _messages(said)
        if not _is_whole(catalogue.get(message.id, message.context), catalogue)
    ]

    assert not missing, f"{len(missing)} strings; after `make messages` they stand empty in the catalogue"


@pytest.mark.parametrize("language", LOCALES)
def test_a_catalogue_holds_nothing_that_is_not_said(said: Catalog, language: str) -> None:
    messages = _messages(_catalogue(language))

    assert [message.id for message in messages if said.get(message.id, message.context) is None] == []


@pytest.mark.parametrize("language", LOCALES)
def test_translations_keep_the_places_for_values_and_the_tags(language: str) -> None:
    """A form for one or two things may leave a number out, in words or by grammar; none may add one."""
    wrong = []
    for message in _messages(_catalogue(language)):
        *forms, last = _forms(message)
        original = message.id if isinstance(message.id, str) else message.id[-1]
        places = set(_PLACE.findall(original))
        if set(_PLACE.findall(last)) != places or any(set(_PLACE.findall(form)) - places for form in forms):
            wrong.append((original, message.string))
        if any(_tags(form) != _tags(original) for form in (*forms, last)):
            wrong.append((original, message.string))

    assert wrong == []


def test_fields_without_a_name_of_their_own_are_called_in_the_language_of_the_reader(said: Catalog) -> None:
    ours = [
        model
        for model in apps.get_models()
        if model._meta.app_config.name in ("accounts", "loyalty", "rewards", "surveys")
    ]
    labels = {(field.model.__name__, field.name): field.verbose_name for field in unnamed(ours)}

    with translation.override(None):
        unknown = {where for where, label in labels.items() if said.get(str(label)) is None}
    with translation.override("id"):
        program = str(labels["Tier", "program"]), str(labels["Redemption", "placed_by"])

    assert (unknown, program) == (set(), ("program", "dipesan oleh"))
    assert set(NOWHERE_ELSE) <= {str(label) for label in labels.values()}


def test_a_string_of_a_template_is_found_with_its_plural() -> None:
    template = b"""{% load i18n %}<p>{% translate "Save" %}</p>
        {% blocktranslate count n=n trimmed %}
          one point
        {% plural %}
          {{ n }} points
        {% endblocktranslate %}{% include "a.html" with title=_("Title") %}"""

    found = [(line, function, strings) for line, function, strings, _ in in_template(BytesIO(template), (), (), {})]

    assert found == [
        (1, "gettext", "Save"),
        (2, "ngettext", ("one point", "%(n)s points")),
        (6, "_", "Title"),
    ]


@pytest.mark.parametrize("language", LOCALES)
def test_a_page_is_written_in_the_language_of_its_reader(language: str) -> None:
    """Not only the catalogue is there: it is compiled, and Django finds it."""
    page = engines["django"].from_string('{% load i18n %}{% translate "Home" %}')

    with translation.override(language):
        written = page.render()

    message = _catalogue(language).get("Home")
    assert message is not None
    assert written == message.string
    assert written != "Home"


def _catalogue(language: str) -> Catalog:
    path = Path(settings.BASE_DIR) / "locale" / LOCALES[language] / "LC_MESSAGES" / "django.po"
    with path.open("rb") as file:
        return read_po(file, locale=LOCALES[language])


def _messages(catalogue: Catalog) -> list[Message]:
    return [message for message in catalogue if message.id]


def _is_whole(message: Message | None, catalogue: Catalog) -> bool:
    if message is None or message.fuzzy:
        return False
    forms = _forms(message)
    return len(forms) == (catalogue.num_plurals if message.pluralizable else 1) and all(forms)


def _forms(message: Message) -> list[str]:
    return [message.string] if isinstance(message.string, str) else [*(message.string or ())]


def _tags(text: str) -> Counter[str]:
    return Counter(_TAG.findall(text))
