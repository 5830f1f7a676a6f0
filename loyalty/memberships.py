"""How companies come into a program, and what their managements agree to."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count

from accounts import audit
from accounts.actors import Actor
from accounts.models import Company, Employee, User
from loyalty.ledger import Owner, ensure_wallets
from loyalty.models import Consent, Membership, Program, ProgramComment, Tier, TierAssignment
from loyalty.webhooks import announce_consent

SPENDING_TIME = timedelta(days=90)
"""How long people keep to spend their points after their management withdrew its consent."""


class NotYoursToSignError(Exception):
    """Whoever signs or withdraws a consent is no admin of the company that it binds."""


class NotYoursToSayError(Exception):
    """Whoever comments on a program is not of the management of a company in it."""


@dataclass(frozen=True, slots=True)
class Joining:
    """A company that comes into a program, from a moment on."""

    company_id: int
    starts_at: datetime
    has_one_wallet: bool | None = None
    """None: as the program suggests for a company of so many people."""


def enrol(
    *,
    program: Program,
    joinings: Iterable[Joining],
    origin: Membership.Origin = Membership.Origin.ENROLLED_BY_VENDOR,
) -> list[Membership]:
    """Make companies members of `program`, each with its wallets and the tier that takes no threshold.

    Raises IntegrityError, and enrols nobody, where one of them takes part already.
    """
    joinings = list(joinings)
    companies = Company.objects.filter(pk__in=[one.company_id for one in joinings]).order_by("pk")
    with transaction.atomic():
        # Of two who enrol a company at once, each would wait for the other's row: so one waits for the company instead.
        list(companies.select_for_update(no_key=True).values_list("pk"))
        small = small_among([one.company_id for one in joinings if one.has_one_wallet is None], program)
        small |= {one.company_id for one in joinings if one.has_one_wallet}
        memberships = Membership.objects.bulk_create(
            Membership(
                program=program,
                company_id=joining.company_id,
                origin=origin,
                starts_at=joining.starts_at,
                has_one_wallet=joining.company_id in small,
            )
            for joining in joinings
        )
        ensure_wallets(Owner(program.pk, membership.company_id) for membership in memberships)
        base = Tier.objects.filter(program=program, threshold=0, is_earned=True).first()
        if base is not None:
            TierAssignment.objects.bulk_create(
                TierAssignment(membership=membership, tier=base, starts_at=membership.starts_at)
                for membership in memberships
            )
    return memberships


def small_among(company_ids: Collection[int], program: Program) -> set[int]:
    """Return those companies that have people, and no more than the program gives one wallet; one query or none."""
    most = program.one_wallet_up_to
    if most is None or not company_ids:
        return set()
    people = Employee.objects.filter(company__in=company_ids, is_active=True).values("company").order_by()
    counted = people.annotate(count=Count("pk")).filter(count__lte=most)
    return set(counted.values_list("company", flat=True))


def give_consent(
    *,
    membership: Membership,
    by: User,
    now: datetime,
    roles: Iterable[str] = (),
    monthly_limit: int | None = None,
    unearned: str = Consent.Unearned.LAPSE,
    starts_at: datetime | None = None,
) -> Consent:
    """Write down that a company's management lets its people earn; it takes the place of what it agreed to before.

    `roles` are codes of stakeholder roles, none: every role. `monthly_limit` is in points a person and month.
    `unearned` says where points go that a person may not earn. `starts_at` may lie before `now` when the word was given
    on paper earlier.
    """
    from_ = starts_at or now
    with transaction.atomic():
        Membership.objects.select_for_update(no_key=True).get(pk=membership.pk)
        Consent.objects.filter(membership=membership).in_force(from_).update(ends_at=from_)
        consent = Consent.objects.create(
            membership=membership,
            given_by=by,
            starts_at=from_,
            roles=sorted(roles),
            monthly_limit=monthly_limit,
            unearned=unearned,
        )
        audit.record("consent-given", consent, actor_id=by.pk, now=now, company_id=membership.company_id)
        announce_consent(consent, membership, is_given=True, now=now)
    return consent


def withdraw_consent(*, membership: Membership, by: User, now: datetime) -> int:
    """End the consent in force at `now`; people stop earning and keep SPENDING_TIME to spend. Returns rows ended."""
    with transaction.atomic():
        Membership.objects.select_for_update(no_key=True).get(pk=membership.pk)
        consents = list(Consent.objects.filter(membership=membership).in_force(now))
        for consent in consents:
            consent.ends_at = now
            consent.save(update_fields=["ends_at"])
            audit.record("consent-withdrawn", consent, actor_id=by.pk, now=now, company_id=membership.company_id)
            announce_consent(consent, membership, is_given=False, now=now)
    return len(consents)


def may_sign(actor: Actor, membership: Membership) -> bool:
    """Whether the actor's word binds the company: an admin of it, not somebody who looks through one's eyes."""
    is_of_the_company = actor.is_employee and actor.company_id == membership.company_id
    return is_of_the_company and actor.is_company_admin and not actor.seen_by_user_id


def sign_consent(
    *,
    actor: Actor,
    membership: Membership,
    roles: Iterable[str],
    monthly_limit: int | None,
    unearned: str = Consent.Unearned.LAPSE,
    now: datetime,
) -> Consent:
    """Give the company's consent as one of its admins, or change what it agrees to; the same twice is signed once.

    `roles`, `monthly_limit` and `unearned` as for `give_consent`. Raises NotYoursToSignError; then nothing has changed.
    """
    with transaction.atomic():
        _lock_for_signing(actor, membership)
        wanted = sorted(roles)
        held = Consent.objects.filter(membership=membership).in_force(now).first()
        if held is not None and (sorted(held.roles), held.monthly_limit, held.unearned) == (
            wanted,
            monthly_limit,
            unearned,
        ):
            return held
        signer = User.objects.get(pk=actor.user_id)
        return give_consent(
            membership=membership, by=signer, now=now, roles=wanted, monthly_limit=monthly_limit, unearned=unearned
        )


def sign_withdrawal(*, actor: Actor, membership: Membership, now: datetime) -> int:
    """Withdraw the company's consent as one of its admins; see `withdraw_consent`.

    Raises NotYoursToSignError; then nothing has changed.
    """
    with transaction.atomic():
        _lock_for_signing(actor, membership)
        return withdraw_consent(membership=membership, by=User.objects.get(pk=actor.user_id), now=now)


def _lock_for_signing(actor: Actor, membership: Membership) -> None:
    if not may_sign(actor, membership):
        raise NotYoursToSignError
    Membership.objects.select_for_update(no_key=True).get(pk=membership.pk)


def comment(*, actor: Actor, membership: Membership, text: str, now: datetime) -> ProgramComment:
    """Tell the vendor what a company's management thinks of the program; the same words twice at once are kept once.

    Raises NotYoursToSayError; then nothing has changed.
    """
    if not actor.sees_company or actor.company_id != membership.company_id or actor.seen_by_user_id:
        raise NotYoursToSayError
    with transaction.atomic():
        Membership.objects.select_for_update(no_key=True).get(pk=membership.pk)
        latest = ProgramComment.objects.filter(membership=membership).order_by("-created_at", "-pk").first()
        if latest is not None and (latest.author_id, latest.text) == (actor.employee_id, text):
            return latest
        return ProgramComment.objects.create(
            membership=membership, author_id=actor.employee_id, text=text, created_at=now
        )


class SpendingPeople:
    """Of which companies in a program people may spend what they earned: the consent is in force or ended not long ago.

    Where a company has one wallet, people have none. One query for all companies.
    """

    def __init__(self, *, program_id: int, company_ids: Collection[int]) -> None:
        rows = Consent.objects.filter(
            membership__program=program_id, membership__company__in=company_ids, membership__has_one_wallet=False
        )
        self._spans = list(rows.values_list("membership__company", "starts_at", "ends_at"))

    def of(self, company_id: int, *, now: datetime) -> bool:
        """Whether those of a company may."""
        return any(
            starts_at <= now and (ends_at is None or now < ends_at + SPENDING_TIME)
            for agreed_by, starts_at, ends_at in self._spans
            if agreed_by == company_id
        )


def people_may_spend(*, program_id: int, company_id: int, now: datetime) -> bool:
    """Whether the people of one company may spend what they earned; see `SpendingPeople`."""
    return SpendingPeople(program_id=program_id, company_ids=[company_id]).of(company_id, now=now)
