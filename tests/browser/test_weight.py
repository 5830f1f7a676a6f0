"""What a page of the client costs to fetch: few requests, few bytes, and next to nothing the second time."""

import gzip

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import PHONE, Opener
from tests.browser.scenery import World
from tests.browser.tours import Stop, client_pages

pytestmark = pytest.mark.browser

MOST_REQUESTS = 8
MOST_BYTES = 60_000
MOST_BYTES_AGAIN = 15_000
PROXY_LEVEL = 6  # what web servers compress with unless told otherwise
FAVICON = "/static/favicon.svg"  # fetched by every browser that has a window, and so not by this one

FROM_THE_WIRE = """
() => performance.getEntriesByType("resource")
  .filter((entry) => entry.transferSize > 0)
  .map((entry) => [entry.name, entry.transferSize >= entry.encodedBodySize])
"""


def test_client_pages_take_few_requests_and_few_bytes(
    world: World, opened: Opener, request: pytest.FixtureRequest
) -> None:
    page = opened(world.client, screen=PHONE).page
    stops = client_pages(world)[:: 1 if request.config.getoption("--long") else 2]
    favicon = compressed(page.request.get(FAVICON).body())
    heavy: list[str] = []

    cache = page.context.new_cdp_session(page)
    cache.send("Network.enable")
    cache.send("Network.setCacheDisabled", {"cacheDisabled": True})
    for stop in stops:
        requests, first = weigh(page, stop)
        if requests + 1 > MOST_REQUESTS or first + favicon > MOST_BYTES:
            heavy.append(f"{stop} the first time: {requests + 1} requests, {first + favicon} bytes")
    cache.send("Network.setCacheDisabled", {"cacheDisabled": False})
    for stop in stops:
        requests, again = weigh(page, stop)
        if requests > MOST_REQUESTS or again > MOST_BYTES_AGAIN:
            heavy.append(f"{stop} again: {requests} requests, {again} bytes")

    assert heavy == []


def weigh(page: Page, stop: Stop) -> tuple[int, int]:
    """The requests that a page takes, and the bytes of their bodies, compressed as a web server would."""
    with page.expect_response(lambda response: response.request.is_navigation_request()) as document:
        stop.visit(page)
    resources: list[tuple[str, bool]] = page.evaluate(FROM_THE_WIRE)
    changed = [page.request.get(address).body() for address, has_body in resources if has_body]
    return 1 + len(resources), sum(map(compressed, [document.value.body(), *changed]))


def compressed(body: bytes) -> int:
    return len(gzip.compress(body, PROXY_LEVEL))
