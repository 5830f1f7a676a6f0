"""Every page as a browser meets it: no barriers, nothing sticking out, nothing that the security policy refuses.

One tour a person and dress, with all complaints at the end: a page costs more to open than to examine.
"""

import pytest
from django.conf import settings

from tests.browser.conftest import DESKTOP, PHONE, Opener
from tests.browser.examining import barriers, sticking_out
from tests.browser.scenery import World
from tests.browser.tours import EVERYBODY, tour_of

pytestmark = pytest.mark.browser

NARROW = 320
ZOOMED = 640  # 1280 px at 200 %


@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("ar", "dark")])
@pytest.mark.parametrize("who", EVERYBODY)
def test_pages_have_no_barriers_stay_in_their_width_and_obey_the_security_policy(
    world: World, opened: Opener, who: str, language: str, theme: str
) -> None:
    complaints = complaints_on_tour(world, opened, who, language, theme)

    assert complaints == [], "\n".join(["", *complaints])


@pytest.mark.long
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", [code for code, _name in settings.LANGUAGES])
@pytest.mark.parametrize("who", EVERYBODY)
def test_pages_are_sound_in_every_language_and_theme(
    world: World, opened: Opener, who: str, language: str, theme: str
) -> None:
    complaints = complaints_on_tour(world, opened, who, language, theme)

    assert complaints == [], "\n".join(["", *complaints])


def complaints_on_tour(world: World, opened: Opener, who: str, language: str, theme: str) -> list[str]:
    """Visit the pages of `who`; light ones on a phone and dark ones on a desktop, so that both are seen."""
    tour = tour_of(who, world)
    watched = opened(tour.user, screen=PHONE if theme == "light" else DESKTOP, language=language, theme=theme)
    page = watched.page
    complaints: list[str] = []
    for stop in tour.stops:
        stop.visit(page)
        found = [*barriers(page), *watched.complaints()]
        direction = "rtl" if language == "ar" else "ltr"
        if page.locator("html").get_attribute("dir") not in (direction, None if direction == "ltr" else direction):
            found.append(f"is not set {direction}")
        if page.locator("html").get_attribute("lang") != language:
            found.append(f"is not in {language}")
        if tour.has_our_layout:
            found += [*sticking_out(page, width=NARROW), *sticking_out(page, width=ZOOMED)]
        complaints += [f"{stop} ({language}, {theme}): {complaint}" for complaint in found]
    return complaints
