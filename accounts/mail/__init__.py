"""E-mails: rows written in the transaction of what they speak of, sent by a worker, each once or said to be uncertain.

A message of the inbox gets its e-mail from `accounts.messages.tell`. Whatever else is to be written to somebody is a
kind of its own, registered in `AppConfig.ready()`, and one call in the transaction of what it speaks of::

    NEW_DEVICE = MailKind(
        "new-device",
        _("Somebody signed in from a new device"),            # the subject, a template over the facts
        (_("On {day} somebody signed in to your account with {device}. If that was you, all is well."),),
        _("You get this because it is about the safety of your account; such e-mails cannot be switched off."),
        button=_("Look at your devices"),
    )

    mail.register(NEW_DEVICE)
    mail.send(NEW_DEVICE, user=user, facts={"day": "…", "device": "…", "link": reverse("…")}, now=now)

`facts` are kept with the row until it is erased: no word in them may open a door. A link that does (an invitation, a
new password) is made by the kind's `prepare` at the moment of sending, and stands in no table.
"""

from accounts.mail.kinds import MailKind, NothingToSendError, Prepared, register
from accounts.mail.sending import queue_of_mail
from accounts.mail.writing import leave_to_the_past, send

__all__ = ["MailKind", "NothingToSendError", "Prepared", "leave_to_the_past", "queue_of_mail", "register", "send"]
