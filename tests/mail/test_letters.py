"""What e-mails say: in the reader's language and direction, as plain text and HTML, with heads nobody can add to."""

import re
from datetime import timedelta
from email import message_from_bytes, policy

import pytest
from django.core import mail as outbox
from django.core.mail import EmailMultiAlternatives
from django.test import Client
from django.urls import reverse
from django.utils import translation

from accounts import messages
from accounts.mail import MailKind, register
from accounts.mail import send as write
from accounts.messages import MessageKind, Telling
from accounts.models import Employee, Mail, NotificationPreference, User
from accounts.preferences import Switch, preferences_of
from tests.factories.canaries import INTERNAL, a_canary_world, fingerprint, user_of
from tests.factories.world import NOW, a_company, a_user, an_employee
from tests.mail.conftest import ALWAYS, ORDERED, Send

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(minutes=1)


def sent() -> EmailMultiAlternatives:
    """The one e-mail that went out."""
    [email] = outbox.outbox
    assert isinstance(email, EmailMultiAlternatives)
    return email


def html_of(email: EmailMultiAlternatives) -> str:
    [alternative] = email.alternatives
    return str(alternative[0])


def mia(**fields: str) -> Employee:
    fields = {"email": "mia@example.com", "name": "Mia", **fields}
    return an_employee(a_company(), user=a_user(**fields))


def told(reader: Employee, kind: MessageKind = ORDERED, **facts: str | int) -> None:
    facts = {"reward": "Drill", "points": 1_200, **facts}
    messages.tell(kind, [Telling(reader.pk, 1, facts)], now=NOW)


