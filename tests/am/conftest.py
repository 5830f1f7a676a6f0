"""An account manager with two companies, another with one, and a browser for each."""

from dataclasses import dataclass

import pytest
from django.test import Client

from accounts.models import Company, User
from tests.factories.world import a_company, an_account_manager
from tests.worlds import Keep, Kept


@dataclass(frozen=True, slots=True)
class Desk:
    """Who looks after whom."""

    own: Company
    second: Company
    foreign: Company
    account_manager: User
    colleague: User
    browser: Client
    colleagues_browser: Client


def a_desk() -> Desk:
    """Build two portfolios side by side."""
    own, second, foreign = a_company(name="Acme Tools"), a_company(name="Beta Mills"), a_company(name="Foreign Works")
    account_manager, colleague = an_account_manager(own, second, name="Sam"), an_account_manager(foreign, name="Kim")
    browser, other = Client(), Client()
    browser.force_login(account_manager)
    other.force_login(colleague)
    return Desk(own, second, foreign, account_manager, colleague, browser, other)


@pytest.fixture(scope="module")
def kept_desk(keep: Keep) -> Kept[Desk]:
    """Two portfolios side by side."""
    return keep(a_desk)


@pytest.fixture
def desk(db: None, kept_desk: Kept[Desk]) -> Desk:
    """Two portfolios side by side."""
    return kept_desk.put_back()
