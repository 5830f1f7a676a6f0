"""Moving in and out at the manager's desk: upload, say what columns mean, dry run, go; and the files of an export."""

import re
from io import BytesIO
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts import uploads
from accounts.groups import APPROVER, MANAGER, VIEWER, ensure_groups
from accounts.models import Attachment, Company, Import, ImportMapping, Job, User
from loyalty.models import Adjustment
from tests.factories.canaries import fingerprint
from tests.factories.signing_in import signed_in_long_ago
from tests.factories.world import a_company, a_manager, a_member, a_program, a_user, balance
from tests.moving.moves import work

pytestmark = pytest.mark.django_db

ADD = "/admin/accounts/import/add/"
SHEET = "Kunde;Firma;Land\nC1;Müller & Söhne;Österreich\nC2;;Japan\n"
CHOSEN = {
    "encoding": "utf-8-sig",
    "delimiter": ";",
    "column-customer_number": "Kunde",
    "column-name": "Firma",
    "date_format": "%d.%m.%Y",
    "decimal_sign": ",",
    "time_zone": "Europe/Vienna",
}


def uploaded(desk: Client, content: bytes | str, *, kind: str = "companies", name: str = "kunden.csv") -> Any:
    """The answer to an upload."""
    content = content.encode() if isinstance(content, str) else content
    return desk.post(ADD, {"kind": kind, "file": SimpleUploadedFile(name, content)})


def url(page: str, import_: Import) -> str:
    return reverse(f"admin:accounts_import_{page}", args=[import_.pk])


def text_of(desk: Client, address: str) -> str:
    return re.sub(r"\s+", " ", desk.get(address).content.decode())


def test_a_file_goes_in_step_by_step(desk: Client, manager: User) -> None:
    answer = uploaded(desk, SHEET)

    import_ = Import.objects.get()
    assert answer.headers["Location"] == url("columns", import_)
    page = text_of(desk, url("columns", import_))
    assert "Müller &amp; Söhne" in page
    assert re.search(r'name="delimiter".*?<option value=";" selected>', page)
    answer = desk.post(url("columns", import_), {**CHOSEN, "save_as": "The old system"})
    assert answer.headers["Location"] == url("change", import_)
    waiting = text_of(desk, url("change", import_))
    assert "It waits for its turn." in waiting
    assert 'hx-trigger="every 2s"' in waiting
    work()
    found = text_of(desk, url("change", import_))
    assert "Dry run done" in found
    assert "No company has this number yet, and a new one needs a name." in found
    assert "Columns of the file that are left out: <bdi>Land</bdi>" in found
    assert 'value="Import 1 row"' in found
    assert "hx-trigger" not in found
    assert not Company.objects.exists()
    desk.post(url("go", import_))
    assert "Goes in" in text_of(desk, url("change", import_))
    work()
    done = text_of(desk, url("change", import_))
    assert "Moved in" in done
    assert reverse("admin:accounts_company_changelist") in done
    assert Company.objects.get().name == "Müller & Söhne"
    refused = Attachment.objects.get(name="kunden-refused.csv")
    assert reverse("file", args=[refused.pk]) in done
    rows = desk.get(reverse("file", args=[refused.pk])).getvalue().decode("utf-8-sig").splitlines()
    assert rows[0] == "Kunde,Firma,Land,line,why_refused"
    assert rows[1].startswith('C2,,Japan,3,"No company has this number yet')
    listed = text_of(desk, reverse("admin:accounts_import_changelist"))
    assert "moved in" in listed
    mapping = ImportMapping.objects.get()
    assert (mapping.name, mapping.created_by, mapping.terms["columns"]["name"]) == ("The old system", manager, "Firma")


