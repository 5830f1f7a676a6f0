"""Every address of the site, visited by everybody: nobody reads a word of another company (laws T1 and N1)."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

import pytest
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.db.models import Model, QuerySet
from django.http import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, resolve
from django.utils.http import int_to_base36

from accounts.mail.unsubscribing import address_to_unsubscribe
from accounts.models import Attachment, Employee, Job, Message, SingleSignOn, User
from accounts.moving.kinds import known_kinds
from accounts.scope import ScopedQuerySet
from loyalty.models import BadgeHolding, BenefitGrant, Tier, TierInvitation, TierTitle, Transfer
from rewards.models.redemptions import RedemptionQuerySet
from tests.factories.canaries import (
    INTERNAL,
    POINTS,
    CanaryCompany,
    CanaryWorld,
    as_actor,
    fingerprint,
    user_of,
)

pytestmark = pytest.mark.django_db

MISSING = 987_654_321
PLACEHOLDER = re.compile(r"<[^>]+>|\(\?P<\w+>[^)]*\)")
ADMIN_ROW = re.compile(r"admin/(?P<app>\w+)/(?P<model>\w+)/<[^>]*>/")
OF_EACH_ANSWER = ("Content-Length", "Expires", "X-Request-ID")
"""Headers that say nothing of what was asked for: `Expires` is the second in which a page was made."""

TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="[^"]+"')

OPEN_TO_EVERYBODY = {
    "accounts/login/",
    "accounts/signup/",
    "accounts/company/",
    "accounts/inactive/",
    "accounts/password/reset/",
    "accounts/password/reset/done/",
    "accounts/password/reset/key/done/",
    r"accounts/^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
    "accounts/confirm-email/",
    r"accounts/^confirm-email/(?P<key>[-:\w]+)/$",
    "api/",
    "api/schema/",
    "api/schema.yaml",
    "unsubscribe/<str:token>/",
    "demo/mail/",
}
"""Where somebody who has not signed in is shown a page; everywhere else stands the way to the door."""

SIGNS_OUT = "accounts/logout/"

GIVES_UP_SECOND_FACTOR = "accounts/2fa/totp/deactivate/"
"""Whoever must have one would see nothing but the way to another from there on."""

SIGNS_OUT_ROUTES = {SIGNS_OUT, "admin/logout/"}

DOORS = ("/accounts/login/", "/admin/login/")

EVERYTHING = {
    "payer": "company",
    "price": "7",
    "key": "0" * 32,
    "edits_seen": "1",
    "goals": "Slipped in",
    "step": "confirm",
    "text": "Slipped in",
    "kind": "CALL",
    "visibility": "SHARED",
    "happened_at_0": "2026-01-02",
    "happened_at_1": "10:00",
    "_save": "Save",
    "post": "yes",
    "action": "delete_selected",
    "is_staff": "on",
    "is_superuser": "on",
    "access": "ADMIN",
    "reason": "Slipped in",
    "decision": "reject",
    "mode": "ALWAYS",
    "answer": "1",
}
"""What the forms of the site ask for, all at once."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who walks, and whose words must not reach them."""

    name: str
    login: Callable[[CanaryWorld], User | None]
    home: Callable[[CanaryWorld], CanaryCompany]
    other: Callable[[CanaryWorld], CanaryCompany]
    is_client: bool = True
    sees_colleagues: bool = True

    def secrets(self, world: CanaryWorld) -> list[str]:
        """Return the words that no answer to this visitor may hold."""
        home, other = self.home(world), self.other(world)
        number = POINTS["b" if other is world.b else "a"]
        words = [other.canary, str(number), f"{number:,}"]
        if self.is_client:
            words.append(INTERNAL)
        if not self.sees_colleagues:
            words += [f"{home.canary} colleague", f"{home.canary}-colleague"]
        if self.login(world) is None:
            words.append(home.canary)
        return words


def a(world: CanaryWorld) -> CanaryCompany:
    """The one company."""
    return world.a


def b(world: CanaryWorld) -> CanaryCompany:
    """The other one."""
    return world.b


