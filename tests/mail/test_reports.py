"""What comes back: believed when it is signed, counted once, and the address is left alone until somebody mends it."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts import messages
from accounts.mail import mending, reports
from accounts.messages import Telling
from accounts.models import AuditEntry, Employee, Mail, MailReport, SuppressedAddress, User
from tests.client.pages import words_of
from tests.factories.canaries import fingerprint, user_of
from tests.factories.world import a_company, a_manager, a_user, an_account_manager, an_employee
from tests.mail.conftest import ORDERED, Send

pytestmark = pytest.mark.django_db

SECRET = "kX3v-b7Qm_a9Zt2LwR5yNc8HdJ4fGpS6eUoTiVxWzB1YqMnKlAhCrEs"
AT = "2026-01-02T03:04:05Z"


@pytest.fixture(autouse=True)
def _secret(settings: Any) -> None:
    settings.MAIL_HOOK_SECRET = SECRET


def report(said: object, *, secret: str = SECRET, at: datetime | None = None, body: bytes | None = None) -> Any:
    """What the door answers to somebody who signs with `secret`."""
    content = json.dumps(said).encode() if body is None else body
    signature = reports.sign(content, secret=secret, at=at or timezone.now())
    return Client(enforce_csrf_checks=True).post(
        "/hooks/mail/", content, content_type="application/json", headers={"Twofold-Signature": signature}
    )


def bounce(**fields: str) -> dict[str, str]:
    return {"event": "bounce", "kind": "hard", "at": AT, **fields}


@pytest.fixture
def mia() -> Employee:
    """Somebody who was sent an e-mail."""
    return an_employee(a_company(), user=a_user(email="Mia@example.com", name="Mia"))


@pytest.fixture
def mail(mia: Employee, send: Send) -> Mail:
    """The e-mail that she was sent."""
    now = timezone.now() - timedelta(minutes=1)
    messages.tell(ORDERED, [Telling(mia.pk, 1, {"reward": "Drill", "points": 5})], now=now)
    send()
    return Mail.objects.get()


def test_an_e_mail_that_came_back_for_good_stops_what_follows(mail: Mail, mia: Employee, send: Send) -> None:
    first = report(bounce(message_id=f"<{mail.code}@twofold.example>"))
    again = report(bounce(message_id=str(mail.code)))
    messages.tell(ORDERED, [Telling(mia.pk, 2, {"reward": "Drill", "points": 5})], now=timezone.now())
    send()

    assert (first.status_code, first.json()) == (200, {"is_news": True})
    assert (again.status_code, again.json()) == (200, {"is_news": False})
    assert list(Mail.objects.order_by("pk").values_list("state", flat=True)) == ["BOUNCED", "UNWANTED"]
    assert list(MailReport.objects.values_list("address", "event", "kind", "mail")) == [
        ("mia@example.com", "BOUNCE", "HARD", mail.pk)
    ]
    assert list(SuppressedAddress.objects.values_list("address", "reason", "lifted_at")) == [
        ("mia@example.com", "BOUNCE", None)
    ]


def test_a_full_mailbox_is_counted_and_written_to_again(mail: Mail) -> None:
    for at in ("2026-01-02T03:04:05Z", "2026-01-03T03:04:05Z", "2026-01-03T03:04:05Z"):
        assert report(bounce(email="mia@example.com", kind="soft", at=at)).status_code == 200

    assert MailReport.objects.filter(kind="SOFT").count() == 2
    assert not SuppressedAddress.objects.exists()
    mail.refresh_from_db()
    assert mail.state == "SENT"


def test_a_complaint_stops_e_mails_and_the_e_mail_stays_sent(mail: Mail) -> None:
    assert report({"event": "complaint", "message_id": str(mail.code), "at": AT}).json() == {"is_news": True}

    mail.refresh_from_db()
    assert mail.state == "SENT"
    assert SuppressedAddress.objects.get().reason == "COMPLAINT"


def test_news_of_an_e_mail_that_we_do_not_know_changes_nothing() -> None:
    before = fingerprint()

    answer = report(bounce(message_id="8c5b6f0e-3c40-4a8e-9c55-6f0b7f5a5c11"))

    assert (answer.status_code, answer.json()) == (200, {"is_news": False})
    assert fingerprint() == before


@pytest.mark.parametrize("at", [timedelta(minutes=-6), timedelta(minutes=6)])
def test_a_signature_of_another_time_is_refused(at: timedelta) -> None:
    assert report(bounce(email="mia@example.com"), at=timezone.now() + at).status_code == 403
    assert not MailReport.objects.exists()


@pytest.mark.parametrize(
    "header",
    [
        "",
        "t=,v1=",
        "t=99999999999999999999,v1=00",
        "v1=00",
        "t=1,v1=00",
        "t=²,v1=00",
        "t=-1,v1=0",
        "nonsense",
        "\u00e9",
    ],
)
def test_a_signature_that_is_none_is_refused(header: str) -> None:
    answer = Client().post(
        "/hooks/mail/", b"{}", content_type="application/json", headers={"Twofold-Signature": header}
    )

    assert answer.status_code == 403


def test_another_secret_another_body_or_no_secret_at_all_is_refused(settings: Any) -> None:
    said = bounce(email="mia@example.com")
    signature = reports.sign(json.dumps(said).encode(), secret=SECRET, at=timezone.now())
    other_body = Client().post(
        "/hooks/mail/",
        json.dumps({**said, "email": "bo@example.com"}),
        content_type="application/json",
        headers={"Twofold-Signature": signature},
    )

    statuses = [report(said, secret="guessed").status_code, other_body.status_code]
    settings.MAIL_HOOK_SECRET = ""
    statuses.append(report(said, secret="").status_code)

    assert statuses == [403, 403, 403]
    assert not MailReport.objects.exists()


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ([], "body"),
        ({}, "event"),
        (bounce(event="opened", email="a@example.com"), "event"),
        (bounce(event="bounce", kind="bouncy", email="a@example.com"), "kind"),
        (bounce(), "email"),
        (bounce(email="nobody"), "email"),
        ({**bounce(), "email": 5}, "email"),
        (bounce(message_id="not-a-number"), "message_id"),
        (bounce(email="a@example.com", at="yesterday"), "at"),
        (bounce(email="a@example.com", at="2026-01-02T03:04:05"), "at"),
        (bounce(email="a@example.com", at="2026-13-45T03:04:05Z"), "at"),
        (bounce(email="a@example.com", at="2999-01-01T00:00:00Z"), "at"),
    ],
)
def test_a_report_that_says_nothing_is_refused_with_the_field(said: object, field: str) -> None:
    answer = report(said)

    assert (answer.status_code, answer.json()) == (400, {"code": "malformed", "field": field})
    assert not MailReport.objects.exists()


def test_a_body_that_is_no_json_is_refused() -> None:
    for body in (b"", b"\xff\xfe", b"{", b"[" * 100_000):
        assert report(None, body=body).status_code == 400


def test_the_door_is_for_posts_alone() -> None:
    assert Client().get("/hooks/mail/").status_code == 405


def stopped(address: str = "mia@example.com") -> SuppressedAddress:
    return SuppressedAddress.objects.create(address=address, reason="BOUNCE", since=timezone.now() - timedelta(days=3))


def test_a_person_reads_that_e_mails_came_back_and_mends_it(mia: Employee) -> None:
    stopped()
    client = Client()
    client.force_login(user_of(mia))

    told = words_of(client.get("/me/"))
    mended = words_of(client.post("/me/e-mails/", follow=True))

    assert "we send no e-mails to mia@example.com : they came back" in told
    assert "E-mails go to your address again." in mended
    assert "they came back" not in mended
    assert not SuppressedAddress.objects.in_force().exists()
    assert AuditEntry.objects.get(action="mail-address-tried-again").actor == mia.user


def test_nobody_mends_the_address_of_another(mia: Employee) -> None:
    stopped()
    client = Client()
    client.force_login(a_user())

    client.post("/me/e-mails/")

    assert SuppressedAddress.objects.in_force().exists()


def test_old_news_does_not_stop_what_was_mended_and_fresh_news_does(mia: Employee) -> None:
    row = stopped()
    mending.try_again(address="MIA@example.com", by_user_id=user_of(mia).pk, now=timezone.now() - timedelta(hours=1))

    report(bounce(email="mia@example.com", at=(timezone.now() - timedelta(days=2)).isoformat()))
    assert not SuppressedAddress.objects.in_force().exists()
    report(bounce(email="mia@example.com", at=timezone.now().isoformat()))

    row.refresh_from_db()
    assert row.lifted_at is None


def test_who_looks_after_the_company_sees_that_e_mails_come_back(mia: Employee) -> None:
    stopped()
    keeper = an_account_manager(mia.company)
    client = Client()
    client.force_login(keeper)

    assert "E-mails come back" in words_of(client.get(f"/am/companies/{mia.company_id}/"))


@pytest.fixture
def desk(client: Client) -> Client:
    """A program manager's browser."""
    client.force_login(a_manager())
    return client


