"""Today: promises late and soon, news from the own clients and no others, and who has not been heard of."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.actors import actor_of
from accounts.follow_ups import Promise, finish, promise
from accounts.models import Company, FollowUp, ServiceNote, User
from accounts.service_notes import write_note
from loyalty.ledger import Owner
from loyalty.memberships import withdraw_consent
from loyalty.models import Benefit, BenefitUse, ProgramComment, TierAssignment
from rewards.redemption import redeem
from tests.am.conftest import Desk
from tests.client.pages import links_of, words_of
from tests.factories.canaries import as_actor
from tests.factories.surveys import a_survey, a_text, answer
from tests.factories.world import (
    a_member,
    a_program,
    a_purchase,
    a_reward,
    a_rule_set,
    an_admin,
    an_employee,
    consent_to,
    record,
)

pytestmark = pytest.mark.django_db


def owed_to(company: Company, by: User, text: str, *, days: int) -> FollowUp:
    """A follow-up that is due in so many days."""
    now = timezone.now()
    return promise(Promise(text, timezone.localdate() + timedelta(days=days), now), company=company, by_user_id=by.pk)


def long_ago(company: Company, *, days: int = 60) -> None:
    """The company was taken in so many days ago."""
    Company.objects.filter(pk=company.pk).update(created_at=timezone.now() - timedelta(days=days))


def test_promises_stand_late_first_with_how_late_they_are_in_words(desk: Desk) -> None:
    for text, days in (
        ("Soon", 3),
        ("Very late", -12),
        ("This very day", 0),
        ("A day late", -1),
        ("Far off", 8),
        ("Next", 1),
    ):
        owed_to(desk.own, desk.account_manager, text, days=days)
    owed_to(desk.foreign, desk.colleague, "Not mine", days=-1)

    words = words_of(desk.browser.get("/am/"))
    owed = words.split("News from your clients")[0]

    assert "2 are late." in owed
    assert [owed.index(text) for text in ("Very late", "A day late", "This very day", "Next", "Soon")] == sorted(
        owed.index(text) for text in ("Very late", "A day late", "This very day", "Next", "Soon")
    )
    for said in ("12 days late", "1 day late", "Due today", "Due tomorrow", "Due in 3 days"):
        assert said in owed
    assert "Far off" not in owed
    assert "Not mine" not in words


def test_done_is_one_press_and_comes_back_to_today(desk: Desk) -> None:
    row = owed_to(desk.own, desk.account_manager, "Send the list", days=0)

    done = desk.browser.post(f"/am/follow-ups/{row.pk}/", {"step": "finish", "next": "/am/"}, follow=True)

    row.refresh_from_db()
    assert done.redirect_chain == [("/am/", 302)]
    assert (row.state, row.closed_by, row.outcome) == ("DONE", desk.account_manager, "")
    assert "Done. It stands in the timeline." in words_of(done)
    assert "Nothing is owed" in words_of(done)


def test_more_than_a_page_of_promises_leads_to_all_of_them(desk: Desk) -> None:
    for number in range(21):
        owed_to(desk.own, desk.account_manager, f"Promise {number}", days=-number)

    words = words_of(desk.browser.get("/am/"))

    assert words.count("Promise ") == 20
    assert "There is more: see all follow-ups" in words


def test_news_of_every_kind_latest_first_with_its_place_on_the_company_s_page(desk: Desk) -> None:
    now = timezone.now()
    program = a_program(name="Workshop", tiers={"basic": 0, "gold": 1_000})
    a_rule_set(program)
    membership = a_member(program, desk.own)
    admin = an_admin(desk.own, name="Ada")
    assert admin.user is not None
    consent_to(membership, by=admin.user, starts_at=now - timedelta(days=3))
    record(a_purchase(desk.own, 1_200, occurred_at=now - timedelta(days=2)), now=now - timedelta(days=2))
    reward = a_reward(program, name="Coffee")
    redeem(
        actor=actor_of(admin.user, now=now), reward_id=reward.pk, payer=Owner(program.pk, desk.own.pk),
        shown_price=100, key="k", now=now - timedelta(days=1),
    )  # fmt: skip
    ProgramComment.objects.create(
        membership=membership, author=admin, text="More tools, please", created_at=now - timedelta(hours=5)
    )
    benefit = Benefit.objects.create(
        program=program, code="line", name="Direct line", kind="CONTACT", contact="+44 1234"
    )
    BenefitUse.objects.create(membership=membership, employee=admin, benefit=benefit, used_at=now - timedelta(hours=2))
    withdraw_consent(membership=membership, by=admin.user, now=now - timedelta(minutes=5))

    response = desk.browser.get("/am/")
    news = words_of(response).split("News from your clients")[1].split("Quiet companies")[0]

    told = [
        "Consent withdrawn Workshop", "Benefit used Direct line · Ada",
        "Comment on the program More tools, please · Ada",
        "Reward ordered Coffee · Ada", "Rose to a higher tier Gold", "Consent given Workshop",
    ]  # fmt: skip
    assert [each for each in told if each not in news] == []
    assert sorted(told, key=news.index) == told
    page = f"/am/companies/{desk.own.pk}/"
    places = [link.split("#")[1] for link in links_of(response, page + "#.*")]
    assert places == ["plan", "plan", "timeline", "points", "plan", "plan"]


def test_that_somebody_answered_a_survey_is_news_and_what_they_said_is_not(desk: Desk) -> None:
    now = timezone.now()
    program = a_program()
    a_rule_set(program)
    survey = a_survey(program, [a_text("wish")], name="How is it to work with us?", opens_at=now - timedelta(days=9))
    for company, name in ((desk.own, "Petra"), (desk.foreign, "Somebody else")):
        a_member(program, company)
        answer(an_employee(company, name=name), survey, at=now - timedelta(days=1), wish="Frank words")

    words = words_of(desk.browser.get("/am/"))

    assert "Acme Tools · Survey answered How is it to work with us? · Petra" in words
    assert "Frank words" not in words
    assert "Somebody else" not in words


def test_old_news_foreign_news_and_the_first_tier_are_no_news(desk: Desk) -> None:
    now = timezone.now()
    program = a_program(tiers={"basic": 0})
    own, foreign = a_member(program, desk.own, starts_at=now - timedelta(days=1)), a_member(program, desk.foreign)
    for membership, days in ((own, 15), (foreign, 1)):
        ProgramComment.objects.create(
            membership=membership, author=an_employee(membership.company), text="A word",
            created_at=now - timedelta(days=days),
        )  # fmt: skip

    words = words_of(desk.browser.get("/am/"))

    assert TierAssignment.objects.filter(membership=own).exists()
    assert "No news" in words
    assert "A word" not in words


def test_a_consent_that_another_replaces_was_not_withdrawn(desk: Desk) -> None:
    now = timezone.now()
    membership = a_member(a_program(), desk.own)
    consent_to(membership, starts_at=now - timedelta(days=30))
    consent_to(membership, starts_at=now - timedelta(days=1), roles=["buyer"])

    words = words_of(desk.browser.get("/am/"))

    assert words.count("Consent given") == 1
    assert "Consent withdrawn" not in words


def test_quiet_companies_stand_longest_first_with_the_last_contact(desk: Desk) -> None:
    now = timezone.now()
    for company in (desk.own, desk.second, desk.foreign):
        long_ago(company, days=400)
    write_note(
        company=desk.second, author_id=desk.account_manager.pk, kind="CALL", text="x",
        happened_at=now - timedelta(days=50),
    )  # fmt: skip

    quiet = words_of(desk.browser.get("/am/")).split("Quiet companies")[1]

    assert quiet.index("Acme Tools No note yet 400 days") < quiet.index("Beta Mills Last note")
    assert "50 days" in quiet
    assert "Foreign Works" not in quiet


@pytest.mark.parametrize("heard", ["note", "points", "order", "nothing"])
def test_a_company_that_was_heard_of_is_not_quiet(desk: Desk, heard: str) -> None:
    now = timezone.now()
    recent, older = now - timedelta(days=44), now - timedelta(days=100)
    long_ago(desk.own, days=400)
    program = a_program()
    a_rule_set(program)
    a_member(program, desk.own)
    record(a_purchase(desk.own, 500, occurred_at=older), now=older)
    if heard == "note":
        ServiceNote.objects.create(company=desk.own, author=desk.account_manager, text="x", happened_at=recent)
    if heard == "points":
        record(a_purchase(desk.own, 5, occurred_at=recent), now=recent)
    if heard == "order":
        admin = an_admin(desk.own)
        assert admin.user is not None
        redeem(
            actor=as_actor(admin.user), reward_id=a_reward(program).pk, payer=Owner(program.pk, desk.own.pk),
            shown_price=100, key="k", now=recent,
        )  # fmt: skip

    quiet = words_of(desk.browser.get("/am/")).split("Quiet companies")[1]

    assert ("Acme Tools" in quiet) == (heard == "nothing")
    assert "Beta Mills" not in quiet  # taken in just now


def test_search_from_today_goes_straight_to_the_one_company_it_finds(desk: Desk) -> None:
    straight = desk.browser.get("/am/companies/", {"q": "acme", "go": "1"})
    list_ = desk.browser.get("/am/companies/", {"q": "m", "go": "1"})
    none = desk.browser.get("/am/companies/", {"q": "foreign", "go": "1"})

    assert (straight.status_code, straight["Location"]) == (302, f"/am/companies/{desk.own.pk}/")
    assert "Acme Tools" in words_of(list_)
    assert "Beta Mills" in words_of(list_)
    assert "No company matches" in words_of(none)


def test_list_shows_open_and_late_promises_and_narrows_down_to_the_late_ones(desk: Desk) -> None:
    for days in (-2, 5, 9):
        owed_to(desk.own, desk.account_manager, "x", days=days)
    owed_to(desk.second, desk.account_manager, "y", days=4)
    closed = owed_to(desk.second, desk.account_manager, "z", days=-4)
    finish(follow_up_id=closed.pk, by_user_id=desk.account_manager.pk, now=timezone.now())

    every, late = (words_of(desk.browser.get("/am/companies/" + query)) for query in ("", "?late=1"))

    assert "Acme Tools Client none 3 1 late none" in every
    assert "Beta Mills Client none 1 none" in every
    assert "Acme Tools" in late
    assert "Beta Mills" not in late


def test_home_leads_an_account_manager_to_today(desk: Desk) -> None:
    assert desk.browser.get("/")["Location"] == "/am/"


def test_the_open_door_is_marked_and_only_that_one(desk: Desk) -> None:
    for path, label in (("/am/", "Today"), ("/am/companies/", "Companies"), ("/am/follow-ups/", "Follow-ups")):
        tabs = desk.browser.get(path).content.decode().split('class="tabs-list"')[1].split("</ul>")[0]
        [current] = [tab for tab in tabs.split("<li>") if 'aria-current="page"' in tab]

        assert f"<span>{label}</span>" in current
