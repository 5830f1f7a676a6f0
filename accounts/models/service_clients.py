"""Other systems that use the API: who they act as, for which companies, and how often."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models.companies import Company
from accounts.scope import ScopedQuerySet


class Scope(models.TextChoices):
    """What a client of the API may do."""

    READ = "read", pgettext_lazy("scope", "read")
    ACTIVITIES_WRITE = "activities:write", _("record activities")
    REDEMPTIONS_WRITE = "redemptions:write", _("redeem, approve and cancel")
    POINTS_WRITE = "points:write", _("pass points on in a person's name")
    TIERS_WRITE = "tiers:write", _("take, pay for and cancel tiers for a fee")
    PEOPLE_WRITE = "people:write", _("create and change companies, people and memberships")


class ServiceClientQuerySet(ScopedQuerySet["ServiceClient"]):
    """Clients of the API: the vendor's own systems."""

    company_lookup = ""


class ServiceClient(models.Model):
    """Another system: an OAuth2 client with its secret, and the user in whose name it acts.

    The user is switched off: no page lets it in, and no password opens it. Scopes stand at the OAuth2 client.
    """

    oauth_client = models.OneToOneField(
        "allauth_idp_oidc.Client", on_delete=models.PROTECT, related_name="service_client", verbose_name=_("client id")
    )
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="service_client", verbose_name=_("acts as")
    )
    has_all_companies = models.BooleanField(
        _("all companies"),
        default=False,
        help_text=_("Otherwise those listed, and it cannot create companies."),
    )
    companies = models.ManyToManyField(Company, blank=True, related_name="service_clients", verbose_name=_("companies"))
    requests_a_minute = models.PositiveIntegerField(_("requests a minute"), default=600)
    is_active = models.BooleanField(_("active"), default=True)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("made by")
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    last_token_at = models.DateTimeField(
        _("last token"), null=True, help_text=_("When it last fetched a token; a token lasts an hour.")
    )

    objects = ServiceClientQuerySet.as_manager()

    class Meta:
        verbose_name = _("API client")
        verbose_name_plural = _("API clients")
        constraints = [
            # A client that may ask 0 times a minute looks active and is shut out without a word.
            models.CheckConstraint(condition=Q(requests_a_minute__gte=1), name="service_client_may_ask"),
        ]

    def __str__(self) -> str:
        return self.user.name
