"""The worker's side of e-mails: claimed, committed as being sent, handed over, committed as sent.

Words that have gone out cannot be called back, and a worker can be killed between the last two steps. Whoever finds
such an e-mail cannot know, so it is UNCERTAIN: never sent again by itself. An e-mail that was claimed and not begun
goes back to those that wait. Who is dead is known at once: a claim is held by a lock of its worker's connection.
"""

import logging
import secrets
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from smtplib import SMTPRecipientsRefused, SMTPResponseException

from django.core import mail as django_mail
from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import messages
from accounts.mail import kinds
from accounts.mail.letters import compose, in_the_words_of
from accounts.messages import MAIL_QUEUE
from accounts.models import Mail, NotificationPreference, SuppressedAddress, User
from accounts.queues import Queue

PORTION = 200
BACK_OFF = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 360, 720))
"""How long an e-mail waits after each try that was refused for now; after one more it has failed."""

NO_SERVER = timedelta(minutes=1)
"""How long everything waits when the mail server does not answer; that is no fault of an e-mail, and counts no try."""

_LOCK_SPACE = 0x4D61696C  # advisory locks of claims are told from others by this first key

# One statement and one commit an e-mail. As SQL: the ORM takes longer to put it together than all the rest takes.
_BEGIN = """
    UPDATE accounts_mail SET
        state = CASE WHEN id = %(out)s THEN 'SENT' ELSE 'SENDING' END,
        ended_at = CASE WHEN id = %(out)s THEN %(now)s::timestamptz END,
        claim = CASE WHEN id = %(out)s THEN NULL ELSE claim END,
        tries = CASE WHEN id = %(out)s THEN tries ELSE tries + 1 END
    WHERE claim = %(claim)s
      AND (id = %(mail)s AND state = 'WAITING' OR id = %(out)s AND state = 'SENDING')
"""

State = Mail.State
Clock = Callable[[], datetime]
log = logging.getLogger(__name__)


def queue_of_mail(clock: Clock = timezone.now) -> Queue:
    """Return the queue of e-mails."""
    return Queue(MAIL_QUEUE, lambda now: _take(now, clock))


def _take(now: datetime, clock: Clock) -> int:
    _settle_what_the_dead_held(now)
    with _a_claim() as claim:
        mails = _claim(claim, now)
        if mails:
            _Round(claim, clock).send(mails)
    return len(mails)


def _settle_what_the_dead_held(now: datetime) -> None:
    """Free what a worker that is gone had claimed; what it had begun is uncertain from now on."""
    for claim in Mail.objects.filter(claim__isnull=False).order_by().values_list("claim", flat=True).distinct():
        if claim is None or not _hold(claim):
            continue
        try:
            held = Mail.objects.filter(claim=claim)
            lost = held.filter(state=State.SENDING).update(state=State.UNCERTAIN, ended_at=now, claim=None)
            freed = held.filter(state=State.WAITING).update(claim=None)
            if lost or freed:
                log.warning("mail_worker_died", extra={"uncertain": lost, "freed": freed})
        finally:
            _let_go(claim)