def test_one_letter_is_plain_text_and_html(send: Send, settings: pytest.FixtureRequest) -> None:
    settings.SITE_ADDRESS = "https://loyal.example"  # type: ignore[attr-defined]
    kind = MessageKind("test-linked", "{reward} is ordered for {points} points", "orders", "ORDERS", False)
    messages.register(kind)
    told(mia(), kind)

    send(LATER)

    email = sent()
    head = email.message()
    assert email.subject == "Drill is ordered for 1,200 points"
    assert str(email.body).startswith(
        "Hello Mia,\n\nDrill is ordered for 1,200 points\n\nOpen it:\nhttps://loyal.example/orders/\n\n-- \n"
    )
    for word in ("Hello Mia,", "Drill is ordered for 1,200 points", "https://loyal.example/orders/", "orders"):
        assert word in html_of(email)
    assert re.fullmatch(r"<[0-9a-f-]{36}@loyal\.example>", str(head["Message-ID"]))
    assert head["Auto-Submitted"] == "auto-generated"
    [link] = re.findall(r"https://loyal\.example(/unsubscribe/\S+)", str(email.body))
    assert head["List-Unsubscribe"] == f"<https://loyal.example{link}>"
    assert head["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_html_asks_for_nothing_from_elsewhere_and_runs_nothing(send: Send) -> None:
    told(mia(), reward="<script>alert(1)</script><img src=//evil.example/x>")

    send(LATER)

    page = html_of(sent())
    assert "&lt;script&gt;" in page
    assert re.findall(r"<(?:script|img|link|style|iframe|object|form)\b", page) == []
    assert re.findall(r"url\(|@import|\bsrc=", page.replace("src=//evil.example/x", "")) == []
    assert '<meta name="color-scheme" content="light dark">' in page


def test_an_e_mail_speaks_the_language_of_its_reader_and_runs_its_way(send: Send) -> None:
    told(mia(language="ar", name="ليلى"))

    with translation.override("ja"):
        send(LATER)

    page = html_of(sent())
    assert '<html lang="ar" dir="rtl">' in page
    assert page.count('dir="rtl"') == 3
    assert sent().extra_headers["Content-Language"] == "ar"
    assert "ليلى" in str(sent().body)


def test_times_are_told_in_the_zone_of_the_reader(send: Send) -> None:
    from django.utils.timezone import localtime

    kind = MailKind(
        "test-time", "At {hour}", ("x",), "y", prepare=lambda mail, now: {"hour": f"{localtime(now):%H:%M}"}
    )
    register(kind)
    write(kind, user=a_user(time_zone="Asia/Tokyo"), now=NOW)

    send(LATER)

    assert sent().subject == "At 21:01"


@pytest.mark.parametrize("trick", ["Bo\r\nBcc: all@example.com", "Bo\nX: y", "Bo\u2028X: y", "Bo\x1c\x0bX: y"])
def test_a_name_with_lines_adds_nothing_to_the_head(send: Send, trick: str) -> None:
    told(mia(name=trick), ALWAYS, person=trick)

    send(LATER)

    parsed = message_from_bytes(sent().message().as_bytes(), policy=policy.default)
    assert parsed["Bcc"] is None
    assert parsed["X"] is None
    assert str(parsed["To"]) == "mia@example.com"
    assert str(parsed["Subject"]).endswith("asks you to decide")
    assert len(str(parsed["Subject"]).splitlines()) == 1


def test_what_cannot_be_switched_off_offers_no_way_to(send: Send) -> None:
    told(mia(), ALWAYS, person="Bo")

    send(LATER)

    assert "List-Unsubscribe" not in sent().message()
    assert "unsubscribe" not in str(sent().body) + html_of(sent())
    assert "cannot be switched off" in str(sent().body)


def the_link(send: Send, person: Employee) -> str:
    told(person)
    send(LATER)
    [link] = re.findall(r"(/unsubscribe/[^\s>]+)", sent().extra_headers["List-Unsubscribe"])
    return str(link)


def wants_orders(person: Employee) -> bool:
    return preferences_of(person.pk)[Switch("ORDERS", "EMAIL")]


def test_one_click_ends_the_topic_signed_out_and_without_a_token(send: Send) -> None:
    person = mia()
    link = the_link(send, person)

    answer = Client(enforce_csrf_checks=True).post(link, {"List-Unsubscribe": "One-Click"})
    again = Client(enforce_csrf_checks=True).post(link, {"List-Unsubscribe": "One-Click"})

    assert (answer.status_code, again.status_code) == (200, 200)
    assert not wants_orders(person)
    assert NotificationPreference.objects.count() == 1
    assert "Switch them on again under “Me”" in answer.content.decode()


@pytest.mark.parametrize("method", ["get", "head"])
def test_who_only_looks_at_links_ends_nothing(send: Send, method: str) -> None:
    person = mia()
    link = the_link(send, person)

    answer = getattr(Client(), method)(link)

    assert answer.status_code == 200
    assert wants_orders(person)


@pytest.mark.parametrize("sent_words", [{}, {"List-Unsubscribe": "Two-Clicks"}, {"confirm": "yes"}])
def test_other_words_than_the_agreed_ones_end_nothing(send: Send, sent_words: dict[str, str]) -> None:
    person = mia()

    assert Client().post(the_link(send, person), sent_words).status_code == 400
    assert wants_orders(person)


@pytest.mark.parametrize("spoil", [lambda link: link[:-3] + "x/", lambda link: "/unsubscribe/guessed/", lambda link:
                                   link.replace(":", ".")])  # fmt: skip
def test_a_link_that_we_did_not_give_out_opens_nothing(send: Send, spoil: object) -> None:
    person = mia()
    link = spoil(the_link(send, person))  # type: ignore[operator]
    before = fingerprint()

    assert Client().get(link).status_code == 404
    assert Client().post(link, {"List-Unsubscribe": "One-Click"}).status_code == 404
    assert fingerprint() == before


def test_no_e_mail_holds_a_word_of_another_company_or_what_is_internal(send: Send) -> None:
    world = a_canary_world()

    count = send()

    leaks = []
    company_of = {
        person.user.email if person.user else f"{side.canary}-colleague-guest@example.com": side
        for side in (world.a, world.b)
        for person in Employee.objects.filter(company=side.company).select_related("user")
    }
    staff = {*User.objects.filter(is_staff=True).values_list("email", flat=True)}  # they may read of every company
    to_clients = [email for email in outbox.outbox if email.to[0] not in staff]
    for email in to_clients:
        assert isinstance(email, EmailMultiAlternatives)
        home = company_of[email.to[0]]
        other = world.b if home is world.a else world.a
        text = f"{email.message().as_bytes().decode()} {email.subject} {email.body} {html_of(email)}".lower()
        leaks += [(email.to, word) for word in (other.canary, INTERNAL) if word in text]
        assert home.canary in text
    assert leaks == []
    decided = Mail.objects.filter(kind="request-asked", state="UNWANTED").count()  # nobody is asked of these any more
    assert count == len(outbox.outbox) + decided
    assert len(to_clients) > 20
    assert {side.canary for side in company_of.values()} == {"canary-aaa", "canary-bbb"}


def test_page_of_the_switches_says_what_is_on(send: Send) -> None:
    person = mia()
    client = Client()
    client.force_login(user_of(person))
    client.post(the_link(send, person), {"List-Unsubscribe": "One-Click"})

    page = client.get(reverse("me")).content.decode()

    assert 'value="ORDERS:EMAIL">' in page
    assert 'value="ORDERS:INBOX" checked' in page
