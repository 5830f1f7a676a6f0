"""The scene: memberships under lock, and everything known of the companies and people of a batch, read after it.

Role, segment, tier, agreement and consent are dated rows; the scene keeps all of them, and is asked as of a moment.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol

from accounts import arrays
from accounts.conditions import Value
from accounts.facts import COMPANY_COUNTRY, COMPANY_KIND, COMPANY_SEGMENTS, EMPLOYEE_BUYING_ROLE, EMPLOYEE_ROLES
from loyalty.activities.configuration import Configuration, configuration
from loyalty.activities.dated import Belonging, Enrolment, GivenConsent, InForce, Promoted
from loyalty.activities.items import Arrival, Batch
from loyalty.activities.limits import Doer
from loyalty.earning import MAY_EARN, MayEarn, Person, Promotion, may_earn_by
from loyalty.ledger import Owner
from loyalty.models import Consent
from loyalty.own_activities import PROGRAM_ATTRIBUTE
from loyalty.rulebook import NO_RULES, TypeRules, rule_set_at

Rows = list[tuple[Any, ...]]

_NOTHING: frozenset[str] = frozenset()
_NOBODY: frozenset[int] = frozenset()


class Done(Protocol):
    """What somebody did: an activity that arrives, stands, or followed from another."""

    @property
    def company_id(self) -> int: ...

    @property
    def employee_id(self) -> int | None: ...

    @property
    def object(self) -> str: ...

    @property
    def occurred_at(self) -> datetime: ...


@dataclass(slots=True)
class Scene:
    """What is known of the companies, people and programs of one batch."""

    configuration: Configuration
    memberships: dict[int, list[Enrolment]] = field(default_factory=dict)
    companies: dict[int, dict[str, Value]] = field(default_factory=dict)
    segments: dict[int, list[Belonging]] = field(default_factory=dict)
    consents: dict[int, list[GivenConsent]] = field(default_factory=dict)
    buying_roles: dict[int, str] = field(default_factory=dict)
    roles: dict[int, list[Belonging]] = field(default_factory=dict)
    agreements: dict[int, list[InForce]] = field(default_factory=dict)
    promotions: dict[int, list[Promoted]] = field(default_factory=dict)
    one_wallets: frozenset[int] = _NOBODY
    """Memberships whose people have no wallets of their own now, whenever it was that they did something."""

    def memberships_at(self, company_id: int, at: datetime) -> list[Enrolment]:
        """Return the company's memberships in force at `at`, by program."""
        return [membership for membership in self.memberships.get(company_id, []) if membership.holds_at(at)]

    def judged_in(self, arrival: Arrival) -> list[Enrolment]:
        """Return the memberships in which an activity is judged; what follows from another names its one program."""
        there = self.memberships_at(arrival.item.company_id, arrival.item.occurred_at)
        if arrival.type_id not in self.configuration.derived_types:
            return there
        programs, code = self.configuration.programs, arrival.attributes.get(PROGRAM_ATTRIBUTE)
        return [membership for membership in there if programs[membership.program_id].code == code]

    def day(self, program_id: int, at: datetime) -> date:
        """Return the day that `at` lies in where the program is."""
        return at.astimezone(self.configuration.zones[program_id]).date()

    def earns_at(self, program_id: int, at: datetime) -> bool:
        """Whether what is done at `at` can bring points: the program's last day to earn is not over."""
        last_day = self.configuration.programs[program_id].last_earn_on
        return last_day is None or self.day(program_id, at) <= last_day

    def rules_at(self, doer: Doer, type_id: int) -> tuple[int | None, int | None, TypeRules]:
        """Return the rules in force for somebody's activity of a type: the ids of their version and of the agreement.

        None of either: there is none. After a program's last day to earn no rules hold.
        """
        at = doer.occurred_at
        if not self.earns_at(doer.program_id, at):
            return None, None, NO_RULES
        rule_set_id = rule_set_at(self.configuration.terms.get(doer.program_id, []), at)
        agreement_id = self.agreement_at(doer.membership_id, at) if rule_set_id is not None else None
        return rule_set_id, agreement_id, self.configuration.rules_of(rule_set_id, type_id, agreement_id)

    def agreement_at(self, membership_id: int, at: datetime) -> int | None:
        """Return the id of the agreement in force at `at`; None where there is none."""
        agreements = self.agreements.get(membership_id, ())
        return next((agreement.id for agreement in agreements if agreement.holds_at(at)), None)

    def promotions_of(self, doer: Doer) -> list[Promotion]:
        """Return the promotions that hold for what somebody did, of the company and of any of its people."""
        of_company = self.promotions.get(doer.membership_id)
        return [each.promotion for each in of_company if each.holds_at(doer.occurred_at)] if of_company else []

    def company_facts(self, company_id: int, at: datetime) -> dict[str, Value]:
        """Return the facts of a company as of a moment."""
        return {**self.companies[company_id], COMPANY_SEGMENTS: _codes_at(self.segments.get(company_id, ()), at)}

    def employee_facts(self, employee_id: int | None, membership_id: int, at: datetime) -> dict[str, Value]:
        """Return the facts of the activity's person, and whether that person may earn in this membership."""
        if employee_id is None:
            return {MAY_EARN: MayEarn.NO_EMPLOYEE.value}
        person = self.person(employee_id, membership_id, at)
        return {
            MAY_EARN: person.may_earn.value,
            EMPLOYEE_ROLES: person.roles,
            EMPLOYEE_BUYING_ROLE: self.buying_roles.get(employee_id),
        }

    def person(self, employee_id: int, membership_id: int, at: datetime) -> Person:
        """Return somebody's roles as of a moment, and whether that person may earn in this membership."""
        roles = _codes_at(self.roles.get(employee_id, []), at)
        if membership_id in self.one_wallets:
            return Person(employee_id, MayEarn.ONE_WALLET, roles)
        consent = self.consent_at(membership_id, at)
        may_earn = (
            MayEarn.NO_CONSENT
            if consent is None
            else may_earn_by(consent.roles, roles, is_for_company=consent.is_for_company)
        )
        return Person(employee_id, may_earn, roles)

    def has_one_wallet(self, owner: Owner) -> bool:
        """Whether what a person has or owes is the company's."""
        return owner.employee_id is not None and any(
            row.has_one_wallet
            for row in self.memberships.get(owner.company_id, ())
            if row.program_id == owner.program_id
        )

    def people(self, employee_ids: Iterable[int], doer: Doer) -> tuple[Person, ...]:
        """Return those who had a part in what was done."""
        return tuple(self.person(employee_id, doer.membership_id, doer.occurred_at) for employee_id in employee_ids)

    def consent_of(self, doer: Doer) -> GivenConsent | None:
        """Return the consent under which somebody did something."""
        return self.consent_at(doer.membership_id, doer.occurred_at)

    def doer(self, membership: Enrolment, of: Done) -> Doer:
        """Return who did something, as a member of a program."""
        program_id = membership.program_id
        day = self.day(program_id, of.occurred_at)
        shared_id = self.configuration.shared_id(program_id, of.company_id)
        return Doer(program_id, of.company_id, of.employee_id, membership.id, of.occurred_at, day, shared_id, of.object)

    def consent_at(self, membership_id: int, at: datetime) -> GivenConsent | None:
        """Return the consent in force at `at`."""
        for row in self.consents.get(membership_id, ()):
            if row.holds_at(at):
                return row
        return None


