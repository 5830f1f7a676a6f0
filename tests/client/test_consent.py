"""The management's consent: seen, commented on, signed, changed and withdrawn by those who may."""

from datetime import timedelta

import pytest

from accounts.actors import Actor, actor_of_employee
from accounts.models import AuditEntry, Employee, StakeholderRole
from loyalty.memberships import NotYoursToSayError, NotYoursToSignError, comment, sign_consent, sign_withdrawal
from loyalty.models import Consent, Membership, ProgramComment
from tests.client.conftest import Firm, SignIn
from tests.client.pages import source_of, words_of
from tests.factories.canaries import fingerprint
from tests.factories.world import (
    NOW,
    a_company,
    a_member,
    a_program,
    a_role,
    an_admin,
    an_employee,
    consent_to,
)

pytestmark = pytest.mark.django_db

SIGN = {"step": "sign", "who": "all"}


def acting(employee: Employee, **changes: int) -> Actor:
    """The employee at NOW."""
    found = Employee.objects.select_related("company").get(pk=employee.pk)
    return actor_of_employee(found, now=NOW, **changes)


@pytest.fixture
def unsigned(firm: Firm) -> Membership:
    """The firm in a second program, older than the first, to which nobody has agreed."""
    program = a_program(name="Second", code="second", tiers={})
    StakeholderRole.objects.create(code="buyer", name="Buyer")
    return a_member(program, firm.membership.company)


def test_admin_signs_for_the_company_and_it_is_on_record(firm: Firm, unsigned: Membership) -> None:
    signed = sign_consent(actor=acting(firm.admin), membership=unsigned, roles=["buyer"], monthly_limit=500, now=NOW)

    assert (signed.given_by_id, signed.roles, signed.monthly_limit) == (firm.admin.user_id, ["buyer"], 500)
    assert (signed.starts_at, signed.ends_at) == (NOW, None)
    entry = AuditEntry.objects.get(action="consent-given", subject_id=signed.pk)
    assert (entry.actor_id, entry.company_id) == (firm.admin.user_id, firm.membership.company_id)


def test_changing_the_limit_ends_the_consent_of_before(firm: Firm) -> None:
    sign_consent(actor=acting(firm.admin), membership=firm.membership, roles=[], monthly_limit=70, now=NOW)

    rows = Consent.objects.filter(membership=firm.membership).order_by("pk")
    assert [(row.monthly_limit, row.ends_at) for row in rows] == [(None, NOW), (70, None)]


def test_signing_the_same_again_writes_nothing(firm: Firm, unsigned: Membership) -> None:
    first = sign_consent(actor=acting(firm.admin), membership=unsigned, roles=["b", "a"], monthly_limit=5, now=NOW)
    before = fingerprint()

    second = sign_consent(
        actor=acting(firm.admin), membership=unsigned, roles=["a", "b"], monthly_limit=5, now=NOW + timedelta(1)
    )

    assert second == first
    assert fingerprint() == before


def test_nobody_without_the_right_signs_or_withdraws(firm: Firm) -> None:
    decider = an_employee(firm.membership.company, buying_role="DECIDES")
    foreign = an_admin(a_member(firm.program, a_company()).company)
    seen = acting(firm.admin, seen_by_user_id=foreign.user_id or 0)
    before = fingerprint()

    for actor in (acting(decider), acting(firm.member), acting(foreign), seen, Actor(at=NOW)):
        with pytest.raises(NotYoursToSignError):
            sign_consent(actor=actor, membership=firm.membership, roles=[], monthly_limit=1, now=NOW)
        with pytest.raises(NotYoursToSignError):
            sign_withdrawal(actor=actor, membership=firm.membership, now=NOW)

    assert fingerprint() == before


def test_comment_is_for_the_management_and_kept_once(firm: Firm) -> None:
    decider = an_employee(firm.membership.company, buying_role="DECIDES")
    foreign = an_admin(a_company())

    for _click in range(2):
        comment(actor=acting(decider), membership=firm.membership, text="Too little for the workshop.", now=NOW)
    before = fingerprint()
    for actor in (acting(firm.member), acting(foreign), Actor(at=NOW)):
        with pytest.raises(NotYoursToSayError):
            comment(actor=actor, membership=firm.membership, text="Slipped in", now=NOW)

    row = ProgramComment.objects.get()
    assert (row.author, row.text, row.created_at) == (decider, "Too little for the workshop.", NOW)
    assert fingerprint() == before


