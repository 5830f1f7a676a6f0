"""See as a client: who may, what it shows, that nothing changes meanwhile, how it ends, what is on record (A1)."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.http import HttpResponseBase
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import impersonation
from accounts.actors import Actor, actor_of, actor_of_employee
from accounts.groups import ensure_groups
from accounts.impersonation import NothingToSeeError
from accounts.middleware import LOOK_KEY
from accounts.models import AccountManagerAssignment, AuditEntry, AuditReason, Employee, Message, User
from tests.client.pages import source_of, words_of
from tests.factories.canaries import CanaryWorld, fingerprint, user_of
from tests.factories.world import (
    NOW,
    a_company,
    a_manager,
    a_member,
    a_program,
    a_user,
    an_account_manager,
    an_admin,
    an_employee,
)
from tests.site.test_walk import EVERYTHING, MISSING, a_browser, paths_of, routes, routes_of_this_run, without_token

pytestmark = pytest.mark.django_db

WHY = {"reason": "The client asked why points are missing."}
STAYS_OPEN = {"see-as/stop/", "language/", "accounts/logout/", "admin/logout/"}
BANNER = 'class="looking"'


@pytest.fixture
def world(canary_world: CanaryWorld) -> CanaryWorld:
    """Two companies with rows in every table."""
    return canary_world


@pytest.fixture
def mia(db: None) -> Employee:
    """A client's employee with a login of her own settings, in a company with a program."""
    company = a_company(name="Acme Tools")
    a_member(a_program(), company)
    user = a_user(name="Mia's login", email="mia@example.com", language="ja", time_zone="Asia/Tokyo")
    return an_employee(company, name="Mia Member", user=user)


@pytest.fixture
def manager(db: None) -> User:
    """A program manager."""
    return a_manager(name="Maxine Manager", email="maxine@example.com", time_zone="Europe/Berlin")


@pytest.fixture
def sam(mia: Employee) -> User:
    """Who looks after Mia's company."""
    return an_account_manager(mia.company, name="Sam Adeyemi")


def door(employee: Employee) -> str:
    return f"/see-as/{employee.pk}/"


def looking(user: User, employee: Employee, **fields: str) -> Client:
    """A browser in which `user` sees as `employee`."""
    browser = a_browser(user)
    begun = browser.post(door(employee), {**WHY, **fields})
    assert (begun.status_code, begun.headers["Location"]) == (302, "/")
    return browser


def pass_time(browser: Client, **span: float) -> None:
    """Let a look have begun that much earlier."""
    session = browser.session
    started_at = timezone.now() - timedelta(**span)
    session[LOOK_KEY] = {**session[LOOK_KEY], "started_at": started_at.isoformat()}
    session.save()


def company_shown(response: HttpResponseBase) -> list[str]:
    """Whose pages the frame says these are."""
    return re.findall(r'masthead-company"><bdi>(.*?)</bdi>', source_of(response))


def test_manager_and_account_manager_see_as_the_person(mia: Employee, manager: User, sam: User) -> None:
    for user in (manager, sam):
        browser = looking(user, mia)

        page = browser.get("/")

        assert page.status_code == 200
        assert company_shown(page) == ["Acme Tools"]
        assert page.wsgi_request.actor.seen_by_user_id == user.pk  # type: ignore[attr-defined]


def strangers(employee: Employee) -> list[User]:
    """Everybody who has signed in and may not see as the employee."""
    return [
        an_account_manager(a_company()),
        a_user(),
        a_user(is_staff=True),
        user_of(employee),
        user_of(an_admin(employee.company)),
        user_of(an_employee(employee.company, buying_role=Employee.BuyingRole.DECIDES)),
        user_of(an_admin(a_company())),
        user_of(an_employee(a_company(), user=a_user(is_staff=True, is_superuser=True))),
    ]