def read_scene(batch: Batch) -> Scene:
    """Lock the memberships of the batch's companies, by id; then, in later statements, read what is known of them."""
    arrivals = batch.open
    scene = Scene(batch.known.configuration)
    company_ids = list({arrival.item.company_id for arrival in arrivals})
    employee_ids = list({employee_id for arrival in arrivals for employee_id in arrival.item.people})
    # A return may undo what a person earned without naming the person.
    asks_people = bool(employee_ids or batch.awaited or any(arrival.item.reverses for arrival in arrivals))
    locked = arrays.ask(f"{_MEMBERSHIPS} FOR NO KEY UPDATE", company_ids)
    companies = arrays.ask(_COMPANIES, company_ids)
    consents, people = (
        (arrays.ask(_CONSENTS, company_ids), arrays.ask(_PEOPLE, employee_ids)) if asks_people else (None, None)
    )
    for program_id in _take_memberships(scene, locked.rows):
        if program_id not in scene.configuration.programs:  # it began after the batch was checked
            scene.configuration = configuration()
    if scene.memberships:
        _take_companies(scene, companies.rows)
        if consents is not None and people is not None:
            _take_consents(scene, consents.rows)
            _take_people(scene, people.rows)
    return scene


def members_of(company_ids: Sequence[int], program_id: int) -> list[Enrolment]:
    """Return the memberships of companies in a program; nothing is locked."""
    scene = Scene(configuration())
    _take_memberships(scene, arrays.fetch(_MEMBERSHIPS, [*company_ids]))
    return [row for rows in scene.memberships.values() for row in rows if row.program_id == program_id]