def test_page_signs_changes_and_withdraws(firm: Firm, unsigned: Membership, sign_in: SignIn) -> None:
    client = sign_in(firm.admin)
    address = "/company/consent/?program=second"

    asked = words_of(client.get(address))
    signed = client.post(address, {**SIGN, "who": "some", "roles": ["buyer"], "monthly_limit": "500"}, follow=True)
    confirm = words_of(client.get("/company/consent/withdraw/?program=second"))
    gone = client.post("/company/consent/withdraw/?program=second", follow=True)

    assert "Not agreed" in asked
    assert "Sign for the company" in asked
    assert signed.redirect_chain == [(address, 302)]
    assert (
        "At most 500 points a person and month Points that a person may not earn are given to nobody Signed"
        in words_of(signed)
    )
    assert "Your people earn no points of their own from this moment on." in confirm
    assert "What they have stays theirs; they can spend it until" in confirm
    assert gone.redirect_chain == [(address, 302)]
    assert "The consent is withdrawn." in words_of(gone)
    assert "Not agreed" in words_of(gone)
    assert "Before Who may earn Buyer" in words_of(gone)
    assert Consent.objects.get(membership=unsigned).ends_at is not None
    assert Consent.objects.get(membership=firm.membership).ends_at is None


def test_withdrawing_what_is_not_there_changes_nothing(firm: Firm, unsigned: Membership, sign_in: SignIn) -> None:
    client = sign_in(firm.admin)
    before = fingerprint()

    page = words_of(client.get("/company/consent/withdraw/?program=second"))
    done = client.post("/company/consent/withdraw/?program=second", follow=True)

    assert "There is no consent in force, so there is nothing to withdraw." in page
    assert "There was no consent to withdraw." in words_of(done)
    assert fingerprint() == before


def test_decider_reads_and_comments_and_does_not_sign(firm: Firm, sign_in: SignIn) -> None:
    client = sign_in(an_employee(firm.membership.company, name="Dora", buying_role="DECIDES"))
    before = fingerprint()

    shown = client.get("/company/consent/")
    statuses = [
        client.post("/company/consent/", SIGN).status_code,
        client.get("/company/consent/withdraw/").status_code,
        client.post("/company/consent/withdraw/").status_code,
    ]

    assert "The admins of your company sign." in words_of(shown)
    assert 'value="sign"' not in source_of(shown)
    assert statuses == [403, 403, 403]
    assert fingerprint() == before

    said = client.post("/company/consent/", {"step": "comment", "text": "<b>Fine</b> by me"}, follow=True)

    assert "Your comment has reached the vendor." in words_of(said)
    assert "Dora" in words_of(said)
    assert "&lt;b&gt;Fine&lt;/b&gt; by me" in source_of(said)


@pytest.mark.parametrize(
    "wrong",
    [
        {"who": ""},
        {"who": "nobody"},
        {"who": "some"},
        {"who": "some", "roles": ["wizard"]},
        {"monthly_limit": "0"},
        {"monthly_limit": "-1"},
        {"monthly_limit": "1.5"},
        {"monthly_limit": "9" * 30},
        {"monthly_limit": "\0"},
        {"step": "comment"},
        {"step": "comment", "text": "a" * 2_001},
        {"step": "comment", "text": "\u202eevil"},
    ],
)
def test_what_cannot_be_signed_or_said_is_refused(firm: Firm, sign_in: SignIn, wrong: dict[str, object]) -> None:
    a_role(firm.member, "buyer")
    client = sign_in(firm.admin)
    before = fingerprint()

    refused = client.post("/company/consent/", {**SIGN, **wrong})

    assert refused.status_code == 422
    assert "Please correct this first" in words_of(refused)
    assert fingerprint() == before


def test_history_tells_who_agreed_to_what_and_until_when(firm: Firm, sign_in: SignIn) -> None:
    sign_consent(actor=acting(firm.admin), membership=firm.membership, roles=[], monthly_limit=70, now=NOW)
    stranger = a_member(firm.program, a_company())
    consent_to(stranger, by=an_admin(stranger.company, name="Foreign").user, monthly_limit=123_456)

    words = words_of(sign_in(firm.admin).get("/company/consent/"))

    assert "Now Agreed Who may earn Everybody who works here At most 70 points a person and month" in words
    assert "Before Who may earn Everybody who works here At most no limit of your own" in words
    assert "123,456" not in words


def test_program_is_told_with_its_rules(firm: Firm, sign_in: SignIn) -> None:
    words = words_of(sign_in(firm.admin).get("/company/consent/"))

    assert "Points do not expire." in words
    assert "Read the 2 rules" in words
    assert "1 point for each full 1 GBP of amount to the company and the same to the employee" in words
