"""What an e-mail says: composed once, in the language and time zone of whom it goes to, then as plain text and HTML."""

import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.base import BaseEmailBackend
from django.template.loader import get_template
from django.utils import timezone, translation
from django.utils.formats import number_format
from django.utils.translation import get_language_bidi
from django.utils.translation import gettext as _

from accounts import messages
from accounts.mail.kinds import Prepared, kind_of
from accounts.mail.unsubscribing import address_to_unsubscribe
from accounts.models import Mail, NotificationPreference

_LONGEST_SUBJECT = 200


@dataclass(frozen=True, slots=True)
class Letter:
    """An e-mail before it is plain text or HTML; addresses are whole ones."""

    subject: str
    greeting: str
    paragraphs: tuple[str, ...]
    button: str
    url: str
    reason: str
    topic: str = ""
    unsubscribe_url: str = ""


def compose(mail: Mail, prepared: Prepared, connection: BaseEmailBackend) -> EmailMultiAlternatives:
    """Return the e-mail in the language in force, ready to be handed over.

    Raises LookupError where its kind or a fact is not known.
    """
    return _enveloped(mail, letter_of(mail, prepared), connection)


def letter_of(mail: Mail, prepared: Prepared) -> Letter:
    """Return what an e-mail says, in the language in force."""
    if mail.message is not None:
        return _of_message(mail)
    kind = kind_of(mail)
    facts = {**mail.facts, **prepared}
    said = _said(facts)
    return Letter(
        subject=_one_line(str(kind.subject).format(**said)),
        greeting=_greeting(mail),
        paragraphs=tuple(str(paragraph).format(**said) for paragraph in kind.paragraphs),
        button=str(kind.button).format(**said),
        url=whole_address(str(facts.get("link", ""))),
        reason=str(kind.reason).format(**said),
    )


def whole_address(path: str) -> str:
    """Return the whole address of a page of this site, for somebody who is not on it; "" where there is none."""
    return f"{settings.SITE_ADDRESS}{path}" if path else ""


def as_text(letter: Letter) -> str:
    """Return a letter as plain text."""
    parts = [letter.greeting, *letter.paragraphs]
    if letter.url:
        parts.append(f"{letter.button}:\n{letter.url}")
    parts.append(f"-- \n{letter.reason}")
    if letter.unsubscribe_url:
        parts.append(f"{_stop(letter)}:\n{letter.unsubscribe_url}")
    return "\n\n".join(parts) + "\n"


def as_html(letter: Letter) -> str:
    """Return a letter as HTML that needs nothing from elsewhere."""
    context = {
        "letter": letter,
        "stop": _stop(letter) if letter.unsubscribe_url else "",
        "language": translation.get_language(),
        "direction": "rtl" if get_language_bidi() else "ltr",
    }
    return get_template("mail/letter.html").render(context)


def _of_message(mail: Mail) -> Letter:
    message = mail.message
    assert message is not None  # noqa: S101 (tells the type checker)
    title, topic = messages.title_of(message), messages.topic_of(message)
    reason = _("You get this because it is about your own part in the program. Such e-mails cannot be switched off.")
    unsubscribe_url = ""
    if topic:
        label = str(NotificationPreference.Topic(topic).label)
        reason = _("You get this because you want e-mails about: %(topic)s.") % {"topic": label}
        unsubscribe_url = whole_address(address_to_unsubscribe(message.employee_id, topic))
    return Letter(
        subject=_one_line(title),
        greeting=_greeting(mail),
        paragraphs=(title,),
        button=_("Open it"),
        url=whole_address(messages.address_of(message)),
        reason=reason,
        topic=topic,
        unsubscribe_url=unsubscribe_url,
    )


def _greeting(mail: Mail) -> str:
    name = _one_line(str(mail.facts.get("name", "")) if mail.user is None else mail.user.name)
    return _("Hello %(name)s,") % {"name": name} if name else _("Hello,")


def _stop(letter: Letter) -> str:
    return _("No more e-mails about this")


def _said(facts: Mapping[str, str | int]) -> dict[str, str]:
    """Facts in the reader's notation."""
    return {
        name: fact if isinstance(fact, str) else number_format(fact, force_grouping=True)
        for name, fact in facts.items()
    }


def _one_line(text: str) -> str:
    """Text that can stand in a head: no line of its own, nothing invisible that people could have typed."""
    kept = "".join(" " if unicodedata.category(character) in ("Cc", "Zl", "Zp") else character for character in text)
    return " ".join(kept.split())[:_LONGEST_SUBJECT]


def _enveloped(mail: Mail, letter: Letter, connection: BaseEmailBackend) -> EmailMultiAlternatives:
    headers = {
        "Message-ID": f"<{mail.code}@{urlsplit(settings.SITE_ADDRESS).hostname}>",
        "Auto-Submitted": "auto-generated",
        "Content-Language": translation.get_language() or settings.LANGUAGE_CODE,
    }
    if letter.unsubscribe_url:
        headers["List-Unsubscribe"] = f"<{letter.unsubscribe_url}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    email = EmailMultiAlternatives(
        letter.subject, as_text(letter), settings.DEFAULT_FROM_EMAIL, [mail.address], connection=connection,
        headers=headers,
    )  # fmt: skip
    email.attach_alternative(as_html(letter), "text/html")
    return email


@contextmanager
def in_the_words_of(mail: Mail) -> Iterator[None]:
    """The language and the time zone of whom an e-mail goes to."""
    user = mail.user
    with (
        translation.override(mail.language if user is None else user.language),
        timezone.override(ZoneInfo(user.time_zone) if user is not None else None),
    ):
        yield