def test_nobody_else_may_and_a_person_answers_like_a_missing_one(mia: Employee) -> None:
    missing = f"/see-as/{MISSING}/"
    browsers = [a_browser(user) for user in strangers(mia)]
    before = fingerprint()

    for browser in browsers:
        for method in ("get", "head", "post"):
            answers = [
                without_token(getattr(browser, method)(path, WHY if method == "post" else None), path)
                for path in (door(mia), missing)
            ]
            assert answers[0] == answers[1]
            assert answers[0][0] == 404
        assert LOOK_KEY not in browser.session

    assert fingerprint() == before


def test_manager_finds_no_missing_person(manager: User) -> None:
    assert a_browser(manager).post(f"/see-as/{MISSING}/", WHY).status_code == 404


@pytest.mark.parametrize("method", ["get", "post"])
def test_somebody_unknown_is_shown_the_door(mia: Employee, method: str) -> None:
    before = fingerprint()

    answer = getattr(Client(), method)(door(mia))

    assert (answer.status_code, answer.headers["Location"]) == (302, f"/accounts/login/?next={door(mia)}")
    assert fingerprint() == before


def test_staff_see_as_clients_only_where_they_may_see_employees(mia: Employee) -> None:
    ensure_groups()
    viewer, editor = a_user(is_staff=True), a_user(is_staff=True)
    viewer.groups.add(Group.objects.get(name="viewer"))
    editor.user_permissions.add(Permission.objects.get(codename="view_reward"))

    assert [a_browser(user).get(door(mia)).status_code for user in (viewer, editor)] == [200, 404]


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501, "a\0b", "a\u202eb"])
def test_reason_is_required_and_plain_and_stays_typed(mia: Employee, manager: User, reason: str) -> None:
    browser = a_browser(manager)
    before = fingerprint()

    refused = browser.post(door(mia), {"reason": reason, "next": "/admin/"})

    assert refused.status_code == 422
    assert "Please correct this first" in words_of(refused)
    assert reason.strip() in source_of(refused)
    assert 'name="next" value="/admin/"' in source_of(refused)
    assert LOOK_KEY not in browser.session
    assert fingerprint() == before


def test_start_and_stop_are_on_record_in_ids_and_numbers_with_the_reason_beside(mia: Employee, manager: User) -> None:
    browser = looking(manager, mia)
    browser.post("/see-as/stop/")

    started, stopped = AuditEntry.objects.order_by("pk")
    assert (started.action, stopped.action) == ("seen-as-started", "seen-as-stopped")
    for entry in (started, stopped):
        assert (entry.actor_id, entry.subject_type, entry.subject_id, entry.company_id) == (
            manager.pk,
            "accounts.employee",
            mia.pk,
            mia.company_id,
        )
    assert (started.numbers, stopped.numbers) == ({"minutes": 30}, {"started": started.pk})
    assert list(AuditReason.objects.values_list("entry", "text")) == [(started.pk, WHY["reason"])]


@pytest.mark.parametrize(
    "method", ["GET", *(pytest.param(name, marks=pytest.mark.long) for name in ("HEAD", "OPTIONS"))]
)
def test_looking_at_every_page_changes_nothing(world: CanaryWorld, method: str, request: pytest.FixtureRequest) -> None:
    browser = looking(world.a.account_manager, world.a.admin)
    before = fingerprint()

    broken = [
        (path, status)
        for route in routes_of_this_run(request.config)
        for path in paths_of(route, world.a)
        if (status := browser.generic(method, path).status_code) >= 500
    ]

    assert broken == []
    assert fingerprint() == before
    assert LOOK_KEY in browser.session


