"""What this floor holds of a person: who one is, the sign-in, messages, and words written by or about one."""

from collections.abc import Iterable

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts import devices, messages, subjects
from accounts.models import (
    Approval,
    Attachment,
    AuditReason,
    Delegation,
    Draft,
    Employee,
    IdempotencyKey,
    Job,
    Message,
    NotificationPreference,
    RoleAssignment,
    SavedFilter,
    ServiceNote,
    ServiceNoteVersion,
    User,
)
from accounts.subjects import ERASED, Part, Row


def register() -> None:
    """Make the parts known; the person comes first, to be erased last."""
    subjects.register(
        Part(
            "person",
            _("Who you are"),
            _person,
            _erase_person,
            _("A number in place of your name, so that your company's books still add up."),
        ),
        Part("sign_in", _("How you sign in"), _sign_in, _erase_sign_in),
        Part("roles", _("Your roles"), _roles, _keep_roles, _("Which roles the person of this number had, and when.")),
        Part("preferences", _("What you want to be told"), _preferences, _erase_preferences),
        Part("messages", _("What we told you"), _messages, _erase_messages),
        Part("notes", _("Notes shared with you"), _notes, _erase_notes),
        Part("requests", _("What you asked for and decided"), _requests, _erase_requests),
        Part(
            "records",
            _("What is on record about you"),
            _records,
            _erase_records,
            _("That something was done, when and under which number; no words."),
        ),
    )


def _person(employee: Employee) -> Iterable[Row]:
    yield {
        "number": employee.pk,
        "company": employee.company.name,
        "number_in_other_systems": employee.external_id,
        "name": employee.name,
        "alias": employee.alias,
        "address": employee.address,
        "phone": employee.phone,
        "buying_role": employee.get_buying_role_display(),
        "preferred_channel": employee.get_preferred_channel_display(),
        "access": employee.get_access_display(),
        "interests": [interest.name for interest in employee.interests.order_by("code")],
        "is_active": employee.is_active,
    }


def _erase_person(employee: Employee) -> None:
    name = f"#{employee.pk}"
    _take_out_of_messages(employee, name)
    employee.interests.clear()
    Employee.objects.filter(pk=employee.pk).update(
        name=name,
        address="",
        alias="",
        phone="",
        external_id="",
        is_active=False,
        preferred_channel=Employee.Channel.INBOX,
    )
    user = User.objects.filter(pk=employee.user_id).first()
    if user is not None:
        user.name, user.email = name, f"erased-{user.pk}@erased.invalid"
        user.is_active, user.time_zone, user.language = False, "UTC", "en"
        user.last_login = None
        user.set_unusable_password()
        user.save()


def _take_out_of_messages(employee: Employee, name: str) -> None:
    """What colleagues were told keeps its sense, without the name."""
    if not employee.name.strip():
        return
    for message in Message.objects.filter(employee__company=employee.company_id).iterator():
        facts = {
            key: fact.replace(employee.name, name) if isinstance(fact, str) else fact
            for key, fact in message.facts.items()
        }
        if facts != message.facts:
            Message.objects.filter(pk=message.pk).update(facts=facts)
    for entry in LogEntry.objects.filter(object_repr__contains=employee.name):
        entry.object_repr = entry.object_repr.replace(employee.name, name)
        entry.change_message = ""
        entry.save(update_fields=["object_repr", "change_message"])


def _sign_in(employee: Employee) -> Iterable[Row]:
    user = User.objects.filter(pk=employee.user_id).first()
    if user is None:
        return
    yield {
        "e-mail": user.email,
        "language": user.language,
        "time_zone": user.time_zone,
        "joined_at": user.joined_at,
        "last_signed_in_at": user.last_login,
        "second_factors": [
            {"kind": factor.get_type_display(), "added_at": factor.created_at, "used_at": factor.last_used_at}
            for factor in Authenticator.objects.filter(user=user).order_by("pk")
        ],
        "sessions": [
            {
                "device": devices.in_words(session.user_agent),
                "address": session.ip,
                "began_at": session.created_at,
                "used_at": session.last_seen_at,
            }
            for session in UserSession.objects.filter(user=user).order_by("pk")
        ],
        "known_by_the_company_s_sign_in_as": [
            account.uid for account in SocialAccount.objects.filter(user=user).order_by("pk")
        ],
    }


def _erase_sign_in(employee: Employee) -> None:
    if employee.user_id is None:
        return
    Authenticator.objects.filter(user_id=employee.user_id).delete()
    EmailAddress.objects.filter(user_id=employee.user_id).delete()
    SocialAccount.objects.filter(user_id=employee.user_id).delete()
    UserSession.objects.filter(user_id=employee.user_id).delete()
    Draft.objects.filter(user_id=employee.user_id).delete()
    SavedFilter.objects.filter(owner_id=employee.user_id).delete()
    IdempotencyKey.objects.filter(user_id=employee.user_id).delete()
    Attachment.objects.filter(created_by_id=employee.user_id).delete()
    Job.objects.filter(asked_by_id=employee.user_id).exclude(failure="").update(failure=ERASED)
    for session in Session.objects.iterator():
        if session.get_decoded().get("_auth_user_id") == str(employee.user_id):
            session.delete()