ANONYMOUS = Visitor("anonymous", lambda world: None, a, b)
SIGNED_IN = [
    Visitor("member of A", lambda world: user_of(world.a.member), a, b, sees_colleagues=False),
    Visitor("decider of A", lambda world: user_of(world.a.decider), a, b),
    Visitor("admin of A", lambda world: user_of(world.a.admin), a, b),
    Visitor("employee of B", lambda world: user_of(world.b.member), b, a, sees_colleagues=False),
    Visitor("account manager of A", lambda world: world.a.account_manager, a, b, is_client=False),
    Visitor("account manager of B", lambda world: world.b.account_manager, b, a, is_client=False),
]
everybody = pytest.mark.parametrize("visitor", [ANONYMOUS, *SIGNED_IN], ids=lambda visitor: visitor.name)

OF_EVERY_TABLE = ("/add/", "/change/", "/history/", "/delete/")
"""How addresses end that the administration has for each table."""


@pytest.fixture
def world(canary_world: CanaryWorld) -> CanaryWorld:
    """Two companies with rows in every table."""
    return canary_world


@pytest.fixture(autouse=True)
def _forget_attempts() -> None:
    cache.clear()


def routes() -> list[str]:
    """Return every address pattern of the site, as `resolve(path).route` names it."""

    def under(resolver: URLResolver, prefix: str) -> Iterator[str]:
        for pattern in resolver.url_patterns:
            if isinstance(pattern, URLResolver):
                yield from under(pattern, prefix + str(pattern.pattern))
            else:
                assert isinstance(pattern, URLPattern)
                yield prefix + str(pattern.pattern)

    return list(dict.fromkeys(under(get_resolver(), "")))


def routes_of_this_run(config: pytest.Config) -> list[str]:
    """Return every address pattern; of the administration's one in seven where the run is not a long one."""
    found = routes()
    if config.getoption("--long"):
        return found
    of_the_administration = [route for route in found if is_admin(route)]
    left_out = set(of_the_administration) - set(of_the_administration[::7])
    return [route for route in found if route not in left_out]


def _passkey_of(side: CanaryCompany) -> object:
    return Authenticator.objects.get(user=user_of(side.colleague)).pk


def _sign_on_of(side: CanaryCompany) -> object:
    return SingleSignOn.objects.get(company=side.company).provider_id