@pytest.mark.parametrize(
    ("who", "methods"),
    [
        ("account manager", ["POST"]),
        pytest.param("manager", ["POST", "PUT", "PATCH", "DELETE", "PROPFIND"], marks=pytest.mark.long),
    ],
)
def test_everything_but_reading_is_refused_on_every_address(
    world: CanaryWorld, who: str, methods: list[str], request: pytest.FixtureRequest
) -> None:
    visited = set(routes_of_this_run(request.config)) - STAYS_OPEN
    user = world.manager if who == "manager" else world.a.account_manager
    browser = looking(user, world.a.admin)
    before = fingerprint()

    answers = {
        (route, answer.status_code, "Nothing can be changed" in source_of(answer))
        for route in visited
        for path in paths_of(route, world.a)
        for method in methods
        for answer in [browser.post(path, {**EVERYTHING, **WHY}) if method == "POST" else browser.generic(method, path)]
    }

    other_systems = {answer for answer in answers if answer[0].startswith(("api/v1/", "api/^v1/"))}
    assert {answer for answer in answers - other_systems if answer[1:] != (403, True)} == set()
    assert {answer[1:] for answer in other_systems} == {(401, False)}  # there no session is anybody
    assert len(answers) == len(visited)
    assert fingerprint() == before


def test_refusal_says_who_one_is_and_what_to_do(mia: Employee, manager: User) -> None:
    refused = looking(manager, mia).post("/orders/")

    assert refused.status_code == 403
    assert (
        "You are looking as Mia Member , Acme Tools . Nothing can be changed. Stop looking to act yourself."
        in words_of(refused)
    )


def test_refusal_spares_whoever_does_not_look(mia: Employee, manager: User) -> None:
    looking(manager, mia)

    saved = a_browser(user_of(mia)).post("/me/", {"language": "ko", "time_zone": "UTC"})

    assert saved.status_code == 302
    assert User.objects.get(pk=mia.user_id).language == "ko"


def test_pages_of_the_login_are_closed_meanwhile(world: CanaryWorld, mia: Employee, manager: User) -> None:
    browser = looking(manager, mia)
    statuses = {
        route: browser.get(path).status_code
        for route in routes()
        if route.startswith("accounts/") and route not in STAYS_OPEN
        for path in paths_of(route, world.a)
    }

    assert set(statuses.values()) == {403}
    assert {"accounts/password/change/", "accounts/2fa/", "accounts/login/", "accounts/email/"} <= set(statuses)


def test_same_rows_same_doors_as_the_person(world: CanaryWorld) -> None:
    for person, user in ((world.a.member, world.a.account_manager), (world.a.admin, world.manager)):
        browser, own = looking(user, person), a_browser(user_of(person))

        for path in ("/", "/points/", "/rules/", "/rewards/", "/orders/", f"/orders/{world.a.company_order.pk}/"):
            seen, real = browser.get(path), own.get(path)
            assert (path, seen.status_code) == (path, real.status_code)
            assert _without_times(words_of(seen)) == _without_times(words_of(real))
            assert _doors(seen) == _doors(real)


def _without_times(words: str) -> str:
    return re.sub(r"\d+:\d\d\s[ap]\.m\.", "", words)


def _doors(response: HttpResponseBase) -> list[str]:
    return re.findall(r'class="tab" href="([^"]*)"', source_of(response))


def test_nothing_is_seen_that_the_person_could_not_see(world: CanaryWorld) -> None:
    browser = looking(world.manager, world.a.member)

    leaks = [
        path
        for route in routes()
        if not route.startswith(("admin/", "see-as/"))
        for side in (world.a, world.b)
        for path in paths_of(route, side)
        for shown in [source_of(browser.get(path)).replace(path, "")]
        if "canary-internal" in shown or "canary-bbb" in shown
    ]

    assert leaks == []


def test_somebody_without_a_login_can_be_looked_as(mia: Employee, manager: User) -> None:
    person = an_employee(mia.company, login=False, name="Noah Nologin")
    browser = looking(manager, person)

    answers = {path: browser.get(path) for path in ("/", "/points/", "/rules/", "/rewards/", "/orders/", "/me/")}

    assert {path: answer.status_code for path, answer in answers.items()} == dict.fromkeys(answers, 200)
    assert _doors(answers["/"]) == _doors(a_browser(user_of(mia)).get("/"))
    assert "Noah Nologin" in words_of(answers["/me/"])
    assert "has no login" in words_of(answers["/me/"])