def test_a_saved_mapping_is_offered_and_fills_the_form(desk: Client, manager: User) -> None:
    uploaded(desk, SHEET)
    first = Import.objects.get()
    desk.post(url("columns", first), {**CHOSEN, "save_as": "The old system"})
    uploaded(desk, SHEET)
    second = Import.objects.latest("pk")
    mapping = ImportMapping.objects.get()

    offered = text_of(desk, url("columns", second))
    chosen = text_of(desk, f"{url('columns', second)}?mapping={mapping.pk}")

    assert f'<a href="?mapping={mapping.pk}"><bdi>The old system</bdi></a>' in offered
    assert '<option value="Firma" selected>' not in offered
    assert '<option value="Firma" selected>' in chosen
    assert 'value="Europe/Vienna"' in chosen
    for nonsense in ("x", "9" * 30, "987654321"):
        assert desk.get(f"{url('columns', second)}?mapping={nonsense}").status_code == 200


def test_another_encoding_is_tried_and_the_columns_are_asked_again(desk: Client) -> None:
    uploaded(desk, "Kunde;Größe\nC1;Ärmel\n".encode("cp1250"))
    import_ = Import.objects.get()
    assert "This is a guess" in text_of(desk, url("columns", import_))

    again = desk.post(url("columns", import_), {**CHOSEN, "encoding": "cp1250", "column-name": "Größe"})

    assert again.headers["Location"] == url("columns", import_)
    assert "<bdi>Größe</bdi>" in text_of(desk, url("columns", import_))
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("content", "name", "sentence"),
    [
        (b"", "a.csv", "The submitted file is empty."),
        (b"a,b,a\n1,2,3\n", "a.csv", "the column “a” stands in the header more than once."),
        (b"PK\x03\x04", "a.xlsx", "is damaged, or is no Excel workbook."),
        (b"\xd0\xcf\x11\xe0", "a.xls", "is an old Excel file"),
    ],
)
def test_what_is_no_table_is_not_kept(desk: Client, content: bytes, name: str, sentence: str) -> None:
    before = fingerprint()

    refused = uploaded(desk, content, name=name)

    assert refused.status_code == 422
    assert sentence in refused.content.decode()
    assert fingerprint() == before


