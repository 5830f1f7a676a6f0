"""What a canary company's people have: ways in, words, records, what is known of them, promises made to them."""

from dataclasses import replace
from datetime import datetime, timedelta

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.utils import timezone

from accounts import audit, jobs
from accounts.erasing import ask_to_erase, withdraw_erasure
from accounts.follow_ups import Promise, finish, move
from accounts.models import (
    AuditEntry,
    Company,
    CompanyProfile,
    Draft,
    Employee,
    FollowUp,
    Import,
    ImportMapping,
    Interest,
    Job,
    Mail,
    MailReport,
    Message,
    PeriodicWork,
    Pulse,
    SavedFilter,
    Segment,
    SegmentMembership,
    ServiceNote,
    StakeholderRole,
    SuppressedAddress,
    User,
    WebhookAttempt,
    WebhookDelivery,
)
from accounts.preferences import Switch, set_preferences
from accounts.service_notes import edit_note, words_of, write_note
from loyalty.figures import take_figures
from loyalty.models import (
    ActivityAttribute,
    ActivityType,
    BookDay,
    CohortMonth,
    EndNotice,
    HandedOver,
    Membership,
    Program,
    ProgramComment,
    Source,
    Transaction,
)
from tests.factories.callers import a_caller
from tests.factories.canaries.marks import INTERNAL, user_of
from tests.factories.identity_provider import a_single_sign_on
from tests.factories.world import (
    EPOCH,
    a_role,
    a_user,
    an_employee,
)


def jobs_of(canary: str, people: tuple[User, ...], now: datetime) -> None:
    """One that each of the people asked for, one of them failed; and one that comes round."""
    for user in people:
        jobs.ask(kind=f"{canary}-job", parameters={"code": f"{canary}-code"}, asked_by_id=user.pk, now=now)
    failed = Job.objects.filter(asked_by=people[0])
    failed.update(state="FAILED", ended_at=now, failure=f"{canary} failure", result={"code": f"{canary}-code"})
    PeriodicWork.objects.create(
        code=f"{canary}-work", next_due_at=now, job=failed[0], failed_at=now, failure=f"{canary} failure"
    )


def records_of(
    company: Company,
    canary: str,
    manager: User,
    people: tuple[Employee, Employee, Employee],
    account_manager: User,
    now: datetime,
) -> None:
    """What the installation writes down by itself, or on the way of other work."""
    member, colleague, admin = people
    take_figures(now=now)
    end_of(company, member, now)
    Pulse.objects.create(code=f"{canary}-pulse", at=now)
    asked = ask_to_erase(employee_id=colleague.pk, by_user_id=user_of(colleague).pk, now=now)
    withdraw_erasure(erasure_id=asked.pk, by_user_id=user_of(colleague).pk, now=now)
    jobs_of(canary, (user_of(member), user_of(admin), account_manager), now)
    for model in (Import, ImportMapping):
        model.objects.create(
            kind="companies",
            name=f"{INTERNAL} {canary} file",
            terms={"form": {"is_workbook": True}, "columns": {"name": f"{canary} column"}},
            created_by=manager,
        )
    Import.objects.filter(name=f"{INTERNAL} {canary} file").update(
        checked={"differences": [{"line": 1, "changes": [["name", f"{canary} before", f"{canary} after"]]}]},
        done={"refusals": [{"line": 1, "column": "name", "sentence": f"{canary} is refused"}]},
    )
    told = WebhookDelivery.objects.filter(event__company=company).earliest("pk")
    WebhookAttempt.objects.create(delivery=told, at=now, status=500, failure="STATUS", answer=f"{canary} is shut")
    entry = audit.record("looked-at", company, actor_id=manager.pk, now=now, reason=f"{INTERNAL} {canary} reason")
    AuditEntry.objects.create(
        action=f"{canary}-action",
        subject_type=f"{canary}-type",
        subject_id=entry.pk,
        company=company,
        numbers={"code": f"{canary}-code"},
    )


def end_of(company: Company, member: Employee, now: datetime) -> None:
    """What a program's end leaves: told once, and points to be paid out; and a closed day on which nothing happened."""
    quiet, _is_new = Program.objects.get_or_create(
        code="quiet", defaults={"name": "Quiet", "currency": "GBP", "time_zone": "UTC"}
    )
    day = now.date()
    BookDay.objects.get_or_create(
        program=quiet, day=day, defaults={"opening": 0, "available": 0, "waiting": 0, "debt": 0}
    )
    CohortMonth.objects.get_or_create(program=quiet, cohort=day, month=day, defaults={"used": 0, "expired": 0})
    act = Transaction.objects.filter(company=company).earliest("pk")
    EndNotice.objects.get_or_create(
        program_id=act.program_id, about=EndNotice.About.END, last_earn_on=now.date(), last_spend_on=now.date(),
        defaults={"told_at": now},
    )  # fmt: skip
    HandedOver.objects.create(
        program_id=act.program_id, company=company, employee=member, points=7, amount=1, currency="GBP",
        transaction=act, made_at=now,
    )  # fmt: skip


def a_person(company: Company, canary: str, word: str) -> Employee:
    return an_employee(
        company,
        user=a_user(name=f"{canary} {word} login", email=f"{canary}-{word}@example.com"),
        name=f"{canary} {word}",
        alias=f"{canary} {word} alias",
        phone=f"{canary} {word} phone",
        external_id=f"{canary}-{word}-number",
    )