def test_actor_of_an_employee_is_the_one_that_the_login_becomes(mia: Employee) -> None:
    for person in (mia, an_admin(mia.company), an_employee(mia.company, buying_role="DECIDES")):
        assert actor_of_employee(person, now=NOW) == actor_of(user_of(person), now=NOW)

    nobody = an_employee(mia.company, login=False)
    assert actor_of_employee(nobody, now=NOW, seen_by_user_id=5) == Actor(
        at=NOW, employee_id=nobody.pk, company_id=mia.company_id, company_name="Acme Tools", seen_by_user_id=5
    )


def test_messages_that_the_person_has_not_read_are_counted(mia: Employee, manager: User) -> None:
    for number in range(3):
        Message.objects.create(employee=mia, kind="told", subject_id=number)

    page = looking(manager, mia).get("/")

    assert page.wsgi_request.actor.unread_messages == 3  # type: ignore[attr-defined]


def test_own_page_shows_the_person_and_nothing_of_who_looks(mia: Employee, manager: User) -> None:
    page = looking(manager, mia).get("/me/")

    words = words_of(page)
    assert "Mia Member" in words
    assert "mia@example.com" in words
    assert "Japanese" in words
    assert "Asia/Tokyo" in words
    assert "Maxine" not in words
    assert "maxine@example.com" not in source_of(page)
    assert "<form" not in source_of(page).split("<main")[1]


def test_language_and_time_zone_are_those_of_who_looks(mia: Employee, manager: User) -> None:
    page = source_of(looking(manager, mia).get("/"))

    assert '<html lang="en" dir="ltr">' in page
    assert "Europe/Berlin" in page
    assert "Asia/Tokyo" not in page


def test_language_switch_changes_the_language_of_who_looks(mia: Employee, manager: User) -> None:
    browser = looking(manager, mia)

    switched = browser.post("/language/", {"language": "ar", "next": "/points/"})

    assert switched.headers["Location"] == "/points/"
    assert User.objects.get(pk=manager.pk).language == "ar"
    assert User.objects.get(pk=mia.user_id).language == "ja"
    assert '<html lang="ar" dir="rtl">' in source_of(browser.get("/points/"))


def test_banner_stands_on_every_page_first_after_the_skip_link(mia: Employee, manager: User) -> None:
    browser = looking(manager, mia)
    paths = ("/", "/me/", "/see-as/stop/", "/accounts/logout/", door(mia), "/admin/", "/admin/accounts/company/")
    errors = ("/am/", "/points/987654321/", "/no/such/page/", "/accounts/2fa/")

    for path in (*paths, *errors):
        page = source_of(browser.get(path))
        top, banner, rest = (*page.partition(BANNER),)
        assert (path, banner) == (path, BANNER)
        assert "Mia Member" in rest
        assert "Acme Tools" in rest
        assert re.search(r"Until .*, (30|29) minutes left", rest)
        assert "/see-as/stop/" in rest.split("</section>")[0]
        before_it = re.findall(r"<(?:a|button|input|summary) [^>]*", top.split("<body")[1])
        assert ["skip" in control for control in before_it] == ([] if path in errors[:3] else [True])


def test_nobody_else_has_a_banner(mia: Employee, manager: User) -> None:
    looking(manager, mia)

    assert BANNER not in source_of(a_browser(manager).get("/admin/"))
    assert BANNER not in source_of(a_browser(user_of(mia)).get("/"))


def test_in_the_admin_and_at_the_stop_one_is_oneself(mia: Employee, manager: User) -> None:
    browser = looking(manager, mia)

    pages = [browser.get(path) for path in ("/admin/", "/admin/accounts/employee/", "/see-as/stop/")]

    assert [page.status_code for page in pages] == [200, 200, 200]
    assert [page.wsgi_request.actor.user_id for page in pages] == [manager.pk] * 3  # type: ignore[attr-defined]