def test_file_that_is_too_large_is_stopped_on_its_way_in(desk: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MOST_BYTES", 100_000)
    before = fingerprint()
    kept = BytesIO(b"a,b\n" + b"1,2\n" * 50_000)
    kept.name = "large.csv"

    refused = desk.post(ADD, {"kind": "companies", "file": kept})

    assert refused.status_code == 422
    assert "The file has more than 50 MB." in refused.content.decode()
    assert fingerprint() == before


def test_columns_that_are_needed_or_chosen_twice_are_said_beside_the_field(desk: Client) -> None:
    uploaded(desk, SHEET)
    import_ = Import.objects.get()

    refused = desk.post(url("columns", import_), {**CHOSEN, "column-customer_number": "", "column-country": "Firma"})

    assert refused.status_code == 422
    page = refused.content.decode()
    assert "This field is required." in page
    assert "This column of the file is chosen above already." in page
    assert not Job.objects.exists()


def test_steps_out_of_turn_are_refused_with_a_sentence(desk: Client) -> None:
    uploaded(desk, SHEET)
    import_ = Import.objects.get()

    early = desk.post(url("go", import_), follow=True).content.decode()
    desk.post(url("columns", import_), CHOSEN)
    twice = desk.post(url("columns", import_), CHOSEN, follow=True).content.decode()
    stopped = desk.post(url("cancel", import_), follow=True).content.decode()
    over = desk.post(url("cancel", import_), follow=True).content.decode()

    assert "Do the dry run again, then import." in early
    assert "waits or runs. Wait for it, or cancel it." in twice
    assert "It stops after the rows that are on their way" in stopped
    assert "It was cancelled; rows that were in by then stayed in." in stopped
    assert "It had ended already." in over
    assert Job.objects.get().state == "CANCELLED"
    assert desk.get(url("go", import_)).headers["Location"] == url("change", import_)


def test_opening_balances_above_the_limit_are_decided_in_the_queue(desk: Client, client: Client) -> None:
    member = a_member(a_program(code="club", name="The club", adjustment_limit=10), a_company(external_id="C1"))
    uploaded(desk, "customer_number,points\nC1,500\n", kind="opening-balances")
    import_ = Import.objects.get()
    desk.post(
        url("columns", import_),
        {
            **CHOSEN, "delimiter": ",", "column-customer_number": "customer_number", "column-name": "",
            "column-points": "points", "setting-program": "club", "setting-reason": "From the old system",
        },
    )  # fmt: skip
    work()

    asked = desk.post(url("go", import_), follow=True).content.decode()

    import_.refresh_from_db()
    assert import_.approval_id is not None
    assert "So many points need a second person" in asked
    approve = reverse("admin:accounts_approval_approve", args=[import_.approval_id])
    own = desk.post(approve)
    assert own.status_code == 409
    assert "You asked for this yourself." in own.content.decode()
    colleague = Client()
    colleague.force_login(a_manager())
    page = text_of(colleague, approve)
    for fact in ("The club", "500", "From the old system", "Maxine Manager", "kunden.csv"):
        assert fact in page
    assert colleague.post(approve).status_code == 302
    work()
    assert balance(member) == 500
    assert Adjustment.objects.get().opened_by == import_
    assert "Moved in" in text_of(desk, url("change", import_))


def test_only_who_may_change_the_rows_moves_them_in(client: Client) -> None:
    ensure_groups()
    people = {}
    for group in (MANAGER, APPROVER, VIEWER):
        people[group] = a_user(is_staff=True)
        people[group].groups.add(Group.objects.get(name=group))
    client.force_login(people[MANAGER])
    uploaded(client, SHEET)
    import_ = Import.objects.get()
    before = fingerprint()

    answers = {}
    for group in (APPROVER, VIEWER):
        client.force_login(people[group])
        answers[group] = [
            client.get(url("change", import_)).status_code,
            client.get(ADD).status_code,
            uploaded(client, SHEET).status_code,
            client.post(url("columns", import_), CHOSEN).status_code,
            client.post(url("go", import_)).status_code,
            client.post(url("cancel", import_)).status_code,
            client.post(reverse("admin:accounts_import_move_out", args=["companies"]), {"form": "csv"}).status_code,
        ]

    assert answers == {group: [200, 403, 403, 403, 403, 403, 403] for group in (APPROVER, VIEWER)}
    assert fingerprint() == before


def test_a_table_is_exported_and_fetched(desk: Client, manager: User) -> None:
    a_company(name="First", external_id="C1")
    exports = reverse("admin:accounts_import_exports")

    asked = desk.post(reverse("admin:accounts_import_move_out", args=["companies"]), {"form": "xlsx"}, follow=True)
    assert asked.redirect_chain == [(exports, 302)]
    assert "It waits for its turn." in asked.content.decode()
    work()

    file = Attachment.objects.get()
    assert (file.name.startswith("companies-"), file.name.endswith(".xlsx"), file.created_by) == (True, True, manager)
    assert reverse("file", args=[file.pk]) in text_of(desk, exports)
    assert desk.get(reverse("file", args=[file.pk])).getvalue()[:2] == b"PK"
    assert desk.get(reverse("admin:accounts_import_move_out", args=["nothing"])).status_code == 404
    refused = desk.post(reverse("admin:accounts_import_move_out", args=["activities"]), {"form": "csv"})
    assert refused.status_code == 422


def test_who_signed_in_a_while_ago_is_asked_again_before_rows_go_in_or_out(desk: Client) -> None:
    uploaded(desk, SHEET)
    import_ = Import.objects.get()
    desk.post(url("columns", import_), CHOSEN)
    work()
    signed_in_long_ago(desk)
    before = fingerprint()

    asked = [
        desk.post(url("go", import_)),
        desk.post(reverse("admin:accounts_import_move_out", args=["companies"]), {"form": "csv"}),
    ]

    assert [answer.headers["Location"].split("?")[0] for answer in asked] == ["/accounts/reauthenticate/"] * 2
    assert fingerprint() == before


def test_import_of_a_file_whose_time_is_over_says_so(desk: Client) -> None:
    uploaded(desk, SHEET)
    import_ = Import.objects.get()
    Attachment.objects.all().delete()

    page = desk.get(url("columns", import_), follow=True).content.decode()

    assert "The file was deleted: its time was over. Upload it again." in page
