"""What is wrong with a page, in words: barriers that axe finds, and content that sticks out sideways."""

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

# A rule gives all that it finds its own impact, so a rule that is not grave never finds anything that is. Leaving these
# out in the browser, and bringing back sentences instead of axe's whole report, halves what a page costs to examine.
# Preloading style sheets breaks the security policy.
_GRAVE_BARRIERS = """
async () => {
  const isGrave = (impact) => impact === "serious" || impact === "critical";
  const mild = axe._audit.rules.filter((rule) => rule.impact && !isGrave(rule.impact));
  const { violations } = await axe.run({
    resultTypes: ["violations"],
    preload: false,
    rules: Object.fromEntries(mild.map((rule) => [rule.id, { enabled: false }])),
  });
  return violations.filter((found) => isGrave(found.impact)).flatMap((found) => found.nodes.map(
    (node) => `axe ${found.id} (${found.impact}): ${node.target} ${node.html.slice(0, 160)}`
  ));
}
"""

_STICKING_OUT = """
() => {
  const page = document.scrollingElement;
  if (page.scrollWidth <= page.clientWidth) return [];
  const sticksOut = (element) => {
    const box = element.getBoundingClientRect();
    return box.width > 1 && (box.left < -0.5 || box.right > page.clientWidth + 0.5);
  };
  const culprits = [...document.body.querySelectorAll("*")].filter(sticksOut);
  return [`${page.scrollWidth} px: ` + culprits.slice(0, 3).map((e) => e.outerHTML.slice(0, 100)).join(" | ")];
}
"""


def barriers(page: Page) -> list[str]:
    """What axe finds serious or critical."""
    page.evaluate(AXE_SCRIPT)
    found: list[str] = page.evaluate(_GRAVE_BARRIERS)
    return found


def sticking_out(page: Page, *, width: int) -> list[str]:
    """What makes the page scroll sideways in a window of `width` pixels; leaves the window like that."""
    page.set_viewport_size({"width": width, "height": 844})
    found: list[str] = page.evaluate(_STICKING_OUT)
    return [f"wider than {width} px: {culprit}" for culprit in found]


def out_of_language(page: Page, language: str) -> list[str]:
    """What is wrong with the language and the direction that the page declares."""
    declared: list[str] = page.evaluate("[document.documentElement.lang, getComputedStyle(document.body).direction]")
    wanted = [language, "rtl" if language == "ar" else "ltr"]
    return [] if declared == wanted else [f"says {declared} and not {wanted}"]