NAMED_ROWS: dict[str, Callable[[CanaryCompany], list[list[object]]]] = {
    "points/<int:pk>/": lambda side: [[side.earned.pk]],
    "inbox/<int:pk>/open/": lambda side: [[Message.objects.filter(employee=side.member).earliest("pk").pk]],
    "company/people/<int:pk>/": lambda side: [[side.colleague.pk], [side.admin.pk]],
    "company/people/<int:pk>/switch/": lambda side: [[side.colleague.pk], [side.admin.pk]],
    "benefits/<int:pk>/": lambda side: [[side.benefit.pk]],
    "tier/<slug:name>/<int:pk>/": lambda side: [
        ["accept", TierInvitation.objects.filter(membership__company=side.company).earliest("pk").pk],
        ["cancel", TierTitle.objects.filter(membership__company=side.company, source="PAID").earliest("pk").pk],
        ["take", Tier.objects.filter(program__code=f"{side.canary}-program").latest("rank").pk],
    ],
    "rewards/<int:pk>/": lambda side: [[side.reward.pk], [side.draft_reward.pk]],
    "orders/<int:pk>/": lambda side: [[side.order.pk], [side.company_order.pk]],
    "company/approvals/<int:pk>/": lambda side: [[side.approval.pk]],
    "surveys/<int:pk>/": lambda side: [[side.survey.pk], [side.draft_survey.pk]],
    "surveys/<int:pk>/<int:step>/": lambda side: [[side.survey.pk, 1], [side.draft_survey.pk, 1]],
    "surveys/<int:pk>/check/": lambda side: [[side.survey.pk]],
    "am/companies/<int:pk>/": lambda side: [[side.company.pk]],
    "am/companies/<int:pk>/profile/": lambda side: [[side.company.pk]],
    "am/companies/<int:pk>/what-if/": lambda side: [[side.company.pk]],
    "am/companies/<int:pk>/points/": lambda side: [[side.company.pk]],
    "am/companies/<int:pk>/benefits/": lambda side: [[side.company.pk]],
    "am/companies/<int:pk>/promotions/": lambda side: [[side.company.pk]],
    "am/grants/<int:pk>/": lambda side: [
        [BenefitGrant.objects.filter(membership__company=side.company).earliest("pk").pk]
    ],
    "am/notes/<int:pk>/": lambda side: [[side.note.pk]],
    "am/notes/<int:pk>/edit/": lambda side: [[side.note.pk]],
    "am/follow-ups/<int:pk>/": lambda side: [[side.follow_up.pk]],
    "files/<int:pk>/": lambda side: [
        [Attachment.objects.filter(created_by=person.user_id).earliest("pk").pk]
        for person in (side.member, side.colleague)
    ],
    "company/people/<int:pk>/invite/": lambda side: [[side.colleague.pk], [_guest_of(side).pk]],
    "company/people/<int:pk>/invite/revoke/": lambda side: [[_guest_of(side).pk]],
    "join/<str:token>/": lambda side: [["guessed-word"]],
    "demo/mail/<str:name>/": lambda side: [["guessed-name"]],
    "demo/mail/<str:name>/html/": lambda side: [["guessed-name"]],
    "unsubscribe/<str:token>/": lambda side: [[address_to_unsubscribe(side.member.pk, "ORDERS").split("/")[-2]]],
    "jobs/<int:pk>/": lambda side: _jobs_of(side),
    "jobs/<int:pk>/progress/": lambda side: _jobs_of(side),
    "jobs/<int:pk>/cancel/": lambda side: _jobs_of(side),
    "me/sessions/<int:pk>/end/": lambda side: [[UserSession.objects.get(user=user_of(side.colleague)).pk]],
    "accounts/2fa/webauthn/keys/<int:pk>/remove/": lambda side: [[_passkey_of(side)]],
    "accounts/2fa/webauthn/keys/<int:pk>/edit/": lambda side: [[_passkey_of(side)]],
    "accounts/company/<str:provider_id>/": lambda side: [[_sign_on_of(side)]],
    "accounts/company/<str:provider_id>/back/": lambda side: [[_sign_on_of(side)]],
    "see-as/<int:pk>/": lambda side: [[side.member.pk]],
    r"accounts/^confirm-email/(?P<key>[-:\w]+)/$": lambda side: [["nobodys-key"]],
    r"accounts/^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$": lambda side: [
        [int_to_base36(user_of(side.member).pk), "guessed-token"]
    ],
    "admin/r/<path:content_type_id>/<path:object_id>/": lambda side: [
        [ContentType.objects.get_for_model(type(side.company)).pk, side.company.pk]
    ],
    "admin/^(?P<app_label>accounts|auth|surveys|rewards|loyalty)/$": lambda side: [
        [label] for label in ("accounts", "auth", "surveys", "rewards", "loyalty")
    ],
    "api/v1/activities/<int:pk>/": lambda side: [
        [pk] for pk in side.company.activity_set.order_by("pk").values_list("pk", flat=True)[:2]
    ],
    "api/v1/transactions/<int:pk>/": lambda side: [[side.earned.pk]],
    "api/v1/transfers/<int:pk>/": lambda side: [
        [pk] for pk in Transfer.objects.filter(membership__company=side.company).values_list("pk", flat=True)
    ],
    "api/v1/paid-tiers/<int:pk>/": lambda side: _paid_tiers_of(side),
    "api/v1/paid-tiers/<int:pk>/payments/": lambda side: _paid_tiers_of(side),
    "api/v1/paid-tiers/<int:pk>/cancel/": lambda side: _paid_tiers_of(side),
    "badges/<int:pk>/": lambda side: [[pk] for pk in _badges_of(side).values_list("badge", flat=True)],
    "badges/given/<int:pk>/": lambda side: [[pk] for pk in _badges_of(side).values_list("award", flat=True)],
    "api/v1/redemptions/<int:pk>/": lambda side: [[side.order.pk], [side.company_order.pk]],
    "api/v1/redemptions/<int:pk>/cancel/": lambda side: [[side.order.pk]],
    "api/v1/surveys/<slug:code>/results/": lambda side: [[side.survey.code], [side.draft_survey.code]],
    "api/v1/companies/<str:company>/": lambda side: [[side.company.external_id]],
    "api/v1/companies/<str:company>/employees/": lambda side: [[side.company.external_id]],
    "api/v1/companies/<str:company>/employees/<str:employee>/": lambda side: [
        [side.company.external_id, side.member.external_id]
    ],
    "api/v1/companies/<str:company>/memberships/": lambda side: [[side.company.external_id]],
    "api/v1/companies/<str:company>/memberships/<slug:program>/": lambda side: [
        [side.company.external_id, side.program.code]
    ],
    "api/^v1/.*$": lambda side: [[]],
    "admin/accounts/import/move-out/<slug:kind>/": lambda side: [[code] for code in known_kinds()],
    "admin/(?P<url>.*)$": lambda side: [["nowhere/"]],
}
"""For each address that names a row, a company's rows to name. A new address belongs here, or the walk fails."""


