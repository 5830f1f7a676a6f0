"""What is wrong with a page, in words: barriers that axe finds, and content that sticks out sideways."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

_GRAVE = ("serious", "critical")
_AXE = Axe()
_OPTIONS = {"resultTypes": ["violations"], "preload": False}  # preloading style sheets breaks the security policy

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
    found = _AXE.run(page, options=_OPTIONS).response["violations"]
    return [
        f"axe {violation['id']} ({violation['impact']}): {node['target']} {node['html'][:160]}"
        for violation in found
        if violation["impact"] in _GRAVE
        for node in violation["nodes"]
    ]


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
