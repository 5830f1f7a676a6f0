"""Which pages there are, for whom, and how one gets to them."""

from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse
from playwright.sync_api import Page

from accounts.models import FollowUp, ServiceNote, User
from loyalty.models import BenefitGrant
from tests.browser.scenery import World


@dataclass(frozen=True, slots=True)
class Stop:
    """A page: an address, and for some what is written into its text field and what is pressed there."""

    address: str
    press: str = ""
    write: str = ""

    def __str__(self) -> str:
        return f"{self.address}{f' after {self.press}' if self.press else ''}"

    def visit(self, page: Page) -> None:
        """Open it."""
        page.goto(self.address)
        if self.write:
            page.locator("main textarea").fill(self.write)
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
    return Tour(world.manager, [*_pages_of_managers(world), *_pages_seen_as_a_client(world)])


def client_pages(world: World) -> list[Stop]:
    """The product as a client meets it."""
    return [
        Stop(reverse("home")),
        Stop(reverse("statement")),
        Stop(reverse("why", args=[world.earned.pk])),
        Stop(reverse("rules")),
        Stop(reverse("earn")),
        Stop(f"{reverse('what-if')}?type=purchase&ask=1&day=2026-11-01&amount=100"),
        Stop(f"{reverse('why-number')}?number=nothing"),
        Stop(reverse("inbox")),
        Stop(reverse("more")),
        Stop(reverse("company")),
        Stop(reverse("people")),
        Stop(reverse("person", args=[world.colleague.pk])),
        Stop(reverse("consent")),
        Stop(reverse("benefits")),
        Stop(reverse("benefit", args=[world.seminar.pk])),
        Stop(f"{reverse('benefit', args=[world.offer.pk])}?for=company"),
        Stop(reverse("badge", args=[world.badge.pk])),
        Stop(reverse("tier")),
        Stop(reverse("rewards")),
        Stop(reverse("reward", args=[world.reward.pk])),
        Stop(f"{reverse('rewards')}?category=GOODS&stock=on"),
        Stop(reverse("orders")),
        Stop(f"{reverse('orders')}?show=open"),
        Stop(reverse("order", args=[world.order.pk])),
        Stop(reverse("company-approvals")),
        Stop(reverse("company-approval", args=[world.approval.pk])),
        Stop(reverse("spending-policy")),
        Stop(reverse("stand-in")),
        Stop(reverse("me")),
        Stop(reverse("privacy")),
        Stop(reverse("privacy-erase")),
        Stop(reverse("surveys")),
        Stop(reverse("survey", args=[world.survey.pk])),
        Stop(reverse("survey-step", args=[world.begun_survey.pk, 1])),
        Stop(reverse("survey-step", args=[world.begun_survey.pk, 2])),
        Stop(reverse("survey-check", args=[world.begun_survey.pk])),
        Stop(reverse("survey", args=[world.answered_survey.pk])),
    ]


def _rarer_client_pages(world: World) -> list[Stop]:
    return [
        Stop(reverse("why", args=[world.order.debit_id])),
        Stop(f"{reverse('home')}?wallet=company"),
        Stop(f"{reverse('statement')}?person={world.colleague.pk}"),
        Stop(f"{reverse('people')}?q=nobody"),
        Stop(f"{reverse('people')}?show=former"),
        Stop(reverse("company-approval", args=[world.approval.pk]), press="button[value=reject]"),
        Stop(reverse("person-add")),
        Stop(reverse("person", args=[world.client.employee.pk])),
        Stop(reverse("consent"), write="Too little for the workshop.", press="main button[value=comment]"),
        Stop(reverse("consent-withdraw")),
        Stop(reverse("pass-on")),
        Stop(reverse("tier-act", args=["take", world.program.tiers.latest("rank").pk])),
        Stop(reverse("me"), press="#notifications button[type=submit]"),
        Stop(reverse("reward", args=[world.reward.pk]), press="button[value=review]"),
        Stop(reverse("reward", args=[world.dear_reward.pk])),
        Stop(reverse("reward", args=[world.sold_out_reward.pk])),
        Stop(reverse("account_change_password")),
        Stop(reverse("account_logout")),
        Stop(reverse("mfa_index")),
        Stop(reverse("mfa_activate_totp")),
        Stop(reverse("mfa_add_webauthn")),
        Stop(reverse("mfa_list_webauthn")),
        Stop(reverse("login-sessions")),
        Stop(f"{reverse('account_reauthenticate')}?next=/me/"),
        Stop("/there-is-no-such-page/"),
        Stop(reverse("am-companies")),  # not theirs: the page that says so
    ]


def _pages_of_strangers() -> list[Stop]:
    login = reverse(settings.LOGIN_URL)
    company = reverse("login-company")
    return [
        Stop(login),
        Stop(company),
        Stop(f"{company}?email=nobody@nowhere.example"),
        Stop(f"{company}?email=anybody@halden.example"),
        Stop(reverse("account_reset_password")),
        Stop(reverse("account_reset_password_done")),
    ]


