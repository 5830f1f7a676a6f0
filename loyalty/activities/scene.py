"""The scene: memberships under lock, and everything known of the companies and people of a batch, read after it.

Role, segment, tier and consent are dated rows; the scene keeps all of a company's, and is asked as of a moment.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from accounts.conditions import Value
from accounts.facts import COMPANY_COUNTRY, COMPANY_KIND, COMPANY_SEGMENTS, EMPLOYEE_BUYING_ROLE, EMPLOYEE_ROLES
from accounts.models import Company, Employee, RoleAssignment, SegmentMembership
from loyalty.activities.items import Batch
from loyalty.earning import MAY_EARN, MayEarn
from loyalty.models import Consent, Membership, Program
from loyalty.rulebook import NO_RULES, Term, TypeRules, rule_set_at, rules_by_type, terms_of
from loyalty.standing import MetricRule, TierPlan, metric_rules_of, tier_plans_of

_NOTHING: frozenset[str] = frozenset()


class _Dated(Protocol):
    def holds_at(self, at: datetime) -> bool: ...


@dataclass(slots=True)
class Scene:
    """What is known of the companies, people and programs of one batch."""

    memberships: dict[int, list[Membership]]
    programs: dict[int, Program]
    plans: Mapping[int, TierPlan]
    terms: Mapping[int, list[Term]]
    metrics: dict[tuple[int, int], list[MetricRule]]
    companies: Mapping[int, Company]
    zones: Mapping[int, ZoneInfo]
    segments: dict[int, list[tuple[str, SegmentMembership]]] = field(default_factory=dict)
    consents: dict[int, list[Consent]] = field(default_factory=dict)
    buying_roles: dict[int, str] = field(default_factory=dict)
    roles: dict[int, list[tuple[str, RoleAssignment]]] = field(default_factory=dict)
    _company_facts: dict[int, dict[str, Value]] = field(default_factory=dict)

    def memberships_at(self, company_id: int, at: datetime) -> list[Membership]:
        """Return the company's memberships in force at `at`, by program."""
        return [membership for membership in self.memberships.get(company_id, []) if membership.holds_at(at)]

    def day(self, program_id: int, at: datetime) -> date:
        """Return the day that `at` lies in where the program is."""
        return at.astimezone(self.zones[program_id]).date()

    def rules_at(self, program_id: int, type_id: int, at: datetime) -> tuple[int | None, TypeRules]:
        """Return the id of the rule set in force at `at` (None: there is none) and its rules for an activity type."""
        rule_set_id = rule_set_at(self.terms.get(program_id, []), at)
        if rule_set_id is None:
            return None, NO_RULES
        return rule_set_id, rules_by_type(rule_set_id).get(type_id, NO_RULES)

    def company_facts(self, company_id: int, at: datetime) -> dict[str, Value]:
        """Return the facts of a company as of a moment."""
        facts = self._company_facts.get(company_id)
        if facts is None:
            company = self.companies[company_id]
            facts = {COMPANY_KIND: company.kind, COMPANY_COUNTRY: company.country or None}
            self._company_facts[company_id] = facts
        return {**facts, COMPANY_SEGMENTS: _codes_at(self.segments.get(company_id, ()), at)}

    def employee_facts(self, employee_id: int | None, membership_id: int, at: datetime) -> dict[str, Value]:
        """Return the facts of the activity's person, and whether that person may earn in this membership."""
        if employee_id is None:
            return {MAY_EARN: MayEarn.NO_EMPLOYEE.value}
        roles = _codes_at(self.roles.get(employee_id, []), at)
        consent = self.consent_at(membership_id, at)
        if consent is None:
            may_earn = MayEarn.NO_CONSENT
        else:
            may_earn = MayEarn.YES if not consent.roles or roles & set(consent.roles) else MayEarn.ROLE_NOT_NAMED
        return {
            MAY_EARN: may_earn.value,
            EMPLOYEE_ROLES: roles,
            EMPLOYEE_BUYING_ROLE: self.buying_roles.get(employee_id),
        }

    def consent_at(self, membership_id: int, at: datetime) -> Consent | None:
        """Return the consent in force at `at`."""
        return next((row for row in self.consents.get(membership_id, []) if row.holds_at(at)), None)


def read_scene(batch: Batch) -> Scene:
    """Lock the memberships of the batch's companies, by id; then, in later statements, read what is known of them."""
    arrivals = batch.open
    company_ids = {arrival.item.company_id for arrival in arrivals}
    employee_ids = {arrival.item.employee_id for arrival in arrivals if arrival.item.employee_id is not None}
    locked = (
        Membership.objects.select_for_update(no_key=True).filter(company__in=company_ids).order_by("pk")
        if company_ids
        else Membership.objects.none()
    )
    memberships: dict[int, list[Membership]] = {}
    for membership in locked:
        memberships.setdefault(membership.company_id, []).append(membership)
    program_ids = {membership.program_id for rows in memberships.values() for membership in rows}
    programs = Program.objects.in_bulk(program_ids) if program_ids else {}
    scene = Scene(
        memberships=memberships,
        programs=programs,
        plans=tier_plans_of(programs.values()),
        terms=terms_of(program_ids) if program_ids else {},
        metrics={},
        companies=Company.objects.in_bulk(company_ids),
        zones={program.pk: program.zone for program in programs.values()},
    )
    for rule in metric_rules_of(program_ids) if program_ids else []:
        scene.metrics.setdefault((rule.program_id, rule.type_id), []).append(rule)
    if memberships:
        _read_dated_rows(
            scene, company_ids, employee_ids, with_returns=bool(batch.awaited) or any(a.item.reverses for a in arrivals)
        )
    return scene


def _read_dated_rows(scene: Scene, company_ids: set[int], employee_ids: set[int], *, with_returns: bool) -> None:
    """Read segments, roles and consents; a return may undo what a person earned without naming the person."""
    for segment in SegmentMembership.objects.filter(company__in=company_ids).select_related("segment"):
        scene.segments.setdefault(segment.company_id, []).append((segment.segment.code, segment))
    if not employee_ids and not with_returns:
        return
    for consent in Consent.objects.filter(membership__company__in=company_ids):
        scene.consents.setdefault(consent.membership_id, []).append(consent)
    scene.buying_roles.update(Employee.objects.filter(pk__in=employee_ids).values_list("pk", "buying_role"))
    for role in RoleAssignment.objects.filter(employee__in=employee_ids).select_related("role"):
        scene.roles.setdefault(role.employee_id, []).append((role.role.code, role))


def _codes_at(rows: Collection[tuple[str, _Dated]], at: datetime) -> frozenset[str]:
    return frozenset([code for code, row in rows if row.holds_at(at)]) if rows else _NOTHING