def test_manager_sends_uncertain_ones_again_after_a_look_at_the_count(desk: Client, send: Send) -> None:
    company = a_company()
    people = [an_employee(company) for _ in range(3)]
    messages.tell(
        ORDERED, [Telling(each.pk, 1, {"reward": "Drill", "points": 5}) for each in people], now=timezone.now()
    )
    uncertain, failed, sent = Mail.objects.order_by("pk")
    ended = {"ended_at": timezone.now()}
    Mail.objects.filter(pk=uncertain.pk).update(state="UNCERTAIN", **ended)
    Mail.objects.filter(pk=failed.pk).update(state="FAILED", why="x", tries=7, **ended)
    Mail.objects.filter(pk=sent.pk).update(state="SENT", **ended)
    chosen = {"action": "send_again", "_selected_action": [uncertain.pk, failed.pk, sent.pk]}

    look = words_of(desk.post("/admin/accounts/mail/", chosen))
    assert "Send 2 e-mails again" in look
    assert "of these uncertain 1" in look
    assert not Mail.objects.filter(state="WAITING").exists()
    desk.post("/admin/accounts/mail/", {**chosen, "confirm": "yes"})

    assert list(Mail.objects.order_by("pk").values_list("state", "tries", "why")) == [
        ("WAITING", 0, ""), ("WAITING", 0, ""), ("SENT", 0, ""),
    ]  # fmt: skip
    assert AuditEntry.objects.filter(action="mail-sent-again", company=company).count() == 2
    assert send() == 2