def _roles(employee: Employee) -> Iterable[Row]:
    for row in RoleAssignment.objects.filter(employee=employee).select_related("role").order_by("starts_at", "pk"):
        yield {"role": row.role.name, "from": row.starts_at, "until": row.ends_at}
    stands_in = Delegation.objects.filter(Q(employee=employee) | Q(delegate=employee))
    for delegation in stands_in.select_related("employee", "delegate").order_by("starts_at", "pk"):
        yield {
            "away": delegation.employee.name,
            "stands_in": delegation.delegate.name,
            "from": delegation.starts_at,
            "until": delegation.ends_at,
        }


def _keep_roles(employee: Employee) -> None:
    """Rules judged by them: they stay, under the number."""


def _preferences(employee: Employee) -> Iterable[Row]:
    for row in NotificationPreference.objects.filter(employee=employee).order_by("topic", "channel"):
        yield {"topic": row.topic, "channel": row.channel, "is_wanted": row.is_wanted}


def _erase_preferences(employee: Employee) -> None:
    NotificationPreference.objects.filter(employee=employee).delete()


def _messages(employee: Employee) -> Iterable[Row]:
    for message in Message.objects.filter(employee=employee).order_by("pk"):
        yield {"told_at": message.created_at, "read_at": message.read_at, "text": messages.title_of(message)}


def _erase_messages(employee: Employee) -> None:
    Message.objects.filter(employee=employee).delete()


def _notes(employee: Employee) -> Iterable[Row]:
    """Notes that the vendor shared with the client; internal ones never reach a client (law N1)."""
    shared = ServiceNote.objects.filter(people=employee, visibility=ServiceNote.Visibility.SHARED)
    for note in shared.order_by("happened_at", "pk"):
        yield {"happened_at": note.happened_at, "kind": note.get_kind_display(), "text": note.text}


def _erase_notes(employee: Employee) -> None:
    """Notes that name the person lose their words; that there was a call or a meeting, and when, stays."""
    notes = ServiceNote.objects.filter(people=employee)
    ServiceNoteVersion.objects.filter(note__in=notes).update(text=ERASED)
    for note in notes:
        note.follow_ups.exclude(outcome="").update(outcome=ERASED)
        note.follow_ups.update(text=ERASED)
    ServiceNote.objects.filter(pk__in=[note.pk for note in notes]).update(text=ERASED)


def _requests(employee: Employee) -> Iterable[Row]:
    if employee.user_id is None:
        return
    mine = Approval.objects.filter(Q(asked_by=employee.user_id) | Q(decided_by=employee.user_id))
    for row in mine.order_by("pk"):
        is_asker = row.asked_by_id == employee.user_id
        yield {
            "kind": row.kind,
            "part": "asked" if is_asker else "decided",
            "asked_at": row.asked_at,
            "decided_at": row.decided_at,
            "state": row.get_state_display(),
            "points": row.points,
            "words": row.note if is_asker else row.reason,
        }


def _erase_requests(employee: Employee) -> None:
    if employee.user_id is None:
        return
    mine = Approval.objects.filter(Q(asked_by=employee.user_id) | Q(decided_by=employee.user_id))
    mine.exclude(note="").update(note=ERASED)
    mine.exclude(reason="").update(reason=ERASED)


def _records(employee: Employee) -> Iterable[Row]:
    for reason in _reasons_about(employee).select_related("entry").order_by("entry"):
        yield {"at": reason.entry.at, "what": reason.entry.action, "why": reason.text}


def _erase_records(employee: Employee) -> None:
    _reasons_about(employee).update(text=ERASED)
    kinds = ContentType.objects.get_for_models(Employee, User)
    about = Q(content_type=kinds[Employee], object_id=str(employee.pk))
    if employee.user_id is not None:
        about |= Q(content_type=kinds[User], object_id=str(employee.user_id)) | Q(user=employee.user_id)
    LogEntry.objects.filter(about).update(object_repr=f"#{employee.pk}", change_message="")


def _reasons_about(employee: Employee) -> QuerySet[AuditReason]:
    about = Q(entry__subject_type="accounts.employee", entry__subject_id=employee.pk) | Q(
        entry__numbers__employee=employee.pk
    )
    if employee.user_id is not None:
        about |= Q(entry__actor=employee.user_id) | Q(
            entry__subject_type="accounts.user", entry__subject_id=employee.user_id
        )
    return AuditReason.objects.filter(about)