NAMES_NO_ROW = {
    r"accounts/^confirm-email/(?P<key>[-:\w]+)/$",
    "unsubscribe/<str:token>/",
    "join/<str:token>/",
    "demo/mail/<str:name>/",
    "demo/mail/<str:name>/html/",
}
"""Addresses of a signed or secret word: whoever has it was given it, and it says nothing of whose it is."""


def _paid_tiers_of(side: CanaryCompany) -> list[list[object]]:
    paid = TierTitle.objects.filter(membership__company=side.company, source="PAID")
    return [[pk] for pk in paid.values_list("pk", flat=True)]


def _badges_of(side: CanaryCompany) -> QuerySet[BadgeHolding]:
    return BadgeHolding.objects.filter(membership__company=side.company)


def _jobs_of(side: CanaryCompany) -> list[list[object]]:
    asked_by = [user_of(side.admin), user_of(side.member), side.account_manager]
    return [[job.pk] for job in Job.objects.filter(asked_by__in=asked_by).order_by("pk")]


OFFERS_ROLES_AND_INTERESTS = {
    "me/",
    "company/people/add/",
    "company/people/<int:pk>/",
    "company/people/<int:pk>/invite/",
    "company/consent/",
}
"""Where one chooses among roles or interests: these words are the installation's, whoever they were made for."""

ROLE_OR_INTEREST = re.compile(r"canary-(?:aaa|bbb)[ -](?:role|interest)\b")


_found_rows: dict[tuple[str, str, int], object] = {}


def _guest_of(side: CanaryCompany) -> Employee:
    """Who was invited and has not answered."""
    return Employee.objects.get(company=side.company, user__isnull=True)


def paths_of(route: str, side: CanaryCompany) -> list[str]:
    """Return where `route` leads for rows of one company; LookupError where nobody has said."""
    if not PLACEHOLDER.search(route):
        return [_filled(route, [])]
    if route in NAMED_ROWS:
        return [_filled(route, values) for values in NAMED_ROWS[route](side)]
    if found := ADMIN_ROW.match(route):
        row = found["app"], found["model"], side.company.pk
        if row not in _found_rows:
            _found_rows[row] = _a_row_of(apps.get_model(found["app"], found["model"]), side)
        return [_filled(route, [_found_rows[row]])]
    raise LookupError(f"Say in NAMED_ROWS which rows {route} is to be visited with.")


def missing_path_of(route: str, path: str) -> str:
    """Return `path` with the id of a row that does not exist."""
    values: list[object] = [MISSING, MISSING]
    if route.startswith("tier/<slug"):
        values = [path.split("/")[2], MISSING]
    if "uidb36" in route:
        values = [int_to_base36(MISSING), "guessed-token"]
    if "app_label" in route or route.endswith("(?P<url>.*)$") or route in NAMES_NO_ROW:
        return path
    return _filled(route, values)


def _filled(route: str, values: Sequence[object]) -> str:
    rest = iter(values)
    filled = PLACEHOLDER.sub(lambda _match: str(next(rest)), route)
    return "/" + filled.replace("^", "").replace("$", "")


def _a_row_of(model: type[Model], side: CanaryCompany) -> object:
    """A row of the company, as far as the table belongs to companies."""
    rows = model._default_manager.all()
    if isinstance(rows, ScopedQuerySet):
        own = rows.visible_to(as_actor(side.account_manager)).order_by("-pk").first()
        if own is not None:
            return own.pk
    row = rows.order_by("-pk").first()
    return MISSING if row is None else row.pk


def a_browser(user: User | None) -> Client:
    """A browser of `user`; an error is an answer like any other here."""
    client = Client(raise_request_exception=False)
    if user is not None:
        client.force_login(user)
    return client


def send(browser: Client, method: str, path: str, everything: Mapping[str, object]) -> HttpResponseBase:
    """Ask for `path`, with everything that a form could hold where something is sent."""
    return browser.post(path, everything) if method == "POST" else browser.generic(method, path)