def test_manager_writes_one_off_and_one_that_waits_cannot_be_sent_again(desk: Client, mail: Mail) -> None:
    Mail.objects.update(state="UNCERTAIN")

    desk.post(f"/admin/accounts/mail/{mail.pk}/off/")
    mail.refresh_from_db()
    assert mail.state == "WRITTEN_OFF"
    desk.post(f"/admin/accounts/mail/{mail.pk}/again/")
    refused = desk.post(f"/admin/accounts/mail/{mail.pk}/again/")

    assert refused.status_code == 409
    assert "waits already" in words_of(refused)
    assert list(AuditEntry.objects.order_by("pk").values_list("action", flat=True)) == [
        "mail-written-off", "mail-sent-again",
    ]  # fmt: skip


def test_manager_lets_an_address_have_e_mails_again(desk: Client, mia: Employee) -> None:
    row = stopped()

    page = desk.get(f"/admin/accounts/user/{user_of(mia).pk}/change/").content.decode()
    desk.post(f"/admin/accounts/suppressedaddress/{row.pk}/retry/")

    assert "e-mails came back" in page
    row.refresh_from_db()
    assert row.lifted_at is not None


def test_whoever_may_not_change_e_mails_sends_none_again(client: Client, mail: Mail) -> None:
    from django.contrib.auth.models import Permission

    viewer = a_user(is_staff=True)
    viewer.user_permissions.set(Permission.objects.filter(codename="view_mail"))
    client.force_login(User.objects.get(pk=viewer.pk))
    Mail.objects.update(state="UNCERTAIN")

    one = client.post(f"/admin/accounts/mail/{mail.pk}/again/")
    client.post("/admin/accounts/mail/", {"action": "send_again", "_selected_action": [mail.pk], "confirm": "yes"})

    assert one.status_code == 403
    mail.refresh_from_db()
    assert mail.state == "UNCERTAIN"
