"""Companies and people moved in: what a dry run tells, what goes in, once, and what is refused by line."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.utils import timezone

from accounts.models import (
    AccountManagerAssignment,
    AuditEntry,
    Company,
    Employee,
    RoleAssignment,
    Segment,
    SegmentMembership,
    StakeholderRole,
    User,
)
from accounts.moving import run
from accounts.segments import save_condition
from loyalty.models import Membership, Wallet
from tests.factories.canaries import fingerprint
from tests.factories.world import (
    a_company,
    a_manager,
    a_member,
    a_program,
    a_role,
    a_user,
    an_account_manager,
    an_admin,
    an_employee,
)
from tests.moving.moves import (
    CSV,
    a_workbook,
    check,
    checked,
    counts,
    exported,
    form_of,
    gone,
    moved_in,
    received,
    refusals,
    refused_rows,
)

pytestmark = pytest.mark.django_db

COMPANIES = [
    ["Customer number", "Name", "Kind", "Country", "Served by", "Segments", "Account manager", "Programs"],
    ["P1", "Partner", "distributor", "Japan", "", "", "", ""],
    ["C1", "First", "", "Japan", "P1", "key, export", "am@example.com", "club"],
    ["C2", "Second", "CLIENT", "", "C1", "", "", ""],
]


@pytest.fixture
def manager() -> User:
    return a_manager()


@pytest.fixture
def words() -> None:
    """The words that the tables use."""
    for code in ("key", "export"):
        Segment.objects.create(code=code, name=code)
    for code in ("buyer", "owner"):
        StakeholderRole.objects.create(code=code, name=code)
    an_account_manager(email="am@example.com")
    a_program(code="club", tiers={"basic": 0})


@pytest.mark.usefixtures("words")
def test_dry_run_tells_and_changes_nothing_then_companies_go_in(manager: User) -> None:
    before = {label: print_ for label, print_ in fingerprint().items() if "Import" not in label}

    import_ = checked("companies", COMPANIES, by=manager)

    after = fingerprint()
    changed = {label for label, print_ in before.items() if after[label] != print_}
    assert changed == {"accounts.Attachment", "accounts.AttachmentPart", "accounts.Job"}
    assert counts(import_.checked) == (3, 0, 0, 0)
    done = gone(import_, by=manager)
    assert counts(done.done) == (3, 0, 0, 0)
    first = Company.objects.get(external_id="C1")
    assert (first.name, first.kind, first.country, str(first.served_by)) == ("First", "CLIENT", "Japan", "Partner")
    assert {one.segment.code for one in SegmentMembership.objects.filter(company=first, ends_at=None)} == {
        "key",
        "export",
    }
    assert AccountManagerAssignment.objects.get(company=first).user.email == "am@example.com"
    membership = Membership.objects.get(company=first)
    assert membership.origin == "ENROLLED_BY_VENDOR"
    assert membership.starts_at.day == 1 or membership.starts_at.astimezone(UTC).day in (28, 29, 30, 31)
    assert Wallet.objects.filter(company=first, employee=None).count() == 6
    assert AuditEntry.objects.filter(action="portfolio-changed", actor=manager).count() == 1
    imported = AuditEntry.objects.get(action="imported")
    assert imported.actor == manager
    assert (imported.numbers["kind"], imported.numbers["new"], imported.numbers["refused"]) == ("companies", 3, 0)


@pytest.mark.usefixtures("words")
def test_moving_in_again_changes_nothing(manager: User) -> None:
    moved_in("companies", COMPANIES, by=manager)
    before = {label: print_ for label, print_ in fingerprint().items() if "loyalty" in label or "Company" in label}

    again = moved_in("companies", COMPANIES, by=manager)

    assert counts(again.checked) == counts(again.done) == (0, 0, 3, 0)
    assert {label: print_ for label, print_ in fingerprint().items() if label in before} == before


@pytest.mark.usefixtures("words")
def test_differences_are_told_before_and_made_after(manager: User) -> None:
    moved_in("companies", COMPANIES, by=manager)
    other = an_account_manager(email="new@example.com")
    rows = [COMPANIES[0], ["C1", "First Ltd", "", "", "", "key", "NEW@example.com", ""]]

    import_ = checked("companies", rows, by=manager)

    assert counts(import_.checked) == (0, 1, 0, 0)
    assert import_.checked["differences"] == [
        {
            "line": 2,
            "changes": [
                ["name", "First", "First Ltd"],
                ["segments", "export, key", "key"],
                ["account_manager", "am@example.com", "new@example.com"],
            ],
        }
    ]
    gone(import_, by=manager)
    company = Company.objects.get(external_id="C1")
    now = timezone.now()
    assert (company.name, company.country, company.served_by) == (
        "First Ltd",
        "Japan",
        Company.objects.get(name="Partner"),
    )
    assert [one.segment.code for one in SegmentMembership.objects.filter(company=company).in_force(now)] == ["key"]
    assert AccountManagerAssignment.objects.filter(company=company).in_force(now).get().user == other


@pytest.mark.usefixtures("words")
def test_refused_rows_come_back_with_the_reason_and_can_be_mended_and_sent_again(manager: User) -> None:
    rows = [
        COMPANIES[0],
        ["C1", "First", "", "", "", "", "", ""],
        ["", "No number", "", "", "", "", "", ""],
        ["C2", "", "", "", "", "", "", ""],
        ["C3", "Third", "friend", "", "", "", "", ""],
        ["C4", "Fourth", "", "", "C9", "", "", ""],
        ["C5", "Fifth", "", "", "C5", "", "", ""],
        ["C6", "Sixth", "", "", "", "key, vip", "", ""],
        ["C7", "Seventh", "", "", "", "", "nobody@example.com", ""],
        ["C1", "Twice", "", "", "", "", "", ""],
        ["C8", "=Eighth\u202e", "", "", "", "", "", "club"],
        ["C10", "Tenth", "", "", "", "", "", "nowhere"],
    ]

    done = moved_in("companies", rows, by=manager)

    assert counts(done.done) == counts(done.checked) == (1, 0, 0, 10)
    assert refusals(done.done) == [
        (3, "customer_number", "This cell must not be empty."),
        (4, "name", "No company has this number yet, and a new one needs a name."),
        (5, "kind", "“friend” is not one of CLIENT, DISTRIBUTOR, DEALER, AGENT, INCUBATOR, ASSOCIATION."),
        (6, "served_by", "No company has the number “C9”, and no line above it does."),
        (7, "served_by", "A company cannot be served by itself."),
        (8, "segments", "There is no “vip”."),
        (9, "account_manager", "None of your own people signs in as “nobody@example.com”."),
        (10, "", "Line 2 is about the same already; keep one of them."),
        (11, "name", "Remove the invisible character U+202E: it would change how the text around it reads."),
        (12, "programs", "There is no “nowhere”."),
    ]
    back = refused_rows(done)
    assert back[0] == [*COMPANIES[0], "line", "why_refused"]
    assert [row[-2] for row in back[1:]] == [str(line) for line in range(3, 13)]
    assert back[9][1] == "'=Eighth\u202e"
    assert Company.objects.get().name == "First"
    back[9][1] = "'=Eighth"
    mended = moved_in("companies", [back[0], back[9]], by=manager)
    assert counts(mended.done) == (1, 0, 0, 0)
    assert Company.objects.filter(name="=Eighth").count() == 1


PEOPLE = [
    ["customer_number", "person_number", "name", "email", "phone", "buying_role", "access", "roles", "active"],
    ["C1", "1", "Ada", "", "+44 20 7946 0018", "decides", "ADMIN", "owner, buyer", ""],
    ["C1", "2", "Bob", "", "", "", "", "", "no"],
]


@pytest.mark.usefixtures("words")
def test_people_go_in_with_their_roles_each_on_record(manager: User) -> None:
    company = a_company(external_id="C1")

    done = moved_in("people", PEOPLE, by=manager)

    assert counts(done.checked) == counts(done.done) == (2, 0, 0, 0)
    ada, bob = Employee.objects.order_by("pk")
    assert (ada.company, ada.name, ada.phone, ada.buying_role, ada.access, ada.is_active, ada.user) == (
        company, "Ada", "+44 20 7946 0018", "DECIDES", "ADMIN", True, None,
    )  # fmt: skip
    assert (bob.buying_role, bob.access, bob.is_active) == ("USES", "MEMBER", False)
    assert {one.role.code for one in RoleAssignment.objects.filter(employee=ada).in_force(timezone.now())} == {
        "owner", "buyer",
    }  # fmt: skip
    on_record = AuditEntry.objects.filter(company=company, actor=manager).order_by("pk")
    assert list(on_record.values_list("action", "subject_id")) == [
        ("person-added", ada.pk), ("person-added", bob.pk), ("role-changed", ada.pk), ("role-changed", ada.pk),
    ]  # fmt: skip
    again = moved_in("people", PEOPLE, by=manager)
    assert counts(again.done) == (0, 0, 2, 0)


@pytest.mark.usefixtures("words")
def test_person_changes_everywhere_and_roles_end_and_begin(manager: User) -> None:
    company = a_company(external_id="C1")
    ada = an_admin(company, external_id="1", name="Ada", phone="1")
    a_role(ada, "owner")

    done = moved_in(
        "people",
        [PEOPLE[0], ["C1", "1", "Ada King", "other@example.com", "", "PAYS", "MEMBER", "buyer", "yes"]],
        by=manager,
    )

    assert done.checked["differences"][0]["changes"] == [
        ["name", "Ada", "Ada King"],
        ["buying_role", "USES", "PAYS"],
        ["access", "ADMIN", "MEMBER"],
        ["roles", "owner", "buyer"],
    ]
    ada.refresh_from_db()
    assert ada.user is not None
    assert (ada.name, ada.phone, ada.user.name) == ("Ada King", "1", "Ada King")
    assert ada.user.email != "other@example.com"
    ended, begun = RoleAssignment.objects.order_by("pk")
    assert (ended.role.code, begun.role.code, ended.ends_at) == ("owner", "buyer", begun.starts_at)
    actions = AuditEntry.objects.filter(company=company).values_list("action", flat=True)
    assert set(actions) == {"access-changed", "buying-role-changed", "role-changed"}


BY_ADDRESS = ["customer_number", "person_number", "name", "email"]


@pytest.mark.parametrize("has_login", [True, False])
def test_person_without_a_number_is_found_by_the_address_and_gets_it(manager: User, has_login: bool) -> None:
    company = a_company(external_id="C1")
    known = {"user": a_user(email="Ada@firm.example")} if has_login else {"address": "Ada@firm.example", "user": None}
    ada = an_employee(company, external_id="", name="Ada", **known)
    an_employee(a_company(external_id="C2"), external_id="", address="ada@firm.example", login=False)

    done = moved_in("people", [BY_ADDRESS, ["C1", "E-7", "", "ada@firm.example"]], by=manager)
    again = moved_in("people", [BY_ADDRESS, ["C1", "E-7", "", "ada@firm.example"]], by=manager)

    assert counts(done.checked) == counts(done.done) == (0, 1, 0, 0)
    assert done.checked["differences"][0]["changes"] == [["person_number", "", "E-7"]]
    assert counts(again.done) == (0, 0, 1, 0)
    [row] = Employee.objects.filter(company=company)
    assert (row.pk, row.external_id, row.name, row.user, row.address) == (
        ada.pk, "E-7", "Ada", ada.user, ada.address,
    )  # fmt: skip


def test_address_is_kept_for_whoever_has_no_login_and_goes_out_with_them(manager: User, tmp_path: Path) -> None:
    company = a_company(external_id="C1")
    an_employee(company, external_id="2", name="Bob", user=a_user(email="bob@firm.example"))
    rows = [BY_ADDRESS, ["C1", "1", "Ada", "Ada@firm.example"], ["C1", "2", "", "robert@firm.example"]]

    done = moved_in("people", rows, by=manager)
    changed = moved_in("people", [BY_ADDRESS, ["C1", "1", "", "ada.king@firm.example"]], by=manager)
    content = exported("people", by=manager, is_workbook=False)
    back = moved_in("people", content, by=manager, form=form_of(content, tmp_path))

    assert counts(done.done) == (1, 0, 1, 0)
    assert changed.checked["differences"][0]["changes"] == [["email", "Ada@firm.example", "ada.king@firm.example"]]
    assert "ada.king@firm.example" in content.decode("utf-8-sig")
    assert counts(back.done) == (0, 0, 2, 0)
    ada, bob = Employee.objects.order_by("external_id")
    assert (ada.address, ada.user, bob.address) == ("ada.king@firm.example", None, "")
    assert bob.user is not None
    assert bob.user.email == "bob@firm.example"


@pytest.mark.parametrize("batch", [1, 1_000])
def test_one_address_is_one_person_s(manager: User, monkeypatch: pytest.MonkeyPatch, batch: int) -> None:
    monkeypatch.setattr(run, "BATCH", batch)
    company = a_company(external_id="C1")
    an_employee(company, external_id="1", name="Ada", user=a_user(email="ada@firm.example"))
    an_employee(company, external_id="2", name="Bob", login=False, address="bob@firm.example")
    carol = an_employee(company, external_id="", name="Carol", login=False, address="carol@firm.example")
    rows = [
        BY_ADDRESS,
        ["C1", "9", "Ada", "ADA@firm.example"],
        ["C1", "8", "Bob", "bob@firm.example"],
        ["C1", "3", "", "carol@firm.example"],
        ["C1", "4", "Carol", "Carol@firm.example"],
        ["C1", "5", "Dan", "dan@firm.example"],
        ["C1", "6", "Dan", "DAN@firm.example"],
        ["C1", "7", "Eve", "eve at firm"],
    ]

    done = moved_in("people", rows, by=manager)

    assert counts(done.checked) == counts(done.done) == (1, 1, 0, 5)
    of_the_dry_run, of_the_import = (
        [(line, column) for line, column, _sentence in refusals(findings)] for findings in (done.checked, done.done)
    )
    assert of_the_dry_run == of_the_import == [(line, "email") for line in (2, 3, 5, 7, 8)]
    said = "“{}” of this company has this address. One person is one row; leave one out."
    assert [sentence for _line, _column, sentence in refusals(done.done)] == [
        *(said.format(name) for name in ("Ada", "Bob", "Carol", "Dan")), "“eve at firm” is no e-mail address.",
    ]  # fmt: skip
    assert list(Employee.objects.order_by("external_id").values_list("external_id", "name")) == [
        ("1", "Ada"), ("2", "Bob"), ("3", "Carol"), ("5", "Dan"),
    ]  # fmt: skip
    assert Employee.objects.get(external_id="3") == carol


@pytest.mark.usefixtures("words")
def test_people_that_cannot_be_are_refused_by_line(manager: User) -> None:
    a_company(external_id="C1")

    done = moved_in(
        "people",
        [
            ["customer_number", "person_number", "name", "roles", "active"],
            ["C9", "1", "Ada", "", ""],
            ["C1", "", "Ada", "", ""],
            ["C1", "2", "", "", ""],
            ["C1", "3", "Ada", "king", ""],
            ["C1", "4", "Ada", "", "perhaps"],
        ],
        by=manager,
    )

    assert refusals(done.done) == [
        (2, "customer_number", "No company has the number “C9”. Move the companies in first."),
        (3, "person_number", "This cell must not be empty."),
        (4, "name", "Nobody of this company has this number yet, and somebody new needs a name."),
        (5, "roles", "There is no “king”."),
        (6, "is_active", "“perhaps” is neither yes nor no."),
    ]
    assert not Employee.objects.exists()


@pytest.mark.usefixtures("words")
@pytest.mark.parametrize("is_workbook", [False, True])
@pytest.mark.parametrize("kind", ["companies", "people"])
def test_what_is_exported_changes_nothing_when_it_is_moved_in(
    manager: User, tmp_path: Path, kind: str, is_workbook: bool
) -> None:
    company = a_company(external_id="007", name="=HYPERLINK(“x”)", country="-cmd", kind="DEALER")
    served = a_company(external_id="'=9", name=' Two\n lines, "quoted" ', served_by=company)
    an_account_manager(company)
    SegmentMembership.objects.create(
        segment=Segment.objects.get(code="key"), company=company, starts_at=datetime(2020, 1, 1, tzinfo=UTC)
    )
    a_member(a_program(), company)
    person = an_employee(company, external_id="+1", name="@Ada", alias="\tx", phone="+44 1")
    a_role(person, "owner")
    an_employee(served, login=False, is_active=False)
    a_company(external_id="")

    content = exported(kind, by=manager, is_workbook=is_workbook)
    before = fingerprint()
    back = moved_in(kind, content, by=manager, form=form_of(content, tmp_path))

    assert counts(back.checked) == counts(back.done) == (0, 0, 2, 0)
    after = fingerprint()
    assert {label for label, print_ in before.items() if after[label] != print_} == {
        "accounts.Attachment", "accounts.AttachmentPart", "accounts.AuditEntry", "accounts.Import", "accounts.Job",
    }  # fmt: skip
    assert AuditEntry.objects.get(action="exported").numbers == {"screen": kind, "rows": 2}


def test_workbook_goes_in_and_a_formula_is_refused(manager: User, tmp_path: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["Customer number", "Name"], [1001, "One"], [1002, '="Two"']):
        sheet.append(row)
    book.save(tmp_path / "a.xlsx")
    content = (tmp_path / "a.xlsx").read_bytes()

    done = moved_in("companies", content, by=manager, form=form_of(content, tmp_path))

    assert list(Company.objects.values_list("external_id", "name")) == [("1001", "One")]
    assert refusals(done.done) == [
        (3, "name", "The cell holds a formula, and formulas are not read. Put its value there instead."),
    ]


def test_broken_file_fails_the_dry_run_with_the_line(manager: User) -> None:
    import_ = received("companies", b"customer_number,name\nC1,One\nC2\n", by=manager)

    job = check(import_, by=manager)

    assert job.state == "FAILED"
    assert job.failure.startswith("list.csv, line 3: has 1 cells, the header has 2.")
    assert not Company.objects.exists()


def test_workbook_of_ours_is_a_workbook(tmp_path: Path) -> None:
    content = a_workbook([["a"]])

    assert form_of(content, tmp_path).is_workbook
    assert not form_of(b"a,b\n", tmp_path).is_workbook
    assert form_of(b"a,b\n", tmp_path) == CSV


def test_file_leaves_alone_what_conditions_say_and_may_not_name_it(manager: User) -> None:
    company = a_company(external_id="C1", kind="DEALER")
    told = Segment(code="told", name="Told", condition={"fact": "company.kind", "op": "eq", "value": "DEALER"})
    save_condition(segment=told, by_id=manager.pk, now=timezone.now())
    listed = Segment.objects.create(code="key", name="Key")

    moved_in("companies", [["customer_number", "segments"], ["C1", "key"]], by=manager)
    refused = moved_in("companies", [["customer_number", "segments"], ["C1", "key, told"]], by=manager)

    rows = SegmentMembership.objects.filter(company=company, ends_at=None).order_by("segment")
    assert [*rows.values_list("segment", "source")] == [(told.pk, "CONDITION"), (listed.pk, "LISTED")]
    assert refusals(refused.done) == [(2, "segments", "A condition says who is in “told”. Leave it out.")]
