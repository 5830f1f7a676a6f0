"""The page that explains the first call: its programs run, and every code it names is one that we answer."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from pytest_django.live_server_helper import LiveServer

from accounts.api.problems import KINDS
from accounts.models import Scope
from accounts.service_clients import create_client
from loyalty.api.rejections import rejections
from loyalty.models import Activity
from loyalty.site.views.api import snippet
from tests.factories.world import EPOCH, a_company, a_member, a_program, a_rule_set, a_source


@pytest.mark.django_db
def test_page_is_open_to_everybody_and_explains_every_problem() -> None:
    page = Client().get("/api/")

    text = page.content.decode()
    assert page.status_code == 200
    assert set(re.findall(r'<tr id="(\w+)">', text)) == set(KINDS)
    assert "SITE=http://testserver\n" in text
    assert "twofold.example" not in text
    assert {Client().get(path).status_code for path in re.findall(r'href="(/api/[^"]+)"', text)} == {200}


def test_page_names_every_code_that_an_activity_is_rejected_with() -> None:
    root = Path(settings.BASE_DIR)
    sources = [*(root / "loyalty/activities").glob("*.py"), root / "loyalty/api/arriving.py"]
    said = re.compile(r'(?:ItemError\(|reject\(arrival, )"(\w+)"')

    codes = {code for source in sources for code in said.findall(source.read_text())}

    assert len(codes) > 15
    assert codes - set(rejections()) == set()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("language", ["python", "curl"])
def test_the_program_on_the_page_makes_the_first_call(language: str, live_server: LiveServer, tmp_path: Path) -> None:
    program = a_program(code="club", currency="EUR")
    a_rule_set(program)
    a_member(program, a_company(external_id="C-1001"), starts_at=EPOCH)
    made = create_client(name="ERP", scopes=[Scope.ACTIVITIES_WRITE], by=None, now=EPOCH)
    a_source("erp").service_clients.add(made.client)
    if language == "curl" and shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    name, command = {"python": ("first_call.py", [sys.executable]), "curl": ("first_call.sh", ["sh"])}[language]
    script = tmp_path / name
    script.write_text(snippet(name, site=live_server.url, login=(made.client.oauth_client_id, made.secret)))

    told = [
        subprocess.run([*command, script], capture_output=True, text=True, check=True, timeout=60).stdout
        for _time in range(2)
    ]

    assert ["recorded" in told[0], "duplicate" in told[1]] == [True, True]
    assert all("149" in text and "club" in text for text in told)
    assert Activity.objects.get().external_id == "first-call-1"
