"""The program manager's desk: Django's admin with our name, our order of things, and vendor staff only."""

from collections.abc import Iterable
from functools import cache
from typing import Any

from django.apps import apps
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import get_script_prefix, path, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

GROUPS: tuple[tuple[str, Any, tuple[str, ...]], ...] = (
    ("queues", _("Queues"), ("rewards.Redemption", "accounts.Approval", "accounts.Mail", "accounts.Erasure")),
    (
        "program",
        _("Program"),
        (
            "loyalty.Program",
            "loyalty.ProgramPlan",
            "loyalty.Goal",
            "loyalty.ProfitPeriod",
            "loyalty.ProgramReview",
            "loyalty.ReviewedGoal",
            "loyalty.Membership",
            "loyalty.Consent",
            "loyalty.Tier",
            "loyalty.TierAssignment",
            "loyalty.TierThreshold",
            "loyalty.TierTitle",
            "loyalty.TierInvitation",
            "loyalty.TierPayment",
            "loyalty.StandingEvent",
            "loyalty.BenefitMatrix",
            "loyalty.BenefitCell",
            "loyalty.Benefit",
            "loyalty.Badge",
            "loyalty.BadgeHolding",
            "loyalty.BenefitGrant",
            "loyalty.BenefitUse",
            "loyalty.BenefitQuota",
            "loyalty.Metric",
            "loyalty.MetricBucket",
            "loyalty.MetricPerson",
            "loyalty.ProgramDay",
            "loyalty.BookDay",
            "loyalty.CohortMonth",
            "loyalty.EndNotice",
            "loyalty.HandedOver",
            "loyalty.ProgramComment",
        ),
    ),
    (
        "earning",
        _("Earning"),
        (
            "loyalty.RuleSet",
            "loyalty.Example",
            "loyalty.ExampleStep",
            "loyalty.Replay",
            "loyalty.ReplayedCompany",
            "loyalty.Rule",
            "loyalty.RuleCap",
            "loyalty.SharedLimit",
            "loyalty.ProductList",
            "loyalty.Campaign",
            "loyalty.Agreement",
            "loyalty.AgreementRate",
            "loyalty.AgreementLimit",
            "loyalty.PersonalPromotion",
            "loyalty.PromotedAward",
            "loyalty.CapUsage",
            "loyalty.ActivityType",
            "loyalty.ActivityAttribute",
            "loyalty.ExchangeRate",
            "loyalty.Activity",
            "loyalty.ReturnLink",
            "loyalty.ActivityReturn",
            "loyalty.Confirmation",
            "loyalty.Adjustment",
            "loyalty.Transfer",
            "loyalty.Extension",
            "loyalty.ExtendedLot",
            "loyalty.Wallet",
            "loyalty.Transaction",
            "loyalty.Posting",
            "loyalty.Evaluation",
            "loyalty.Award",
            "loyalty.AwardReversal",
            "loyalty.EffectAward",
            "loyalty.Lot",
            "loyalty.LotUse",
        ),
    ),
    (
        "rewards",
        _("Rewards"),
        (
            "rewards.Reward",
            "rewards.RewardStock",
            "rewards.StockMovement",
            "rewards.RedemptionStep",
            "rewards.SpendingPolicy",
        ),
    ),
    (
        "voice",
        _("Voice"),
        ("surveys.Survey", "surveys.SurveyVersion", "surveys.Item", "surveys.Response", "surveys.Answer"),
    ),
    (
        "clients",
        _("Clients"),
        (
            "accounts.Company",
            "accounts.CompanyProfile",
            "accounts.Employee",
            "accounts.RoleAssignment",
            "accounts.Invitation",
            "accounts.Segment",
            "accounts.SegmentMembership",
            "accounts.AccountManagerAssignment",
            "accounts.Delegation",
            "accounts.ServiceNote",
            "accounts.ServiceNoteVersion",
            "accounts.FollowUp",
            "accounts.FollowUpMove",
            "accounts.Message",
        ),
    ),
    ("moving", _("Moving in"), ("accounts.Import", "accounts.ImportMapping", "accounts.Attachment")),
    (
        "system",
        _("System"),
        (
            "accounts.User",
            "accounts.SingleSignOn",
            "auth.Group",
            "accounts.StakeholderRole",
            "accounts.Interest",
            "loyalty.Source",
            "accounts.ServiceClient",
            "accounts.MailReport",
            "accounts.SuppressedAddress",
            "accounts.WebhookSubscription",
            "accounts.WebhookDelivery",
            "accounts.WebhookAttempt",
            "accounts.WebhookEvent",
            "accounts.AuditEntry",
            "accounts.AuditReason",
            "accounts.SavedFilter",
            "accounts.IdempotencyKey",
            "accounts.Job",
            "accounts.PeriodicWork",
        ),
    ),
)

