"""Codes are told by their names: requests, acts on record, e-mails and messages, jobs and limits."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.utils.formats import date_format
from django.utils.timezone import localtime

from accounts import messages, naming
from accounts.mail import kinds
from accounts.models import Approval, AuditEntry, Job, Mail, Message, PeriodicWork
from loyalty.admin.approvals import REQUESTS
from loyalty.models import CapUsage
from loyalty.site.names import ACTS
from tests.admin.conftest import Furnished
from tests.admin.test_screens import address

pytestmark = pytest.mark.django_db

CODE = re.compile(r"(?<![\w./@:-])[a-z]{2,}(?:[-_][a-z0-9]+)+(?![\w./@-])")
"""What reads like a code: lower-case words tied together."""


def test_every_kind_of_request_letter_and_job_has_a_name() -> None:
    assert {*REQUESTS, "redemption"} == {*naming.REQUESTS}
    of_tests = {code for code in {*kinds.codes(), *messages.codes()} if code.startswith("test-")}
    assert {*kinds.codes(), *messages.codes()} - of_tests <= {*naming.LETTERS}


def test_every_act_that_goes_on_record_has_a_name() -> None:
    recorded = {*_recorded()}

    assert sorted(recorded - {*ACTS}) == []
    assert len(recorded) > 60


def _recorded() -> Iterator[str]:
    """The codes that stand as such where something goes on record."""
    for path in Path(settings.BASE_DIR).glob("[alrs][a-z]*/**/*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if not isinstance(call, ast.Call):
                continue
            function = getattr(call.func, "attr", getattr(call.func, "id", ""))
            first = call.args[0] if call.args else None
            if function in ("record", "_record", "Act", "on_record", "_on_record") and isinstance(first, ast.Constant):
                yield str(first.value)


def test_filter_of_approvals_and_their_page_say_names(furnished: Furnished) -> None:
    desk = furnished.desk
    asked = Approval.objects.get(kind="rule-set")

    listed = desk.get(address(Approval, "changelist"), {"kind": "rule-set"})
    page = desk.get(address(Approval, "change", asked.pk)).content.decode()

    [choices] = [spec.lookup_choices for spec in listed.context["cl"].filter_specs if spec.title == "what is asked"]
    assert ("points-by-hand", "Points by hand") in choices
    assert [row.pk for row in listed.context["cl"].result_list] == [asked.pk]
    assert str(asked) == f"Rules of a program, {date_format(localtime(asked.asked_at), 'DATE_FORMAT')}: waiting"
    assert str(asked) in page


@pytest.mark.parametrize("model", [Approval, AuditEntry, Mail, Message, Job, PeriodicWork, CapUsage])
def test_no_code_stands_where_a_name_should(
    furnished: Furnished, model: type[Approval | AuditEntry | Mail | Message | Job | PeriodicWork | CapUsage]
) -> None:
    desk = furnished.desk
    row = model._default_manager.latest("pk")

    for url in (address(model, "changelist"), address(model, "change", row.pk)):
        page = desk.get(url).content.decode()
        shown = re.sub(r"<[^>]*>", "\n", page[page.index('id="content"') :])
        assert sorted({*CODE.findall(shown)}) == []


def test_act_on_record_is_found_by_its_name(furnished: Furnished) -> None:
    desk = furnished.desk

    found = desk.get(address(AuditEntry, "changelist"), {"q": "replay asked"}).context["cl"].result_list

    assert [entry.action for entry in found] == ["rule-set-replay-asked"]