def test_admin_stays_closed_to_an_account_manager_who_looks(mia: Employee, sam: User) -> None:
    assert looking(sam, mia).get("/admin/", follow=True).status_code == 403


@pytest.mark.parametrize("who", ["manager", "sam"])
def test_stopping_leads_back_and_gives_oneself_back(mia: Employee, who: str, request: pytest.FixtureRequest) -> None:
    user: User = request.getfixturevalue(who)
    home = {"manager": f"/admin/accounts/employee/{mia.pk}/change/", "sam": f"/am/companies/{mia.company_id}/"}[who]
    way = re.findall(rf'href="({door(mia)}\?next=[^"]*)"', source_of(a_browser(user).get(home)))
    form = source_of(a_browser(user).get(way[0]))
    [came_from] = re.findall(r'name="next" value="([^"]*)">\s*<div', form)
    browser = looking(user, mia, next=came_from)

    stopped = browser.post("/see-as/stop/")

    assert stopped.headers["Location"] == home
    back = browser.get(home)
    assert back.status_code == 200
    assert "You act as yourself again." in source_of(back)
    assert BANNER not in source_of(back)


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:0", ""])
def test_stopping_never_leads_off_the_site(mia: Employee, manager: User, target: str) -> None:
    assert looking(manager, mia, next=target).post("/see-as/stop/").headers["Location"] == "/"


def test_stopping_without_looking_leads_home(mia: Employee, manager: User) -> None:
    before = fingerprint()

    answers = [a_browser(user).post("/see-as/stop/").headers["Location"] for user in (manager, user_of(mia))]

    assert answers == ["/", "/"]
    assert fingerprint() == before


def test_one_person_at_a_time(mia: Employee, manager: User) -> None:
    other = an_employee(mia.company, name="Otto Other")
    browser = looking(manager, mia)
    before = fingerprint()

    shown, refused = browser.get(door(other)), browser.post(door(other), WHY)

    assert "You see as Mia Member already." in words_of(shown)
    assert refused.status_code == 403
    assert fingerprint() == before


def test_half_an_hour_ends_it(mia: Employee, manager: User) -> None:
    browser = looking(manager, mia, next="/admin/accounts/employee/")
    pass_time(browser, minutes=29, seconds=50)
    assert "1 minute left" in source_of(browser.get("/"))
    before = fingerprint()

    pass_time(browser, minutes=30)
    fallen_back = browser.get("/points/")

    assert (fallen_back.status_code, fallen_back.headers["Location"]) == (302, "/admin/accounts/employee/")
    page = source_of(browser.get("/admin/accounts/employee/"))
    assert "The time for seeing as somebody else is over." in page
    assert BANNER not in page
    assert LOOK_KEY not in browser.session
    assert fingerprint() == before


def test_what_was_sent_as_the_client_is_not_done_as_oneself_when_time_is_up(mia: Employee, sam: User) -> None:
    browser = looking(sam, mia)
    pass_time(browser, minutes=31)
    before = fingerprint()

    sent = browser.post("/me/", {"language": "ko", "time_zone": "Asia/Seoul"})

    assert sent.status_code == 302
    assert fingerprint() == before


def test_admin_goes_on_when_time_is_up(mia: Employee, manager: User) -> None:
    browser = looking(manager, mia)
    pass_time(browser, minutes=31)

    page = browser.get("/admin/accounts/employee/")

    assert page.status_code == 200
    assert "The time for seeing as somebody else is over." in source_of(page)


def leaves(mia: Employee) -> None:
    Employee.objects.filter(pk=mia.pk).update(is_active=False)


def loses_the_login(mia: Employee) -> None:
    User.objects.filter(pk=mia.user_id).update(is_active=False)