def is_admin(route: str) -> bool:
    """Whether the address belongs to the administration."""
    return route.startswith("admin/")


def text_of(response: HttpResponseBase) -> str:
    """Everything that an answer carries: body, headers, cookies; but for its own id, which may hold any digits."""
    body = response.getvalue() if hasattr(response, "getvalue") else b""
    headers = {name: value for name, value in response.headers.items() if name != "X-Request-ID"}
    return f"{headers}\n{response.cookies.output()}\n{body.decode()}".lower()


def without_token(response: HttpResponseBase, path: str) -> tuple[object, ...]:
    """What can be told from an answer, but for the form token and the address that was asked for."""
    body = response.getvalue().decode() if hasattr(response, "getvalue") else ""
    headers = {
        name: value.replace(path, "{path}").replace(quote(path, safe=""), "{path}")
        for name, value in response.headers.items()
        if name not in OF_EACH_ANSWER
    }
    return response.status_code, headers, TOKEN.sub("", body).replace(path, "{path}")


def test_every_address_has_rows_to_be_visited_with_and_leads_back_to_itself(world: CanaryWorld) -> None:
    led = {route: {resolve(path).route for path in paths_of(route, world.a)} for route in routes()}

    assert {route: to for route, to in led.items() if to != {route.replace("/^", "/")}} == {}


LOOKING = ("GET", "HEAD", "OPTIONS")

in_all_ways = pytest.mark.parametrize(
    "methods",
    [
        pytest.param(("GET", "POST"), id="read and send"),
        pytest.param(("HEAD", "OPTIONS", "PUT", "DELETE"), id="otherwise", marks=pytest.mark.long),
    ],
)
"""Pages answer to reading and sending; what the framework makes of other methods is looked at in the long run."""


@in_all_ways
@everybody
def test_no_answer_holds_a_foreign_word_and_looking_changes_nothing(
    world: CanaryWorld, visitor: Visitor, methods: Sequence[str], request: pytest.FixtureRequest
) -> None:
    browser, walked = a_browser(visitor.login(world)), routes_of_this_run(request.config)
    before = fingerprint()

    looked = _walk(browser, visitor, world, walked, [method for method in methods if method in LOOKING])
    after = fingerprint()
    sent = _walk(browser, visitor, world, walked, [method for method in methods if method not in LOOKING])
    told = _visit(browser, visitor, world, [("GET", "/")])  # what answers to sending left to be said

    assert [looked, sent, told] == [([], [])] * 3
    assert after == before


def test_walk_notices_a_table_that_forgot_its_scope(world: CanaryWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RedemptionQuerySet, "seen_by_employee", lambda rows, actor: rows.all())
    member = SIGNED_IN[0]
    browser = a_browser(member.login(world))
    leaks, _broken = _walk(browser, member, world, [route for route in routes() if "orders/" in route], ["GET"])

    assert ("GET", f"/orders/{world.b.order.pk}/", "canary-bbb") in leaks
    assert ("GET", "/orders/", "canary-bbb") in leaks


Found = tuple[list[tuple[str, str, str]], list[tuple[str, str]]]
"""The secrets that an answer held, and the answers that were errors of ours."""


def _walk(
    browser: Client, visitor: Visitor, world: CanaryWorld, walked: Sequence[str], methods: Sequence[str]
) -> Found:
    """Visit every address, in every way."""
    return _visit(browser, visitor, world, _all_visits(visitor, world, walked, methods))


def _visit(browser: Client, visitor: Visitor, world: CanaryWorld, visits: Iterable[tuple[str, str]]) -> Found:
    user, secrets = visitor.login(world), visitor.secrets(world)
    leaks, broken = [], []
    for method, path in visits:
        response = browser.generic(method, path)
        text = text_of(response)
        if user is not None and resolve(path).route in OFFERS_ROLES_AND_INTERESTS:
            text = ROLE_OR_INTEREST.sub("", text)
        leaks += [(method, path, secret) for secret in secrets if secret in text]
        if response.status_code >= 500:
            broken.append((method, path))
    return leaks, broken