def look_at(known: Configuration, members: Iterable[Enrolment]) -> Scene:
    """Return what is known of members of a program and all of their people; nothing is locked.

    One query, and one each for agreements and promotions where there are any.
    """
    scene = Scene(known)
    for row in members:
        scene.memberships.setdefault(row.company_id, []).append(row)
        if row.has_one_wallet:
            scene.one_wallets |= {row.id}
    parts: dict[str, Rows] = {"company": [], "consent": [], "person": []}
    for part, *columns in arrays.fetch(_OF_MEMBERS, *[[*scene.memberships]] * 3):
        parts[part].append(tuple(columns))
    _take_companies(scene, [(*of[:6], *of[8:]) for of in parts["company"]])
    _take_consents(scene, [(of[0], of[6], of[7], of[1], *of[8:]) for of in parts["consent"]])
    _take_people(scene, [(of[0], of[1], of[5], *of[8:]) for of in parts["person"]])
    return scene


_MEMBERSHIPS = """
    SELECT id, company_id, program_id, starts_at, ends_at, has_one_wallet FROM loyalty_membership
    WHERE company_id = ANY(%s::bigint[]) ORDER BY id"""
_COMPANIES = """
    SELECT c.id, c.kind, c.country, EXISTS (
               SELECT FROM loyalty_agreement a JOIN loyalty_membership p ON p.id = a.membership_id
               WHERE p.company_id = c.id AND a.status IN ('ACTIVE', 'ENDED')),
           EXISTS (
               SELECT FROM loyalty_personalpromotion o JOIN loyalty_membership p ON p.id = o.membership_id
               WHERE p.company_id = c.id AND o.state = 'APPROVED'),
           s.code, m.starts_at, m.ends_at
    FROM accounts_company c
    LEFT JOIN accounts_segmentmembership m ON m.company_id = c.id
    LEFT JOIN accounts_segment s ON s.id = m.segment_id
    WHERE c.id = ANY(%s::bigint[])"""
_CONSENTS = """
    SELECT c.membership_id, c.roles, c.monthly_limit, c.unearned, c.starts_at, c.ends_at
    FROM loyalty_membership m JOIN loyalty_consent c ON c.membership_id = m.id
    WHERE m.company_id = ANY(%s::bigint[])"""
_PEOPLE = """
    SELECT e.id, e.buying_role, r.code, a.starts_at, a.ends_at FROM accounts_employee e
    LEFT JOIN accounts_roleassignment a ON a.employee_id = e.id
    LEFT JOIN accounts_stakeholderrole r ON r.id = a.role_id
    WHERE e.id = ANY(%s::bigint[])"""

_OF_MEMBERS = f"""
    SELECT 'company', of.id, of.kind, of.country, of.has_agreement, of.has_promotion, of.code,
           NULL::text[], NULL::bigint, of.starts_at, of.ends_at
    FROM ({_COMPANIES}) AS of (id, kind, country, has_agreement, has_promotion, code, starts_at, ends_at)
    UNION ALL
    SELECT 'consent', of.membership_id, of.unearned, NULL, NULL, NULL, NULL, of.roles, of.monthly_limit,
           of.starts_at, of.ends_at
    FROM ({_CONSENTS}) AS of
    UNION ALL
    SELECT 'person', of.id, of.buying_role, NULL, NULL, NULL, of.code, NULL, NULL, of.starts_at, of.ends_at
    FROM ({_PEOPLE.replace("e.id = ANY", "e.company_id = ANY")}) AS of (id, buying_role, code, starts_at, ends_at)"""  # noqa: S608 (the parts are code)
