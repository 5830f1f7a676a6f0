"""Whoever works at the desk chooses the language there, too, and stays on the page."""

import pytest
from django.test import Client

from accounts.models import User

pytestmark = pytest.mark.django_db

RULES = "/admin/loyalty/ruleset/?status=DRAFT"


def test_the_desk_is_read_in_the_language_that_is_chosen_on_it(desk: Client) -> None:
    page = desk.get(RULES).content.decode()
    assert 'name="next" value="/admin/loyalty/ruleset/?status=DRAFT"' in page

    chosen = desk.post("/language/", {"language": "ja", "next": RULES})

    assert (chosen.status_code, chosen.headers["Location"]) == (302, RULES)
    assert '<html lang="ja"' in desk.get(RULES).content.decode()
    assert User.objects.get(pk=desk.session["_auth_user_id"]).language == "ja"