def _all_visits(
    visitor: Visitor, world: CanaryWorld, walked: Sequence[str], methods: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Each address with rows of both companies; the administration, closed to these visitors, with one of them."""
    for route in walked:
        if is_admin(route):
            if methods and methods[0] in LOOKING:
                for path in paths_of(route, visitor.other(world)):
                    yield methods[0], path
            continue
        for path in dict.fromkeys([*paths_of(route, world.a), *paths_of(route, world.b)]):
            for method in methods:
                if method != "POST" or route not in (SIGNS_OUT, GIVES_UP_SECOND_FACTOR):
                    yield method, path


@in_all_ways
@everybody
def test_foreign_row_answers_exactly_like_a_missing_one_and_cannot_be_changed(
    world: CanaryWorld, visitor: Visitor, methods: Sequence[str]
) -> None:
    browser = a_browser(visitor.login(world))
    everything = {**EVERYTHING, "people": [visitor.other(world).member.pk]}
    before = fingerprint()

    different = []
    for route in routes():
        if is_admin(route) or not PLACEHOLDER.search(route):
            continue
        for path in paths_of(route, visitor.other(world)):
            missing = missing_path_of(route, path)
            for method in methods:
                answers = [without_token(send(browser, method, asked, everything), asked) for asked in (path, missing)]
                if answers[0] != answers[1]:
                    different.append((method, route, answers[0][0], answers[1][0]))

    assert different == []
    assert fingerprint() == before


@pytest.mark.parametrize(
    "visitor",
    [pytest.param(SIGNED_IN[2], marks=pytest.mark.long), SIGNED_IN[4]],
    ids=lambda visitor: visitor.name,
)
def test_the_administration_takes_nothing_from_others(world: CanaryWorld, visitor: Visitor) -> None:
    browser = a_browser(visitor.login(world))
    before = fingerprint()

    statuses = {
        browser.post(path, EVERYTHING).status_code
        for route in routes()
        if is_admin(route)
        for path in paths_of(route, visitor.home(world))
    }

    assert statuses == {302, 403}
    assert fingerprint() == before


@everybody
def test_the_administration_is_closed_to_all_but_program_managers(world: CanaryWorld, visitor: Visitor) -> None:
    user = visitor.login(world)
    browser = a_browser(user)

    answers = {
        browser.get(path, follow=True).status_code
        for path in ("/admin/", "/admin/login/", "/admin/accounts/company/", "/admin/jsi18n/", "/admin/nowhere/")
    }

    assert answers == ({200} if user is None else {403})


def test_whoever_has_not_signed_in_is_shown_the_door_and_nothing_else(world: CanaryWorld) -> None:
    browser = a_browser(None)

    shown, elsewhere = set(), []
    for route in routes():
        for path in paths_of(route, world.a):
            response = browser.get(path)
            if response.status_code == 200:
                shown.add(route)
            elif response.status_code == 302:
                if route not in SIGNS_OUT_ROUTES and not response["Location"].startswith(DOORS):
                    elsewhere.append((path, response["Location"]))
            elif response.status_code not in (401, 403, 404, 405):
                elsewhere.append((path, str(response.status_code)))

    assert elsewhere == []
    assert shown == OPEN_TO_EVERYBODY


@pytest.mark.usefixtures("world")
def test_a_page_that_needs_a_login_leads_to_the_door_and_back() -> None:
    browser = a_browser(None)

    paths = ("/", "/points/", "/points/1/", "/rules/", "/rewards/", "/orders/5/", "/me/", "/am/", "/am/companies/3/")
    led = {path: browser.get(path).headers.get("Location") for path in paths}

    assert led == {path: f"/accounts/login/?next={path}" for path in led}


def test_program_manager_finds_no_broken_page(world: CanaryWorld) -> None:
    browser = a_browser(world.manager)

    # tests/admin opens what each table has
    broken = _broken(browser, world, [route for route in routes() if not route.endswith(OF_EVERY_TABLE)], ("GET",))

    assert broken == []


@pytest.mark.long
def test_program_manager_breaks_no_page_by_looking_or_sending(world: CanaryWorld) -> None:
    assert _broken(a_browser(world.manager), world, routes(), ("GET", "HEAD", "OPTIONS", "POST")) == []


def _broken(
    browser: Client, world: CanaryWorld, visited: list[str], methods: tuple[str, ...]
) -> list[tuple[str, str, int]]:
    return [
        (method, path, status)
        for route in visited
        if route not in SIGNS_OUT_ROUTES
        for path in paths_of(route, world.b)
        for method in methods
        if (status := browser.generic(method, path).status_code) >= 500
    ]