def ways_in_of(company: Company, canary: str, colleague: Employee) -> None:
    """A provider that is switched off, as from outside it is not to be told from none; a session and a passkey."""
    a_single_sign_on(company, f"https://{canary}.example", f"{canary}.example", client_id=canary, is_active=False)
    user = user_of(colleague)
    UserSession.objects.create(user=user, ip="192.0.2.1", session_key=f"{canary}-session", user_agent=canary)
    passkey = {"name": f"{canary} passkey", "credential": {}}
    Authenticator.objects.create(user=user, type=Authenticator.Type.WEBAUTHN, data=passkey)


def roles_of(company: Company, canary: str, *people: Employee) -> None:
    StakeholderRole.objects.create(code=f"{canary}-role", name=f"{canary} role")
    interest = Interest.objects.create(code=f"{canary}-interest", name=f"{canary} interest")
    segment = Segment.objects.create(code=f"{canary}-segment", name=f"{canary} segment")
    told = {"fact": "company.country", "op": "eq", "value": f"{canary} country"}
    Segment.objects.create(code=f"{canary}-told", name=f"{canary} told by a condition", condition=told)
    SegmentMembership.objects.create(segment=segment, company=company, starts_at=EPOCH)
    for person in people:
        person.interests.add(interest)
        a_role(person, f"{canary}-role")
    source = Source.objects.create(code=f"{canary}-source", name=f"{canary} source", kind=Source.Kind.API)
    a_caller(companies=[company], sources=[source], name=f"{canary} system")
    kind = ActivityType.objects.create(code=f"{canary}-type", name=f"{canary} type")
    for code, value_type in (("place", "TEXT"), ("size", "NUMBER")):
        ActivityAttribute.objects.create(
            activity_type=kind, code=f"{canary}-{code}", name=f"{canary} {code}", type=value_type, unit=f"{canary} unit"
        )


def knowledge_of(company: Company, canary: str, author: User, member: Employee, now: datetime) -> None:
    CompanyProfile.objects.create(
        company=company,
        **{
            name: f"{INTERNAL} {canary} {name}"
            for name in ("goals", "values", "decision_process", "processes", "problems")
        },
    )
    for visibility, text in (("INTERNAL", f"{INTERNAL} {canary} note"), ("SHARED", f"{canary} shared note")):
        write_note(
            company=company,
            author_id=author.pk,
            kind=ServiceNote.Kind.WISH,
            text=text,
            happened_at=now,
            visibility=visibility,
            people=[member],
        )
    SavedFilter.objects.create(
        owner=author, screen=f"{canary}.Screen", name=f"{INTERNAL} {canary} filter", query=f"q={canary}"
    )
    Message.objects.create(employee=member, kind=f"{canary}-kind", subject_id=1, facts={"words": f"{canary} words"})
    mail = Mail.objects.create(
        kind=f"{canary}-kind", user=member.user, address=user_of(member).email, facts={"words": f"{canary} words"},
        state=Mail.State.FAILED, ended_at=now, why=f"{canary} refused",
    )  # fmt: skip
    MailReport.objects.create(mail=mail, address=mail.address, event="BOUNCE", kind="SOFT", at=now)
    SuppressedAddress.objects.create(address=mail.address, reason="BOUNCE", lifted_at=now)
    set_preferences(employee_id=member.pk, wanted=[Switch("ORDERS", "INBOX")])


def service_of(
    company: Company, canary: str, author: User, decider: Employee, now: datetime
) -> tuple[ServiceNote, FollowUp]:
    """A shared promise that was kept, an internal one that was moved in an edited note, a comment, and a draft."""
    today = timezone.localdate(now)
    by, due_on = author.pk, today + timedelta(days=3)

    def promised(word: str, visibility: str) -> tuple[ServiceNote, FollowUp]:
        note = write_note(
            company=company, author_id=by, kind=ServiceNote.Kind.CALL, text=f"{word} promise was made",
            happened_at=now, visibility=visibility, promise=Promise(f"{word} promise", due_on, now),
        )  # fmt: skip
        return note, FollowUp.objects.get(note=note)

    _note, kept = promised(canary, ServiceNote.Visibility.SHARED)
    finish(follow_up_id=kept.pk, by_user_id=by, outcome=f"{canary} outcome", now=now)
    note, follow_up = promised(f"{INTERNAL} {canary}", ServiceNote.Visibility.INTERNAL)
    edited = replace(words_of(note), text=f"{INTERNAL} {canary} edited")
    edit_note(note_id=note.pk, words=edited, edits_seen=0, by_user_id=by, now=now)
    move(
        follow_up_id=follow_up.pk, to_on=due_on + timedelta(days=1), reason=f"{INTERNAL} {canary} reason",
        by_user_id=by, today=today, now=now,
    )  # fmt: skip
    ProgramComment.objects.create(
        membership=Membership.objects.filter(company=company).earliest("pk"), author=decider,
        text=f"{canary} comment", created_at=now,
    )  # fmt: skip
    Draft.objects.create(
        user=author, address=f"/{canary}/", fields={"text": [f"{INTERNAL} {canary} typed"]}, saved_at=now
    )
    return note, follow_up
