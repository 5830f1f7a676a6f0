"""The identity providers that companies sign in with; their secrets are written, never shown."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.admin.asked_again import AskedAgainAdmin
from accounts.admin.scoped import FixedFieldsForm, ScopedInline, ScopedModelAdmin, manager_behind
from accounts.models import SignInDomain, SingleSignOn
from accounts.outside import UnsafeAddressError, check_address
from accounts.secrets_at_rest import seal
from accounts.sign_on_fetching import installed_reach
from accounts.single_sign_on import require

_BELIEVED = _(
    "At the first sign-in the provider is believed about addresses of the domains below, unless it says that one is "
    "not verified. Write down domains of the company alone, and only once you know that they are."
)


class SingleSignOnForm(FixedFieldsForm[SingleSignOn]):
    """A provider; what the secret was cannot be read again."""

    fixed = ("company",)

    client_secret = forms.CharField(
        label=_("client secret"), max_length=500, required=False, strip=True, widget=forms.PasswordInput
    )

    class Meta:
        model = SingleSignOn
        fields = ("company", "issuer", "client_id", "is_active", "is_required", "makes_people")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is None:
            self.fields["client_secret"].required = True
        else:
            self.fields["client_secret"].help_text = _("Kept as it is where nothing is written here.")

    def clean_issuer(self) -> str:
        """Take the issuer as its configuration names it."""
        issuer: str = self.cleaned_data["issuer"].rstrip("/")
        return issuer

    def clean(self) -> dict[str, Any]:
        """Refuse an address that we would not fetch from; one that is switched off as it stands is not looked up."""
        cleaned = super().clean() or self.cleaned_data
        if "issuer" in cleaned and (cleaned.get("is_active") or "issuer" in self.changed_data):
            try:
                check_address(cleaned["issuer"], installed_reach())
            except UnsafeAddressError as error:
                self.add_error("issuer", str(error))
        return cleaned

    def save(self, commit: bool = True) -> SingleSignOn:
        """Seal a secret that was written."""
        if self.cleaned_data["client_secret"]:
            self.instance.sealed_secret = seal(self.cleaned_data["client_secret"])
        return super().save(commit)


class DomainInline(ScopedInline[SignInDomain, SingleSignOn]):
    """The domains that the provider answers for."""

    model = SignInDomain
    can_delete = True
    extra = 1


@admin.register(SingleSignOn)
class SingleSignOnAdmin(AskedAgainAdmin[SingleSignOn], ScopedModelAdmin[SingleSignOn]):
    """Companies that sign in with a provider of their own."""

    form = SingleSignOnForm
    list_display = ("company", "issuer", "is_active", "is_required", "makes_people")
    list_filter = ("is_active", "is_required")
    list_select_related = ("company",)
    search_fields = ("company__name", "issuer", "domains__domain")
    ordering = ("company__name",)
    autocomplete_fields = ("company",)
    inlines = (DomainInline,)
    readonly_fields = ("callback", "way_in")
    fieldsets = (
        (None, {"fields": ("company", "issuer", "client_id", "client_secret")}),
        (_("Who gets in"), {"fields": ("is_active", "is_required", "makes_people"), "description": _BELIEVED}),
        (_("For the provider's administrators"), {"fields": ("callback", "way_in")}),
    )

    @admin.display(description=_("address to come back to"))
    def callback(self, sign_on: SingleSignOn) -> str:
        """What the provider must allow as redirect address; it changes with the issuer."""
        return self._address("openid_connect_callback", sign_on)

    @admin.display(description=_("address to start from"))
    def way_in(self, sign_on: SingleSignOn) -> str:
        """Where a tile of the company's own portal may lead."""
        return self._address("login-company-start", sign_on)

    def _address(self, name: str, sign_on: SingleSignOn) -> str:
        return reverse(name, args=[sign_on.provider_id]) if sign_on.pk else gettext("Told once it is saved.")

    def has_delete_permission(self, request: HttpRequest, obj: SingleSignOn | None = None) -> bool:
        """Nobody: a provider is switched off."""
        return False

    def save_model(self, request: HttpRequest, obj: SingleSignOn, form: Any, change: bool) -> None:
        """Put on record who may let people in; where it is the only way, whoever came in by another comes in anew."""
        super().save_model(request, obj, form, change)
        if {"is_required", "is_active"} & set(form.changed_data) and obj.is_active and obj.is_required:
            require(obj)
        audit.record(
            "single-sign-on-changed",
            obj,
            actor_id=manager_behind(request).pk,
            now=timezone.now(),
            company_id=obj.company_id,
            is_active=int(obj.is_active),
            is_required=int(obj.is_required),
            makes_people=int(obj.makes_people),
            has_new_secret=int(bool(form.cleaned_data["client_secret"])),
        )