def _pages_of_account_managers(world: World) -> list[Stop]:
    companies, company = reverse("am-companies"), reverse("am-company", args=[world.company.pk])
    owed = FollowUp.objects.filter(company=world.company).earliest("pk")
    note = ServiceNote.objects.filter(company=world.company).earliest("pk")
    given = BenefitGrant.objects.filter(membership__company=world.company).earliest("pk")
    return [
        Stop(reverse("am-today")),
        Stop(companies),
        Stop(f"{companies}?q=nobody"),
        Stop(company),
        Stop(f"{company}?q=nothing"),
        Stop(reverse("am-points", args=[world.company.pk])),
        Stop(reverse("am-what-if", args=[world.company.pk])),
        Stop(reverse("why", args=[world.earned.pk])),
        Stop(f"{reverse('am-benefits', args=[world.company.pk])}?person={world.colleague.pk}"),
        Stop(reverse("am-benefits", args=[world.company.pk])),
        Stop(reverse("am-promotions", args=[world.company.pk])),
        Stop(reverse("am-grant", args=[given.pk])),
        Stop(reverse("am-profile", args=[world.company.pk])),
        Stop(reverse("am-note", args=[note.pk])),
        Stop(reverse("am-note-edit", args=[note.pk])),
        Stop(reverse("am-follow-ups")),
        Stop(reverse("am-renewals")),
        Stop(reverse("am-follow-up", args=[owed.pk])),
    ]


def _pages_seen_as_a_client(world: World) -> list[Stop]:
    """From the door to the stop: the banner stands on every one of them, but for the first and the last."""
    door = reverse("see-as", args=[world.colleague.pk])
    return [
        Stop(door),
        Stop(door, write="The client asked why points are missing.", press="main button[type=submit]"),
        Stop(reverse("statement")),
        Stop(reverse("me")),
        Stop(door),
        Stop(reverse("account_change_password")),  # closed meanwhile: the page that says so
        Stop("/there-is-no-such-page/"),
        Stop(reverse("admin:index")),
        Stop(reverse("see-as-stop")),
        Stop(reverse("see-as-stop"), press="main button[type=submit]"),
    ]


def _an_open_cell(world: World) -> str:
    return f"tier={world.program.tiers.earliest('rank').pk}&role="


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
        Stop(reverse("admin:loyalty_programplan_add")),
        Stop(reverse("admin:loyalty_benefitmatrix_changelist")),
        Stop(reverse("admin:loyalty_benefitmatrix_change", args=[world.matrix.pk])),
        Stop(f"{reverse('admin:loyalty_benefitmatrix_change', args=[world.draft_matrix.pk])}?{_an_open_cell(world)}"),
        Stop(reverse("admin:loyalty_benefitmatrix_activate", args=[world.draft_matrix.pk])),
        Stop(f"{reverse('admin:loyalty_benefitmatrix_see_as', args=[world.matrix.pk])}?{_an_open_cell(world)}"),
        Stop(reverse("admin:loyalty_benefit_add")),
        Stop(reverse("admin:loyalty_benefitgrant_add")),
        Stop(reverse("admin:loyalty_ruleset_change", args=[world.draft.pk])),
        Stop(reverse("admin:loyalty_ruleset_ask", args=[world.draft.pk])),
        Stop(reverse("admin:accounts_approval_change", args=[world.rules_asked.pk])),
        Stop(reverse("admin:loyalty_rule_add", query={"rule_set": world.draft.pk})),
        Stop(reverse("admin:loyalty_rule_change", args=[world.draft.rules.get().pk])),
        Stop(reverse("admin:accounts_segment_add")),
        Stop(reverse("admin:rewards_redemption_changelist")),
        Stop(reverse("admin:surveys_survey_change", args=[world.survey.pk])),
        Stop(reverse("admin:surveys_survey_results", args=[world.answered_survey.pk])),
        Stop(reverse("admin:surveys_surveyversion_change", args=[world.survey.versions.get().pk])),
        Stop(reverse("admin:surveys_item_add")),
        Stop(f"{reverse('admin:rewards_redemption_changelist')}?waits=us"),
        Stop(reverse("admin:rewards_redemption_change", args=[world.order.pk])),
        Stop(reverse("admin:rewards_redemption_reject", args=[world.order.pk])),
        Stop(reverse("admin:rewards_redemption_reject", args=[world.order.pk]), press="main input[type=submit]"),
        Stop(reverse("admin:loyalty_adjustment_add")),
        Stop(reverse("admin:loyalty_adjustment_segment")),
        Stop(reverse("admin:loyalty_program_liability", args=[world.program.pk])),
        Stop(reverse("admin:loyalty_program_history", args=[world.program.pk])),
        Stop(reverse("admin:loyalty_tier_changes")),
        Stop(reverse("admin:accounts_singlesignon_change", args=[world.company.single_sign_on.pk])),
        Stop(reverse("mfa_index")),
        Stop(reverse("mfa_deactivate_totp")),
        Stop(f"{reverse('mfa_reauthenticate')}?next=/me/"),
        Stop(reverse("admin:blueprints")),
        Stop(reverse("admin:blueprint_look", query={"blueprint": "halden-together"})),
        Stop(reverse("admin:loyalty_program_setup", args=[world.program.pk])),
    ]
