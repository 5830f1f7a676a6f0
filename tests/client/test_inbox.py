"""The inbox: what was written to somebody, read by opening it and by nothing else."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.actors import actor_of_employee
from accounts.inbox import NoSuchMessageError, inbox_of, mark_all_read, open_message
from accounts.models import Employee, Message
from tests.client.conftest import Firm, SignIn
from tests.client.pages import hidden_of, links_of, source_of, words_of
from tests.factories.canaries import fingerprint
from tests.factories.world import NOW, an_account_manager

pytestmark = pytest.mark.django_db


def a_message(person: Employee, number: int = 1, *, days_ago: int = 0, kind: str = "redeemed") -> Message:
    """An order was placed."""
    return Message.objects.create(
        employee=person,
        kind=kind,
        subject_id=number,
        facts={"reward": f"Reward {number}", "points": 100},
        created_at=timezone.now() - timedelta(days=days_ago),
    )


def unread_of(person: Employee) -> list[int]:
    """The subjects of what the person has not read."""
    rows = Message.objects.filter(employee=person, read_at__isnull=True).order_by("pk")
    return list(rows.values_list("subject_id", flat=True))


def test_messages_stand_latest_first_by_day_and_the_unread_are_marked_in_words(firm: Firm, sign_in: SignIn) -> None:
    old = a_message(firm.member, 1, days_ago=3)
    Message.objects.filter(pk=old.pk).update(read_at=timezone.now())
    for number in (2, 3):
        a_message(firm.member, number)
    a_message(firm.admin, 4)

    page = sign_in(firm.member).get("/inbox/")

    words = words_of(page)
    assert "2 unread messages" in words
    titles = [f"Reward {number} is ordered for 100 points" for number in (3, 2, 1)]
    places = [words.index(title) for title in titles]
    assert places == sorted(places)
    assert words.count("New") == 2
    assert "Reward 4" not in words
    assert source_of(page).count('<h2 class="day"') == 2


@pytest.mark.parametrize(
    ("language", "said"), [("en", "Drill is ordered for 1,500 points"), ("id", "Drill dipesan seharga 1.500 poin")]
)
def test_numbers_in_messages_are_written_as_the_reader_writes_them(
    firm: Firm, sign_in: SignIn, language: str, said: str
) -> None:
    Message.objects.filter(pk=a_message(firm.member).pk).update(facts={"reward": "Drill", "points": 1_500})
    client = sign_in(firm.member)
    client.post("/language/", {"language": language, "next": "/inbox/"})

    assert said in words_of(client.get("/inbox/"))


def test_looking_reads_nothing_and_opening_reads_one_and_leads_to_its_page(firm: Firm, sign_in: SignIn) -> None:
    first, _second = a_message(firm.member, 1), a_message(firm.member, 2)
    client = sign_in(firm.member)
    before = fingerprint()
    client.get("/inbox/")
    assert client.get(f"/inbox/{first.pk}/open/").status_code == 405
    assert fingerprint() == before

    opened = client.post(f"/inbox/{first.pk}/open/")

    assert opened.headers["Location"] == "/orders/1/"
    assert unread_of(firm.member) == [2]


def test_message_that_leads_nowhere_leads_back(firm: Firm, sign_in: SignIn) -> None:
    message = a_message(firm.member, kind="of-old")

    assert sign_in(firm.member).post(f"/inbox/{message.pk}/open/").headers["Location"] == "/inbox/"


def test_opening_again_keeps_the_first_time(firm: Firm) -> None:
    message = a_message(firm.member)
    actor = actor_of_employee(Employee.objects.select_related("company").get(pk=firm.member.pk), now=NOW)

    open_message(actor=actor, message_id=message.pk, now=NOW)
    again = open_message(actor=actor, message_id=message.pk, now=NOW + timedelta(days=1))

    assert again.read_at == NOW
    assert Message.objects.get().read_at == NOW


def test_message_of_somebody_else_answers_like_a_missing_one(firm: Firm, sign_in: SignIn) -> None:
    message = a_message(firm.admin)
    actor = actor_of_employee(Employee.objects.select_related("company").get(pk=firm.member.pk), now=NOW)
    before = fingerprint()

    answers = [sign_in(firm.member).post(f"/inbox/{pk}/open/") for pk in (message.pk, 987654321)]

    assert [answer.status_code for answer in answers] == [404, 404]
    with pytest.raises(NoSuchMessageError):
        open_message(actor=actor, message_id=message.pk, now=NOW)
    assert list(inbox_of(actor)) == []
    assert fingerprint() == before


def test_all_that_was_shown_is_read_and_what_came_meanwhile_is_not(firm: Firm, sign_in: SignIn) -> None:
    client = sign_in(firm.member)
    for number in (1, 2):
        a_message(firm.member, number)
    fields = hidden_of(client.get("/inbox/"))
    a_message(firm.member, 3)
    a_message(firm.admin, 4)

    done = client.post("/inbox/read/", fields, follow=True)

    assert "2 messages are marked as read." in words_of(done)
    assert unread_of(firm.member) == [3]
    assert unread_of(firm.admin) == [4]


def test_marking_all_twice_counts_once(firm: Firm) -> None:
    message = a_message(firm.member)
    actor = actor_of_employee(Employee.objects.select_related("company").get(pk=firm.member.pk), now=NOW)

    counts = [mark_all_read(actor=actor, up_to=message.pk, now=NOW) for _time in range(2)]

    assert counts == [1, 0]


@pytest.mark.parametrize("up_to", ["", "x", "-1", "\0", "1.5", "²", None])
def test_junk_marks_nothing(firm: Firm, sign_in: SignIn, up_to: str | None) -> None:
    a_message(firm.member)
    before = fingerprint()

    done = sign_in(firm.member).post("/inbox/read/", {} if up_to is None else {"up_to": up_to}, follow=True)

    assert "Nothing was marked" in words_of(done)
    assert fingerprint() == before


def test_huge_number_marks_what_there_is(firm: Firm, sign_in: SignIn) -> None:
    a_message(firm.member)

    sign_in(firm.member).post("/inbox/read/", {"up_to": "9" * 40})

    assert unread_of(firm.member) == []


def test_inbox_goes_on_page_by_page(firm: Firm, sign_in: SignIn) -> None:
    for number in range(35):
        a_message(firm.member, number)
    client = sign_in(firm.member)

    first, second = client.get("/inbox/"), client.get("/inbox/?page=2")

    assert [source_of(page).count("letter-title") for page in (first, second)] == [30, 5]
    assert links_of(first, r"\?page=2") == ["?page=2"]
    assert client.get("/inbox/?page=x\0").status_code == 200


def test_empty_inbox_says_what_will_come(firm: Firm, sign_in: SignIn) -> None:
    words = words_of(sign_in(firm.member).get("/inbox/"))

    assert "You have read everything." in words
    assert "No messages yet" in words


def test_number_of_unread_messages_stands_beside_the_way_to_them(firm: Firm, sign_in: SignIn) -> None:
    client = sign_in(firm.member)
    quiet = source_of(client.get("/rules/"))
    for number in range(3):
        a_message(firm.member, number)

    page, more = source_of(client.get("/rules/")), words_of(client.get("/more/"))

    assert "unread message" not in quiet
    assert page.count("3 unread messages") == 2
    assert "Inbox 3 unread" in more


def test_whoever_looks_through_somebody_s_eyes_follows_links_and_reads_nothing(firm: Firm, sign_in: SignIn) -> None:
    a_message(firm.member, 7)
    client = sign_in(an_account_manager(firm.membership.company))
    client.post(f"/see-as/{firm.member.pk}/", {"reason": "Asked why"})

    page = client.get("/inbox/")

    assert "1 unread message" in words_of(page)
    assert "Reward 7 is ordered" in words_of(page)
    assert links_of(page, r"/orders/\d+/") == ["/orders/7/"]
    assert "/open/" not in source_of(page)
    assert unread_of(firm.member) == [7]
