"""From a blueprint on the shelf to a program that lives, by links and buttons as a manager finds them."""

from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

import pytest
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.groups import MANAGER, VIEWER, ensure_groups
from accounts.models import User
from loyalty.models import BenefitMatrix, Program, RuleSet, Tier
from loyalty.rulesets import activate
from loyalty.site.blueprints import read, shipped
from tests.admin.sending import fields_of
from tests.blueprints.club import CLUB, everything
from tests.factories.world import a_user

pytestmark = pytest.mark.django_db


def a_colleague(group: str) -> User:
    ensure_groups()
    user = a_user(is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    return user


class _Ways(HTMLParser):
    """The links of a page by their words, and the submit buttons by their value, with name and form."""

    def __init__(self) -> None:
        super().__init__()
        self.links: dict[str, str] = {}
        self.buttons: dict[str, tuple[str, str]] = {}
        self._link: tuple[str, list[str]] | None = None
        self._action = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag == "a" and "href" in told:
            self._link = told["href"], []
        elif tag == "form":
            self._action = told.get("action", "")
        elif tag == "input" and told.get("type") == "submit":
            self.buttons[told["value"]] = (told.get("name", ""), told.get("formaction", self._action))

    def handle_data(self, data: str) -> None:
        if self._link:
            self._link[1].append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._link:
            self.links.setdefault(" ".join("".join(self._link[1]).split()), self._link[0])
            self._link = None


class Desk:
    """A manager who clicks: every click is counted, what is typed is not."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.clicks = 0
        self.typed: dict[str, str] = {}
        self.path = reverse("admin:index")
        self.page = self._read(client.get(self.path))

    def follow(self, words: str) -> None:
        self.clicks += 1
        self._go(urljoin(self.path, self._ways().links[words]))

    def press(self, words: str) -> None:
        self.clicks += 1
        name, action = self._ways().buttons[words]
        sent: dict[str, Any] = {**fields_of(self.page), **self.typed, **({name: words} if name else {})}
        self.typed = {}
        response = self._client.post(urljoin(self.path, action), sent)
        if response.status_code == 302:
            self._go(response.headers["Location"])
        else:
            self.path, self.page = urljoin(self.path, action), self._read(response)

    def _go(self, path: str) -> None:
        self.path, self.page = path, self._read(self._client.get(path))

    def _ways(self) -> _Ways:
        ways = _Ways()
        ways.feed(self.page)
        return ways

    def _read(self, response: Any) -> str:
        assert response.status_code == 200, response.content.decode()
        return str(response.content.decode())


@pytest.mark.parametrize("code", ["halden-together", "officemax-maxperks"])
def test_a_blueprint_lives_after_at_most_12_clicks(client: Client, code: str) -> None:
    client.force_login(a_colleague(MANAGER))
    desk, one = Desk(client), shipped(code)
    assert one is not None

    desk.follow("Programs")
    desk.follow("From a blueprint")
    desk.follow(one.name)
    desk.typed = {"name": "Our Club", "code": "our-club", "currency": "GBP", "time_zone": "Europe/London"}
    desk.press("Load it as a draft")
    program = Program.objects.get()
    setup = desk.path
    has_benefits = BenefitMatrix.objects.exists()
    if has_benefits:
        desk.follow("Put in force")
        desk.press("Put in force")
    assert desk.path == setup
    desk.follow("Ask for approval")
    desk.typed = {"reason": "A new program"}
    desk.press("Ask for approval")
    assert desk.path == setup
    client.force_login(a_colleague(MANAGER))
    other = Desk(client)
    other.follow("Requests for a second person")
    other.follow("Rules of a program")
    assert "first version. These are its rules:" in other.page
    assert other.page.count("/admin/loyalty/rule/") > RuleSet.objects.get().rules.count()
    other.press("Approve")
    other.path = setup
    other._go(setup)

    assert desk.clicks + other.clicks == (11 if has_benefits else 9)
    assert "The program lives" in other.page
    assert "Fails" not in desk.page
    assert (program.name, program.code, program.currency, program.time_zone) == (
        "Our Club", "our-club", "GBP", "Europe/London",
    )  # fmt: skip
    assert list(RuleSet.objects.values_list("status", flat=True)) == ["ACTIVE"]
    assert set(BenefitMatrix.objects.values_list("status", flat=True)) <= {"ACTIVE"}
    assert set(Tier.objects.exclude(fee=None).values_list("fee_currency", flat=True)) <= {"GBP"}


def test_a_file_is_looked_at_mended_and_loaded_and_a_live_program_asks_twice(client: Client) -> None:
    client.force_login(a_colleague(MANAGER))
    wrong = CLUB.replace("curency", "currency").replace("name: Club,", "nam: Club,")
    before = everything()

    response = upload(client, wrong.encode())
    assert response.status_code == 422
    assert "Line 2, column 23, program › nam: There is no key “nam” here." in response.content.decode()
    assert upload(client, b"\xff\xfe").status_code == 422
    assert upload(client, b"").status_code == 422
    assert client.post(reverse("admin:blueprint_look"), {}).status_code == 422
    assert client.get(reverse("admin:blueprint_look"), {"blueprint": "nothing"}).status_code == 404
    assert everything() == before

    sent = fields_of(upload(client, CLUB.encode()).content.decode())
    assert read(sent["text"][0]).data == read(CLUB).data
    assert everything() == before
    client.post(reverse("admin:blueprint_look"), {**sent, "load": "Load"})
    program = Program.objects.get()
    rule_set = RuleSet.objects.get()
    activate(rule_set=rule_set, by=a_user(), starts_at=timezone.now(), now=timezone.now())
    rule_set.refresh_from_db()
    assert rule_set.status == "ACTIVE"

    changed = {**sent, "text": CLUB.replace("threshold: 1000,", "threshold: 2000,"), "load": "Load"}
    asked = client.post(reverse("admin:blueprint_look"), changed)
    assert asked.status_code == 422
    assert "Changed – Gold: From: 2,000 Before: From: 1,000" in asked.content.decode()
    assert Tier.objects.get(code="gold").threshold == 1000
    done = client.post(reverse("admin:blueprint_look"), {**changed, "is_read": "on"}, follow=True)
    assert Tier.objects.get(code="gold").threshold == 2000
    assert "has what the blueprint says" in done.content.decode()
    again = client.post(reverse("admin:blueprint_look"), {**changed, "is_read": "on"}, follow=True)
    assert "Nothing was changed: “Club” is as the blueprint says." in again.content.decode()

    file = client.get(reverse("admin:program_blueprint", args=[program.pk]))
    assert file.headers["Content-Disposition"] == 'attachment; filename="club.yaml"'
    assert "threshold: 2000" in file.content.decode()
    assert client.get(reverse("admin:program_blueprint", args=[program.pk + 1])).status_code == 404


def test_who_only_looks_on_reads_and_loads_nothing(client: Client) -> None:
    client.force_login(a_colleague(MANAGER))
    one = shipped("officemax-maxperks")
    assert one is not None
    client.post(reverse("admin:blueprint_look"), {"text": one.read(), "load": "Load"})
    program = Program.objects.get()
    client.force_login(a_colleague(VIEWER))
    before = everything()

    answers = {
        name: client.get(reverse(f"admin:{name}", args=args)).status_code
        for name, args in (
            ("blueprints", ()), ("blueprint_look", ()), ("loyalty_program_setup", (program.pk,)),
            ("program_blueprint", (program.pk,)),
        )
    }  # fmt: skip
    refused = client.post(reverse("admin:blueprint_look"), {"text": CLUB, "load": "Load"})

    assert answers == {"blueprints": 403, "blueprint_look": 403, "loyalty_program_setup": 200, "program_blueprint": 200}
    assert refused.status_code == 403
    assert everything() == before


def upload(client: Client, content: bytes) -> Any:
    """Bring a file of one's own."""
    file = SimpleUploadedFile("club.yaml", content, content_type="application/yaml")
    return client.post(reverse("admin:blueprint_look"), {"file": file})
