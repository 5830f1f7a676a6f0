"""Every page as a browser meets it: no barriers, nothing sticking out, nothing that the security policy refuses.

One tour a person and dress, with all complaints at the end: a page costs more to open than to examine.
"""

import pytest
from django.conf import settings

from tests.browser.conftest import DESKTOP, PHONE, Opener
from tests.browser.examining import barriers, out_of_language, sticking_out
from tests.browser.scenery import World
from tests.browser.tours import EVERYBODY, tour_of

pytestmark = pytest.mark.browser

NARROW = 320
ZOOMED = 640  # 1280 px at 200 %
EVERY_RUN = {("en", "light"), ("ar", "dark")}
DRESSES = [
    pytest.param(language, theme, marks=[] if (language, theme) in EVERY_RUN else pytest.mark.long)
    for language, _name in settings.LANGUAGES
    for theme in ("light", "dark")
]


@pytest.mark.parametrize(("language", "theme"), DRESSES)
@pytest.mark.parametrize("who", EVERYBODY)
def test_pages_have_no_barriers_stay_in_their_width_and_obey_the_security_policy(
    world: World, opened: Opener, who: str, language: str, theme: str, request: pytest.FixtureRequest
) -> None:
    half = None if request.config.getoption("--long") else int(theme == "dark")
    complaints = complaints_on_tour(world, opened, who, language, theme, half=half)

    assert complaints == [], "\n".join(["", *complaints])


def complaints_on_tour(
    world: World, opened: Opener, who: str, language: str, theme: str, *, half: int | None
) -> list[str]:
    """Visit the pages of `who`; light ones on a phone and dark ones on a desktop, so that both layouts are examined.

    `half`, 0 or 1, visits every other page only: each is seen in one dress on every run, in all of them on a long one.
    """
    tour = tour_of(who, world)
    width, height = PHONE if theme == "light" else DESKTOP
    watched = opened(tour.user, language=language, theme=theme)
    page = watched.page
    complaints: list[str] = []
    for stop in tour.stops if half is None else tour.stops[half::2]:
        page.set_viewport_size({"width": width, "height": height})
        stop.visit(page)
        found = [*watched.complaints(), *barriers(page)]
        watched.forget()  # axe tries things that the security policy refuses
        found += out_of_language(page, language)
        found += [*sticking_out(page, width=NARROW), *sticking_out(page, width=ZOOMED)]
        complaints += [f"{stop} ({language}, {theme}): {complaint}" for complaint in found]
    return complaints