HIDDEN = (
    "account.EmailAddress",
    "account.EmailConfirmation",
    "mfa.Authenticator",
    "usersessions.UserSession",
    "allauth_idp_oidc.Client",
    "allauth_idp_oidc.Token",
    "socialaccount.SocialAccount",
    "socialaccount.SocialApp",
    "socialaccount.SocialToken",
    "accounts.Pulse",
)
"""Tables of allauth's own: people keep them on its pages, second factors are nobody else's business, and clients of the
API have a page of ours. Pulses are read by machines."""


class TwofoldAdminSite(AdminSite):
    """The admin site; what a sidebar group holds is the explicit list above."""

    site_title = _("Twofold")
    site_header = _("Twofold")
    index_title = _("Administration")
    empty_value_display = "–"

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Take screens in, except of what is hidden."""
        models: Iterable[type[Model]] = model_or_iterable
        if isinstance(model_or_iterable, type):
            models = [model_or_iterable]
        super().register([model for model in models if model._meta.label not in HIDDEN], admin_class, **options)

    def has_permission(self, request: HttpRequest) -> bool:
        """Vendor staff only, with a second factor; an employee of a client never enters, whatever flags the login has.

        Whoever owes the second factor is no manager until it is shown: `accounts.middleware` sees to that.
        """
        actor = getattr(request, "actor", None)
        return super().has_permission(request) and bool(actor and actor.is_manager)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """There is one door: whoever is not signed in goes through it, whoever is but may not enter is told so."""
        wanted = request.GET.get("next", "")
        if not url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure()):
            wanted = reverse("admin:index", current_app=self.name)
        if self.has_permission(request):
            return HttpResponseRedirect(wanted)
        if request.user.is_authenticated:
            raise PermissionDenied
        return HttpResponseRedirect(reverse("account_login", query={"next": wanted}))

    def password_change(  # type: ignore[override]  # Django returns a page here, but takes any response
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Passwords are changed where everybody changes them."""
        return HttpResponseRedirect(reverse("account_change_password"))

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """The home: what waits, how a program does, what deserves a look, and the way to every list."""
        from loyalty.site.admin_home import home  # it knows the screens, which are made after their site

        return super().index(request, {"title": _("Home"), **home(request), **(extra_context or {})})

    def get_urls(self) -> list[Any]:
        """The pages of blueprints, which span floors."""
        from loyalty.site.views import blueprints

        view = self.admin_view
        ours = [
            path("blueprints/", view(blueprints.choose), name="blueprints"),
            path("blueprints/look/", view(blueprints.look), name="blueprint_look"),
            path("loyalty/program/<int:pk>/blueprint/", view(blueprints.download), name="program_blueprint"),
        ]
        return [*ours, *super().get_urls()]

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """The sidebar: groups by what a manager does, not by Django app."""
        if app_label is not None:
            return super().get_app_list(request, app_label)
        groups = [
            {
                "name": name,
                "app_label": code,
                "app_url": "",
                "has_module_perms": True,
                "models": [entry for label in labels if (entry := self._entry(request, label)) is not None],
            }
            for code, name, labels in GROUPS
        ]
        return [group for group in groups if group["models"]]

    def _entry(self, request: HttpRequest, label: str) -> dict[str, Any] | None:
        """A list as the sidebar has it, None where somebody may not see it.

        Every page asks for all of them, and Django's own way builds the two addresses of each anew.
        """
        model = apps.get_model(label)
        screen = self._registry.get(model)
        if screen is None or not screen.has_module_permission(request):
            return None
        perms = screen.get_model_perms(request)
        if not any(perms.values()):
            return None
        list_url, add_url = _addresses(model._meta.label_lower, self.name, get_script_prefix())
        return {
            "model": model,
            "name": capfirst(model._meta.verbose_name_plural),
            "object_name": model._meta.object_name,
            "perms": perms,
            "view_only": not perms["change"],
            "admin_url": list_url if perms["change"] or perms["view"] else None,
            "add_url": add_url if perms["add"] else None,
        }


@cache
def _addresses(label: str, site: str, prefix: str) -> tuple[str, str]:
    """The addresses of a model's list and of its form for a new row, below a prefix."""
    names = label.replace(".", "_")
    list_url, add_url = (reverse(f"admin:{names}_{page}", current_app=site) for page in ("changelist", "add"))
    return list_url, add_url
