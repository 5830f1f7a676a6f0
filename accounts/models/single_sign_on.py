"""How the people of a company sign in with the company's own identity provider."""

from __future__ import annotations

import hashlib

from django.core.validators import RegexValidator, URLValidator
from django.db import models
from django.db.models import F
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from accounts.models.companies import Company
from accounts.scope import Actor, ScopedQuerySet


class SingleSignOnQuerySet(ScopedQuerySet["SingleSignOn"]):
    """Identity providers: for program managers alone."""

    def seen_by_account_manager(self, actor: Actor) -> SingleSignOnQuerySet:
        return self.none()


class SingleSignOn(models.Model):
    """The identity provider (OpenID Connect) of a company, as its administrators told us."""

    company = models.OneToOneField(
        Company, on_delete=models.PROTECT, related_name="single_sign_on", verbose_name=_("company")
    )
    issuer = models.CharField(
        _("issuer"),
        max_length=500,
        validators=[URLValidator(schemes=["https", "http"])],
        help_text=_("The provider's address, as its configuration names it: https://login.example.com/realm"),
    )
    client_id = models.CharField(_("client id"), max_length=191)
    sealed_secret = models.TextField(_("client secret, encrypted"), editable=False)
    is_active = models.BooleanField(_("in use"), default=True)
    is_required = models.BooleanField(
        _("the only way in"),
        default=False,
        help_text=_("The company's people can then no longer sign in with a password or passkey of ours."),
    )
    makes_people = models.BooleanField(
        _("adds people"),
        default=False,
        help_text=_(
            "Whoever the provider vouches for becomes an employee at the first sign-in, with access to own points."
        ),
    )

    objects = SingleSignOnQuerySet.as_manager()

    class Meta:
        verbose_name = _("single sign-on")
        verbose_name_plural = _("single sign-on")

    def __str__(self) -> str:
        return str(self.company)

    @property
    def provider_id(self) -> str:
        """What the provider is called in addresses and at its bindings; another issuer is another provider."""
        return f"{self.pk}-{hashlib.sha256(self.issuer.encode()).hexdigest()[:12]}"


class SignInDomainQuerySet(ScopedQuerySet["SignInDomain"]):
    """Domains: for program managers alone."""

    company_lookup = "single_sign_on__company"

    def seen_by_account_manager(self, actor: Actor) -> SignInDomainQuerySet:
        return self.none()


class SignInDomain(models.Model):
    """A domain of e-mail addresses that a company's identity provider answers for."""

    single_sign_on = models.ForeignKey(SingleSignOn, on_delete=models.CASCADE, related_name="domains")
    domain = models.CharField(
        _("domain"),
        max_length=253,
        validators=[
            RegexValidator(r"^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z0-9-]{2,}\Z", _("For example: example.com"))
        ],
        help_text=_("The part of the company's e-mail addresses behind the @. Never one that others use as well."),
    )

    objects = SignInDomainQuerySet.as_manager()

    class Meta:
        verbose_name = _("domain")
        verbose_name_plural = _("domains")
        constraints = [
            # Of two companies with one domain each provider could vouch for the other's people.
            models.UniqueConstraint(
                fields=["domain"],
                name="sign_in_domain_unique",
                violation_error_message=_("Another company signs in with this domain."),
            ),
            # "Example.com" beside "example.com" would get past the constraint above.
            models.CheckConstraint(condition=models.Q(domain=Lower(F("domain"))), name="sign_in_domain_lower_case"),
        ]

    def __str__(self) -> str:
        return self.domain