def _claim(claim: int, now: datetime) -> list[Mail]:
    """Take the next e-mails in hand, so that no other worker does."""
    with transaction.atomic():
        due = Mail.objects.select_for_update(skip_locked=True).filter(
            state=State.WAITING, claim__isnull=True, due_at__lte=now
        )
        ids = list(due.order_by("due_at", "pk").values_list("pk", flat=True)[:PORTION])
        Mail.objects.filter(pk__in=ids).update(claim=claim)
    rows = Mail.objects.filter(pk__in=ids).select_related("user__employee", "message")
    return list(rows.order_by("due_at", "pk"))


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What came of handing an e-mail over: SENT, WAITING for another try, FAILED or UNCERTAIN."""

    state: str
    why: str = ""


class _Round:
    """One portion of e-mails in the hands of one worker, over one connection to the mail server."""

    def __init__(self, claim: int, clock: Clock) -> None:
        self.claim, self.clock = claim, clock
        self.rows = Mail.objects.filter(claim=claim)
        self.gone_out: int | None = None
        """Handed over, and not yet committed as sent: that is done together with the beginning of the next."""

    def send(self, mails: list[Mail]) -> None:
        """Send each, or write down why not."""
        with closing(django_mail.get_connection()) as server:
            if not self._reaches(server):
                return
            unwanted = _why_unwanted(mails)
            for mail in mails:
                if mail.pk in unwanted:
                    self._end(mail, _Outcome(State.UNWANTED, unwanted[mail.pk]))
                elif not self._send(mail, server):
                    break
            self._confirm()

    def _reaches(self, server: BaseEmailBackend) -> bool:
        """Whether the mail server answers; if not, everything that was not begun waits for a while."""
        try:
            server.open()
        except OSError:  # SMTPException is one, too
            log.exception("mail_server_does_not_answer")
            self.rows.filter(state=State.WAITING).update(claim=None, due_at=self.clock() + NO_SERVER)
            return False
        return True

    def _send(self, mail: Mail, server: BaseEmailBackend) -> bool:
        """Begin, hand over, and note what came of it; False where nothing more can be sent now."""
        prepare = kinds.prepares(mail)
        try:
            with in_the_words_of(mail), transaction.atomic() if prepare is not None else nullcontext():
                prepared = prepare(mail, self.clock()) if prepare is not None else {}
                email = compose(mail, prepared, server)
                if not self._begin(mail):
                    return False
        except kinds.NothingToSendError as over:
            self._end(mail, _Outcome(State.UNWANTED, str(over)))
            return True
        except (LookupError, ValueError):
            log.exception("mail_cannot_be_written", extra={"mail": mail.pk})
            why = _("Its text could not be put together; the log of the worker says why.")
            self._end(mail, _Outcome(State.FAILED, why))
            return True
        outcome = _hand_over(email, server)
        if outcome.state == State.SENT:
            self.gone_out = mail.pk
            return True
        self._end(mail, outcome)
        server.close()  # a server that refused may have hung up
        return self._reaches(server)

    def _begin(self, mail: Mail) -> bool:
        """Commit that `mail` is being sent and, with it, that the one before went out. False: others hold it now."""
        expected = 1 if self.gone_out is None else 2
        with connection.cursor() as cursor:
            cursor.execute(
                _BEGIN, {"claim": self.claim, "mail": mail.pk, "out": self.gone_out or 0, "now": self.clock()}
            )
            touched: int = cursor.rowcount
        self.gone_out = None
        return touched == expected

    def _confirm(self) -> None:
        """Commit that the last one went out."""
        if self.gone_out is not None:
            self.rows.filter(pk=self.gone_out).update(state=State.SENT, ended_at=self.clock(), claim=None)
            self.gone_out = None

    def _end(self, mail: Mail, outcome: _Outcome) -> None:
        """Commit that an e-mail did not go out, or nobody knows; one refused for now is tried again a few times."""
        now = self.clock()
        mine = self.rows.filter(pk=mail.pk)
        if outcome.state == State.WAITING and mail.tries < len(BACK_OFF):
            mine.update(state=State.WAITING, why=outcome.why, due_at=now + BACK_OFF[mail.tries], claim=None)
            return
        state = State.FAILED if outcome.state == State.WAITING else outcome.state
        mine.update(state=state, why=outcome.why, ended_at=now, claim=None)


def _hand_over(email: EmailMultiAlternatives, server: BaseEmailBackend) -> _Outcome:
    """Hand an e-mail to the server: what it refuses did not go out; when the line breaks, nobody knows."""
    try:
        server.send_messages([email])
    except SMTPRecipientsRefused as refusal:
        answers = list(refusal.recipients.values())
        return _refused(max(code for code, _text in answers), answers[0][1])
    except SMTPResponseException as refusal:
        return _refused(refusal.smtp_code, refusal.smtp_error)
    except Exception:  # whatever a backend does, nothing is sent twice because of it
        log.exception("mail_is_uncertain")
        return _Outcome(State.UNCERTAIN, _("The line broke while it was handed over."))
    return _Outcome(State.SENT)


def _refused(code: int, answer: bytes | str) -> _Outcome:
    text = answer.decode(errors="replace") if isinstance(answer, bytes) else str(answer)
    why = _("The mail server refused it: %(answer)s") % {"answer": f"{code} {text}"[:500]}
    return _Outcome(State.FAILED if code >= 500 else State.WAITING, why)


def _why_unwanted(mails: Collection[Mail]) -> dict[int, str]:
    """Return of those e-mails that are not to be sent, as of now, why; two queries however many there are."""
    addresses = {mail.address.lower() for mail in mails}
    suppressed = set(
        SuppressedAddress.objects.in_force().filter(address__in=addresses).values_list("address", flat=True)
    )
    employees = {mail.message.employee_id for mail in mails if mail.message is not None}
    switched_off = set(
        NotificationPreference.objects.filter(
            employee__in=employees, channel=NotificationPreference.Channel.EMAIL, is_wanted=False
        ).values_list("employee_id", "topic")
    )
    why = {}
    for mail in mails:
        if mail.address.lower() in suppressed:
            why[mail.pk] = _("Nothing is sent to this address: e-mails came back, or were reported as spam.")
        elif mail.user is not None and not _is_let_in(mail.user):
            why[mail.pk] = _("Whom it was written to is no longer let in.")
        elif mail.message is not None and (mail.message.employee_id, messages.topic_of(mail.message)) in switched_off:
            why[mail.pk] = _("E-mails about this have been switched off since it was written.")
    return why


def _is_let_in(user: User) -> bool:
    employee = getattr(user, "employee", None)
    return user.is_active and (employee is None or employee.is_active)


@contextmanager
def _a_claim() -> Iterator[int]:
    """A number of our own, held by this connection as long as we work under it."""
    claim = secrets.randbelow(2**31 - 1) + 1
    if not _hold(claim):
        raise RuntimeError("Two workers drew the same number.")
    try:
        yield claim
    finally:
        _let_go(claim)


def _hold(claim: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_LOCK_SPACE, claim])
        return bool(cursor.fetchone()[0])


def _let_go(claim: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_LOCK_SPACE, claim])