def changes_hands(mia: Employee) -> None:
    AccountManagerAssignment.objects.filter(company=mia.company).update(ends_at=timezone.now())


@pytest.mark.parametrize("event", [leaves, loses_the_login, changes_hands])
def test_look_falls_back_when_what_allowed_it_is_gone(
    mia: Employee, sam: User, event: Callable[[Employee], None]
) -> None:
    browser = looking(sam, mia, next=f"/am/companies/{mia.company_id}/")
    event(mia)
    before = fingerprint()

    fallen_back = browser.get("/points/", follow=True)

    assert fallen_back.redirect_chain[0] == ("/", 302)
    assert "You act as yourself again: the person you saw as has been switched off" in words_of(fallen_back)
    assert "Mia Member" not in source_of(fallen_back)
    assert LOOK_KEY not in browser.session
    assert fingerprint() == before


def test_manager_who_is_one_no_longer_falls_back(mia: Employee, manager: User) -> None:
    browser = looking(manager, mia)
    User.objects.filter(pk=manager.pk).update(is_staff=False, is_superuser=False)

    answer = browser.get("/points/", follow=True)

    assert answer.redirect_chain == [("/", 302), ("/me/", 302)]
    assert "Acme Tools" not in source_of(answer)


def test_session_of_another_user_is_void(mia: Employee, manager: User, sam: User) -> None:
    session = looking(manager, mia).session
    browser = a_browser(sam)
    mine = browser.session
    mine[LOOK_KEY] = session[LOOK_KEY]
    mine.save()

    assert browser.get("/points/").headers["Location"] == "/"
    assert LOOK_KEY not in browser.session


@pytest.mark.parametrize("way_out", ["/accounts/logout/", "/admin/logout/"])
def test_signing_out_ends_it_and_says_so_on_record(mia: Employee, manager: User, way_out: str) -> None:
    browser = looking(manager, mia)

    browser.post(way_out)

    assert "_auth_user_id" not in browser.session
    assert list(AuditEntry.objects.order_by("pk").values_list("action", flat=True)) == [
        "seen-as-started",
        "seen-as-stopped",
    ]
    browser.force_login(manager)
    assert BANNER not in source_of(browser.get("/admin/"))


@pytest.mark.parametrize("switched_off", [leaves, loses_the_login])
def test_somebody_switched_off_is_refused_with_a_sentence(
    mia: Employee, manager: User, switched_off: Callable[[Employee], None]
) -> None:
    switched_off(mia)
    browser = a_browser(manager)
    before = fingerprint()

    shown, refused = browser.get(door(mia)), browser.post(door(mia), WHY)

    assert (shown.status_code, refused.status_code) == (200, 409)
    for page in (shown, refused):
        assert "Mia Member has been switched off and sees nothing here" in words_of(page)
        assert 'name="reason"' not in source_of(page)
    assert LOOK_KEY not in browser.session
    assert fingerprint() == before


def test_use_case_refuses_somebody_switched_off_and_writes_nothing(mia: Employee, manager: User) -> None:
    leaves(mia)
    mia.refresh_from_db()
    before = fingerprint()

    with pytest.raises(NothingToSeeError):
        impersonation.start(employee=mia, by_user_id=manager.pk, reason="Why", came_from="/", now=NOW)

    assert fingerprint() == before


def test_looking_costs_few_queries_more_than_being_the_person(mia: Employee, manager: User, sam: User) -> None:
    own = _queries(a_browser(user_of(mia)), "/points/")

    extra = [_queries(looking(user, mia), "/points/") - own for user in (manager, sam)]

    assert extra == [2, 3]  # one of them for the second factor of whoever looks


def _queries(browser: Client, path: str) -> int:
    browser.get(path)
    with CaptureQueriesContext(connection) as captured:
        assert browser.get(path).status_code == 200
    return len(captured.captured_queries)
