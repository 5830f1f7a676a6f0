"""Answering a survey in a browser: forwards all the way, on a phone and at a desk."""

import pytest
from playwright.sync_api import expect

from surveys.models import Response
from tests.browser.conftest import EVERYWHERE, Opener
from tests.browser.scenery import World

pytestmark = pytest.mark.browser

MOST_STEPS = 20


@EVERYWHERE
def test_a_survey_is_answered_without_going_back(
    world: World, opened: Opener, screen: tuple[int, int], scripts: bool
) -> None:
    page = opened(world.client, screen=screen, scripts=scripts).page
    page.goto("/surveys/")
    page.get_by_role("link", name=world.survey.name).click()
    page.get_by_role("button", name="Start").click()

    seen = [page.url]
    while page.get_by_role("button", name="Next").count() and len(seen) < MOST_STEPS:
        choices = page.locator("main :is(input[type=radio], input[type=checkbox])")
        if choices.count():
            choices.first.check(force=True)
        page.get_by_role("button", name="Next").click()
        seen.append(page.url)
    page.get_by_role("button", name="Send").click()

    assert len(seen) > 1
    assert len(set(seen)) == len(seen)  # no page came twice: nobody was sent back
    expect(page.get_by_role("heading", level=1)).to_contain_text("Thank you")
    response = Response.objects.get(survey=world.survey, employee__user=world.client)
    assert response.submitted_at is not None
