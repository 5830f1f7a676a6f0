"""Which pages there are, for whom, and how one gets to them."""

from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse
from playwright.sync_api import Page

from accounts.models import User
from tests.browser.scenery import World


@dataclass(frozen=True, slots=True)
class Stop:
    """A page: an address, and for some what is pressed there."""

    address: str
    press: str = ""

    def __str__(self) -> str:
        return f"{self.address}{f' after {self.press}' if self.press else ''}"

    def visit(self, page: Page) -> None:
        """Open it."""
        page.goto(self.address)
        if self.press:
            with page.expect_navigation():
                page.locator(self.press).click()


@dataclass(frozen=True, slots=True)
class Tour:
    """Somebody's pages."""

    user: User | None
    stops: list[Stop]


CLIENT, STRANGER, ACCOUNT_MANAGER, MANAGER = "client", "stranger", "account manager", "program manager"
EVERYBODY = (CLIENT, STRANGER, ACCOUNT_MANAGER, MANAGER)


def tour_of(who: str, world: World) -> Tour:
    """The pages of `who`."""
    if who == CLIENT:
        return Tour(world.client, [*client_pages(world), *_rarer_client_pages(world)])
    if who == STRANGER:
        return Tour(None, _pages_of_strangers())
    if who == ACCOUNT_MANAGER:
        return Tour(world.account_manager, _pages_of_account_managers(world))
    return Tour(world.manager, _pages_of_managers(world))


def client_pages(world: World) -> list[Stop]:
    """The product as a client meets it."""
    return [
        Stop(reverse("home")),
        Stop(reverse("statement")),
        Stop(reverse("why", args=[world.earned.pk])),
        Stop(reverse("rules")),
        Stop(reverse("rewards")),
        Stop(reverse("reward", args=[world.reward.pk])),
        Stop(reverse("orders")),
        Stop(reverse("order", args=[world.order.pk])),
        Stop(reverse("me")),
    ]


def _rarer_client_pages(world: World) -> list[Stop]:
    return [
        Stop(reverse("why", args=[world.order.debit_id])),
        Stop(reverse("reward", args=[world.reward.pk]), press="button[value=review]"),
        Stop(reverse("reward", args=[world.dear_reward.pk])),
        Stop(reverse("reward", args=[world.sold_out_reward.pk])),
        Stop(reverse("account_change_password")),
        Stop(reverse("account_logout")),
        Stop(reverse("mfa_index")),
        Stop("/there-is-no-such-page/"),
        Stop(reverse("am-companies")),  # not theirs: the page that says so
    ]


def _pages_of_strangers() -> list[Stop]:
    login = reverse(settings.LOGIN_URL)
    return [Stop(login), Stop(reverse("account_reset_password")), Stop(reverse("account_reset_password_done"))]


def _pages_of_account_managers(world: World) -> list[Stop]:
    companies = reverse("am-companies")
    return [Stop(companies), Stop(f"{companies}?q=nobody"), Stop(reverse("am-company", args=[world.company.pk]))]


def _pages_of_managers(world: World) -> list[Stop]:
    return [
        Stop(reverse("admin:index")),
        Stop(reverse("admin:accounts_company_changelist")),
        Stop(reverse("admin:accounts_company_change", args=[world.company.pk])),
        Stop(reverse("admin:accounts_employee_change", args=[world.colleague.pk])),
        Stop(reverse("admin:accounts_company_history", args=[world.company.pk])),
        Stop(reverse("admin:loyalty_transaction_changelist")),
        Stop(reverse("admin:loyalty_transaction_change", args=[world.earned.pk])),
        Stop(reverse("admin:loyalty_membership_add")),
        Stop(reverse("admin:loyalty_ruleset_change", args=[world.draft.pk])),
        Stop(reverse("admin:rewards_redemption_changelist")),
    ]
