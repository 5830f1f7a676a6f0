"""Forms of signing in that say more than allauth's own."""

from typing import Any

from allauth.mfa.webauthn.forms import AddWebAuthnForm
from django.utils.translation import gettext_lazy as _


class PasskeyForm(AddWebAuthnForm):  # type: ignore[misc]
    """A new passkey, and whether it is to sign one in alone."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        name, alone = self.fields["name"], self.fields["passwordless"]
        name.label, name.required = _("Name"), True
        name.help_text = _("By which you know it again, for example the device.")
        alone.label, alone.initial = _("Sign in with it alone, without the password"), True
        alone.help_text = _(
            "Your device then asks for finger, face or PIN. Without the tick it is a second step after the password, "
            "which every security key can be."
        )
