"""E-mails about passwords, in the same looks as all others and through the same queue.

allauth would send them while the page waits: how long that takes would tell whether an address has a login, and a mail
server that is down would break the page. The link is made when the e-mail is sent: one that waits opens nothing.
"""

from datetime import datetime

from allauth.account import app_settings
from allauth.account.utils import user_pk_to_url_str
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.mail import MailKind, NothingToSendError, Prepared
from accounts.models import Mail


def _make_link(letter: Mail, now: datetime) -> Prepared:
    if letter.user is None or not letter.user.is_active:
        raise NothingToSendError(str(_("Whom it was written to is no longer let in.")))
    key = app_settings.PASSWORD_RESET_TOKEN_GENERATOR().make_token(letter.user)
    uid = user_pk_to_url_str(letter.user)
    return {"link": reverse("account_reset_password_from_key", kwargs={"uidb36": uid, "key": key})}


NEW_PASSWORD = MailKind(
    "new-password",
    _("Choose a new password"),
    (
        _("Somebody, hopefully you, has forgotten the password of your login and asked for a new one."),
        _("If that was not you, do nothing: the password you have goes on working."),
    ),
    _("You get this because the link was asked for on the page for signing in. Such e-mails cannot be switched off."),
    button=_("Choose a new password"),
    prepare=_make_link,
)

NO_LOGIN = MailKind(
    "no-login-here",
    _("There is no login for this address"),
    (
        _("Somebody, hopefully you, asked for a new password, but nobody signs in with this address."),
        _("Perhaps you sign in with another one. Or ask the administrator of your company to invite you."),
    ),
    _("You get this because this address was entered on the page for signing in. If that was not you, do nothing."),
)