"""The same in one statement: which part, then the columns of all parts, empty where a part has none such."""


def _take_memberships(scene: Scene, rows: Rows) -> set[int]:
    """Take in memberships; return the programs that they are in."""
    programs: set[int] = set()
    for membership_id, company_id, program_id, starts_at, ends_at, has_one_wallet in rows:
        enrolment = Enrolment(starts_at, ends_at, membership_id, company_id, program_id, has_one_wallet)
        if has_one_wallet:
            scene.one_wallets |= {membership_id}
        scene.memberships.setdefault(company_id, []).append(enrolment)
        programs.add(program_id)
    return programs


def _take_companies(scene: Scene, rows: Rows) -> None:
    have_agreements: set[int] = set()
    have_promotions: set[int] = set()
    for company_id, kind, country, has_agreement, has_promotion, code, starts_at, ends_at in rows:
        scene.companies[company_id] = {COMPANY_KIND: kind, COMPANY_COUNTRY: country or None}
        if has_agreement:
            have_agreements.add(company_id)
        if has_promotion:
            have_promotions.add(company_id)
        if code is not None:
            scene.segments.setdefault(company_id, []).append(Belonging(starts_at, ends_at, code))
    if have_agreements:
        _read_agreements(scene, have_agreements)
    if have_promotions:
        _read_promotions(scene, have_promotions)


def _read_agreements(scene: Scene, company_ids: Collection[int]) -> None:
    """Read when which agreement holds; few companies have one, and what is in it is kept in memory."""
    for membership_id, agreement_id, starts_at, ends_at in arrays.fetch(
        """SELECT membership_id, id, starts_at, ends_at FROM loyalty_agreement
           WHERE membership_id = ANY(%s::bigint[]) AND status IN ('ACTIVE', 'ENDED')""",
        [enrolment.id for company_id in company_ids for enrolment in scene.memberships.get(company_id, ())],
    ):
        scene.agreements.setdefault(membership_id, []).append(InForce(starts_at, ends_at, agreement_id))


def _read_promotions(scene: Scene, company_ids: Collection[int]) -> None:
    for membership_id, starts_at, ends_at, promotion_id, factor, rule_codes, employee_id, budget in arrays.fetch(
        """SELECT membership_id, starts_at, ends_at, id, factor, rule_codes, employee_id, budget
           FROM loyalty_personalpromotion
           WHERE membership_id = ANY(%s::bigint[]) AND state = 'APPROVED' ORDER BY id""",
        [enrolment.id for company_id in company_ids for enrolment in scene.memberships.get(company_id, ())],
    ):
        promotion = Promotion(promotion_id, factor, frozenset(rule_codes), employee_id, budget)
        scene.promotions.setdefault(membership_id, []).append(Promoted(starts_at, ends_at, promotion))


def _take_consents(scene: Scene, rows: Rows) -> None:
    for membership_id, roles, monthly_limit, unearned, starts_at, ends_at in rows:
        is_for_company = unearned == Consent.Unearned.COMPANY
        consent = GivenConsent(starts_at, ends_at, frozenset(roles), monthly_limit, is_for_company)
        scene.consents.setdefault(membership_id, []).append(consent)


def _take_people(scene: Scene, rows: Rows) -> None:
    for employee_id, buying_role, code, starts_at, ends_at in rows:
        scene.buying_roles[employee_id] = buying_role
        if code is not None:
            scene.roles.setdefault(employee_id, []).append(Belonging(starts_at, ends_at, code))


def _codes_at(rows: Collection[Belonging], at: datetime) -> frozenset[str]:
    return frozenset([row.code for row in rows if row.holds_at(at)]) if rows else _NOTHING
