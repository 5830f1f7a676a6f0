"""The rule editor in a browser: a whole rule in eight clicks and some typing, with scripts and without."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Locator, Page, expect

from loyalty.models import AgreementLimit, Membership, Rule
from tests.browser.conftest import AT_DESKS, Opener
from tests.browser.examining import barriers, sticking_out
from tests.browser.scenery import World
from tests.examples.test_running import an_example
from tests.factories.world import a_draft_agreement

pytestmark = pytest.mark.browser

SENTENCE = (
    "Purchase, only if amount is more than 100 GBP and roles of the employee include Buyer and tier of the company is "
    "Gold: 2 points for each full 10 GBP of amount to the company, at most 500 points a month per company."
)


COUNTED = """addEventListener("click", event => {
  if (event.isTrusted) sessionStorage.clicks = Number(sessionStorage.clicks || 0) + 1;
}, true)"""
"""Lets the browser itself count every click that a person makes, over all pages."""


class Clicks:
    """A manager who counts: a button pressed, or one choice made in a list, is a click; writing is none.

    With scripts the keyboard leads from field to field and chooses by what it says, so that no click gets lost on the
    way: whoever takes each choice for typing has made no more than the two that lead in and out.
    """

    def __init__(self, page: Page, *, by_tab: bool = True) -> None:
        self.page = page
        self.presses = 0
        self.choices = 0
        self._by_tab = by_tab

    @property
    def count(self) -> int:
        return self.presses + self.choices

    def press(self, button: Locator) -> None:
        self.presses += 1
        button.click()

    def choose(self, name: str, label: str) -> None:
        self.choices += 1
        field = self.page.get_by_label(name, exact=True)
        if not self._by_tab:
            field.select_option(label=label)
            return
        self._reach(field)
        self.page.keyboard.type(label)
        expect(field.locator("option:checked")).to_have_text(label)

    def write(self, name: str, text: str) -> None:
        field = self.page.get_by_label(name, exact=True).first
        if not self._by_tab:
            field.fill(text)
            return
        self._reach(field)
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.type(text)

    def _reach(self, field: Locator) -> None:
        """Go on with the tab key, or back with it, until the field has the focus."""
        expect(field).to_be_visible()
        is_ahead = field.evaluate(
            "field => (document.activeElement.compareDocumentPosition(field) & Node.DOCUMENT_POSITION_FOLLOWING) > 0"
        )
        for _step in range(40):
            if field.evaluate("field => field === document.activeElement"):
                return
            self.page.keyboard.press("Tab" if is_ahead else "Shift+Tab")
        raise AssertionError(f"The tab key does not lead to {field}.")


def make_the_rule(page: Page, clicks: Clicks, after_facts: Callable[[], Any] | None = None) -> None:
    clicks.press(page.get_by_role("link", name="Add a rule"))
    clicks.write("Name:", "Gold buyers")
    if after_facts:  # with scripts the code follows the name
        clicks.write("Code:", "gold-buyers")
    for number, fact in ((1, "amount"), (2, "roles of the employee"), (3, "tier of the company")):
        clicks.choose(f"Row {number}: what", fact)
    if after_facts:
        after_facts()
    clicks.choose("Row 1: how", "is more than")
    clicks.write("Row 1: value", "100")
    clicks.choose("Row 2: value", "Buyer")
    clicks.choose("Row 3: value", "Gold")
    clicks.write("points", "2")
    clicks.write("for each full", "10")
    clicks.write("At most", "500")


@AT_DESKS
def test_a_rule_is_made_in_eight_clicks_and_its_sentence_is_read_before_it_is_saved(
    world: World, opened: Opener, screen: tuple[int, int]
) -> None:
    watched = opened(world.manager, screen=screen)
    page = watched.page
    page.add_init_script(COUNTED)
    page.goto(reverse("admin:loyalty_ruleset_change", args=[world.draft.pk]))
    clicks = Clicks(page)

    make_the_rule(page, clicks)

    expect(page.locator("#rule-preview")).to_have_text(re.compile(re.escape(SENTENCE)))
    clicks.press(page.get_by_role("button", name="Save", exact=True))
    expect(page.locator(".messagelist .success")).to_contain_text("was added successfully")
    assert clicks.count <= 8
    assert page.evaluate("Number(sessionStorage.clicks)") == clicks.presses
    rule = Rule.objects.get(code="gold-buyers")
    assert [part["fact"] for part in rule.condition["all"]] == ["activity.amount", "employee.roles", "standing.tier"]
    assert rule.caps.get().limit == 500
    assert watched.complaints() == []


def test_a_rule_is_made_without_scripts(world: World, opened: Opener) -> None:
    page = opened(world.manager, scripts=False).page
    page.goto(reverse("admin:loyalty_ruleset_change", args=[world.draft.pk]))
    clicks = Clicks(page, by_tab=False)

    make_the_rule(page, clicks, lambda: clicks.press(page.get_by_role("button", name="Go on with row 1")))
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#rule-preview")).to_have_text(re.compile(re.escape(SENTENCE)))
    page.get_by_role("button", name="Save", exact=True).click()

    assert Rule.objects.get(code="gold-buyers").caps.get().limit == 500


@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("ar", "dark")])
def test_editor_has_no_barrier_and_fits_a_phone(world: World, opened: Opener, language: str, theme: str) -> None:
    watched = opened(world.manager, language=language, theme=theme)
    page = watched.page
    page.goto(reverse("admin:loyalty_rule_add", query={"rule_set": world.draft.pk}))
    for kind in ("lookup", "steps", "badge", "per"):
        with page.expect_response(lambda response: response.request.method == "POST"):
            page.locator("#id_formula-kind").select_option(kind)
        expect(page.locator("#id_formula-kind")).to_have_value(kind)
        assert [*barriers(page), *sticking_out(page, width=320)] == []
        page.set_viewport_size({"width": 1280, "height": 900})
    page.locator("#id_condition-0-fact").select_option("standing.tier")
    page.locator("#id_condition-0-op").select_option("in")
    expect(page.locator("#id_condition-0-given input[type=checkbox]")).to_have_count(2)
    page.locator("#id_condition-editor > .rows-tools button").last.click()
    expect(page.locator("#id_condition-3-0-fact")).to_be_visible()
    page.locator("#id_condition-3-0-fact").select_option("activity.day")
    expect(page.locator("#id_condition-3-0-date")).to_be_visible()

    assert [*barriers(page), *watched.complaints()] == []
    assert sticking_out(page, width=320) == []


def test_examples_that_fail_say_why_on_a_phone_and_lead_on(world: World, opened: Opener) -> None:
    an_example(world.draft.program, {"amount": 80, "gives_company": 1}, gives_company=1)
    watched = opened(world.manager, language="ar", theme="dark")
    page = watched.page
    page.goto(reverse("admin:loyalty_ruleset_examples", args=[world.draft.pk]))

    assert page.locator("details[open] .why-rules li, details[open] li > p").count() > 0
    assert [*barriers(page), *sticking_out(page, width=320), *watched.complaints()] == []


@pytest.mark.parametrize("scripts", [True, False])
def test_form_of_an_agreed_limit_asks_for_what_its_kind_needs(world: World, opened: Opener, scripts: bool) -> None:
    membership = Membership.objects.filter(program=world.draft.program).first()
    assert membership is not None
    agreement = a_draft_agreement(membership)
    watched = opened(world.manager, scripts=scripts)
    page = watched.page
    page.goto(reverse("admin:loyalty_agreementlimit_add", query={"agreement": agreement.pk}))
    go_on = page.get_by_role("button", name="Show what another choice needs")

    expect(page.get_by_label("Never more than the program's")).to_be_visible()
    page.get_by_label("At most").fill("40")
    page.get_by_label("Limits:").select_option("RULES")
    if not scripts:
        go_on.click()
    expect(page.get_by_label("Name:")).to_be_visible()
    expect(page.get_by_label("Never more than the program's")).to_be_hidden()
    page.get_by_label("Name:").fill("All we do")
    page.get_by_label("Limits:").select_option("ALL")
    if not scripts:
        go_on.click()
    expect(page.get_by_label("Name:")).to_be_hidden()
    expect(page.get_by_label("At most")).to_have_value("40")
    page.get_by_label("For:").select_option("COMPANY")
    page.get_by_label("Per:").select_option("MONTH")
    assert [*sticking_out(page, width=320), *(barriers(page) if scripts else ())] == []
    page.get_by_role("button", name="Save", exact=True).click()

    limit = AgreementLimit.objects.get()
    assert (limit.scope, limit.limit, limit.name, limit.period) == ("ALL", 40, "", "MONTH")
    assert watched.complaints() == []
