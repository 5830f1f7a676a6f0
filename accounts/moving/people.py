"""People as a table: known by their number in their company; an empty cell leaves what is there as it is."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.models import Company, Employee, RoleAssignment, StakeholderRole, User
from accounts.moving.companies import NUMBER, parts_of
from accounts.moving.kinds import Column, Fate, RefusedError, Row, Setting, Sheet, Terms, Verdict, refused
from accounts.moving.values import Held, Words, codes, listed, needed, parsed, written
from accounts.tables.cells import shown
from accounts.webhooks.people import announce_people

PERSON = Column(
    "person_number",
    gettext_lazy("Number of the person"),
    gettext_lazy("What the person is known by within the company."),
    is_required=True,
    also=("employee number", "employee id", "person id", "contact id", "external_id"),
)
_COLUMNS = (
    NUMBER,
    PERSON,
    Column("name", gettext_lazy("Name"), also=("full name", "employee")),
    Column("alias", gettext_lazy("Alias")),
    Column("email", gettext_lazy("E-mail address"), gettext_lazy("Of the login. No login is made or changed by it.")),
    Column("phone", gettext_lazy("Phone"), also=("telephone", "phone number")),
    Column("buying_role", gettext_lazy("Buying role"), gettext_lazy("DECIDES, INFLUENCES, USES, PAYS, GUARDS.")),
    Column("access", gettext_lazy("Access"), gettext_lazy("MEMBER or ADMIN.")),
    Column("roles", gettext_lazy("Roles"), gettext_lazy("Codes of stakeholder roles; all that hold from now on.")),
    Column("is_active", gettext_lazy("Active"), gettext_lazy("yes or no"), also=("active",)),
)
_TEXTS = (("name", 150), ("alias", 50), ("phone", 50))
_FIELDS = ("name", "alias", "phone", "buying_role", "access", "is_active")
_ACTS = {"access": "access-changed", "buying_role": "buying-role-changed"}


@dataclass(slots=True)
class _Plan:
    """What is written of a person."""

    employee: Employee
    changed: set[str] = field(default_factory=set)
    roles: frozenset[str] | None = None


class People:
    """The table of people."""

    code = "people"
    label = gettext_lazy("People")
    permissions = ("accounts.add_employee", "accounts.change_employee")
    settings: tuple[Setting, ...] = ()
    leads_to = "admin:accounts_employee_changelist"

    def columns(self) -> Sequence[Column]:
        """Return the columns."""
        return _COLUMNS

    def key_of(self, row: Row) -> tuple[str, ...]:
        """The numbers of company and person."""
        return row.cells.get(NUMBER.code, ""), row.cells.get(PERSON.code, "")

    def begin(self, terms: Terms) -> Sheet:
        """Prepare to judge a file."""
        return PeopleSheet(terms)

    def needs_second_person(self, *, terms: Terms, points: int) -> bool:
        """People move no points."""
        return False

    def export(self, *, settings: Mapping[str, str], now: datetime) -> Iterator[Sequence[str]]:
        """Yield everybody who has a number in a company that has one."""
        rows = Employee.objects.exclude(external_id="").exclude(company__external_id="")
        rows = rows.select_related("company", "user").order_by("pk")
        for part in parts_of(rows.iterator(chunk_size=1_000)):
            roles = _roles_of([employee.pk for employee in part], at=now)
            for employee in part:
                yield [
                    employee.company.external_id,
                    employee.external_id,
                    employee.name,
                    employee.alias,
                    employee.user.email if employee.user else "",
                    employee.phone,
                    employee.buying_role,
                    employee.access,
                    listed(roles.codes(employee.pk)),
                    "yes" if employee.is_active else "no",
                ]


class PeopleSheet:
    """A file of people on its way in."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._words = {"buying_role": Words(Employee.BuyingRole.choices), "access": Words(Employee.Access.choices)}
        self._role_ids = dict(StakeholderRole.objects.values_list("code", "pk"))
        self._companies: dict[str, int] = {}
        self._known: dict[tuple[int, str], Employee] = {}
        self._roles = Held()

    def judge(self, rows: Sequence[Row], *, is_final: bool) -> list[Verdict]:
        """Say for each person what the row would change."""
        self._look_up(rows, is_final=is_final)
        verdicts = []
        for row in rows:
            try:
                verdicts.append(self._judge(row))
            except RefusedError as error:
                verdicts.append(refused(error))
        return verdicts

    def write(self, judged: Sequence[tuple[Row, Verdict]]) -> None:
        """Write people and their roles, each change of what somebody may do on record (A1)."""
        plans: list[tuple[_Plan, bool]] = [(verdict.plan, verdict.fate is Fate.NEW) for _row, verdict in judged]
        Employee.objects.bulk_create(plan.employee for plan, is_new in plans if is_new)
        moved = [plan.employee for plan, is_new in plans if not is_new and plan.changed]
        if moved:
            Employee.objects.bulk_create(moved, update_conflicts=True, unique_fields=["id"], update_fields=_FIELDS)
        renamed = [
            User(pk=plan.employee.user_id, name=plan.employee.name)
            for plan, is_new in plans
            if not is_new and "name" in plan.changed and plan.employee.user_id
        ]
        User.objects.bulk_update(renamed, ["name"])
        acts = [act for plan, is_new in plans for act in _acts_of(plan, is_new=is_new)]
        acts += self._write_roles([plan for plan, _is_new in plans])
        audit.record_many(acts, actor_id=self._terms.by_user_id, now=self._terms.now)
        announce_people([plan.employee for plan, _is_new in plans], now=self._terms.now)

    def _look_up(self, rows: Sequence[Row], *, is_final: bool) -> None:
        numbers = {row.cells.get(NUMBER.code, "") for row in rows} - {""}
        self._companies = dict(Company.objects.filter(external_id__in=numbers).values_list("external_id", "pk"))
        people = {row.cells.get(PERSON.code, "") for row in rows} - {""}
        known = Employee.objects.filter(company__in=self._companies.values(), external_id__in=people).order_by("pk")
        if is_final:
            known = known.select_for_update(no_key=True, of=("self",))
        self._known = {(employee.company_id, employee.external_id): employee for employee in known}
        self._roles = _roles_of([employee.pk for employee in self._known.values()], at=self._terms.now)

    def _judge(self, row: Row) -> Verdict:
        number, person = needed(row, NUMBER.code, 100), needed(row, PERSON.code, 100)
        company_id = self._companies.get(number)
        if company_id is None:
            sentence = _("No company has the number “%(number)s”. Move the companies in first.")
            raise RefusedError(NUMBER.code, sentence % {"number": shown(number)})
        known = self._known.get((company_id, person))
        plan = _Plan(known or Employee(company_id=company_id, external_id=person))
        changes = []
        for name, value in self._values(row).items():
            before = getattr(plan.employee, name)
            if value is not None and value not in (before, before.strip() if isinstance(before, str) else before):
                changes.append((name, _written(before), _written(value)))
                setattr(plan.employee, name, value)
                plan.changed.add(name)
        if not plan.employee.name:
            raise RefusedError("name", _("Nobody of this company has this number yet, and somebody new needs a name."))
        plan.roles = codes(row, "roles", self._role_ids)
        held = self._roles.codes(plan.employee.pk or 0)
        if plan.roles is not None and plan.roles != held:
            changes.append(("roles", listed(held), listed(plan.roles)))
        if known is None:
            return Verdict(Fate.NEW, plan=plan)
        return Verdict(Fate.CHANGED if changes else Fate.UNCHANGED, changes=changes, plan=plan)

    def _values(self, row: Row) -> dict[str, str | bool | None]:
        """What the row says of each field; None where it says nothing."""
        values: dict[str, str | bool | None] = {name: written(row, name, most) or None for name, most in _TEXTS}
        values.update({name: words.read(row, name) or None for name, words in self._words.items()})
        values["is_active"] = parsed(row, "is_active", self._terms.cells.flag)
        return values

    def _write_roles(self, plans: Collection[_Plan]) -> list[audit.Act]:
        """End the roles that a row does not name, and begin those that are new."""
        now = self._terms.now
        ended: list[RoleAssignment] = []
        begun: list[RoleAssignment] = []
        for plan in plans:
            if plan.roles is None:
                continue
            employee, held = plan.employee, self._roles.now.get(plan.employee.pk, {})
            ended += [
                RoleAssignment(pk=pk, employee=employee, role_id=self._role_ids[code])
                for code, pk in held.items()
                if code not in plan.roles
            ]
            begun += [
                RoleAssignment(
                    employee=employee,
                    role_id=self._role_ids[code],
                    starts_at=now,
                    ends_at=self._roles.until(employee.pk, code),
                )
                for code in sorted(plan.roles - held.keys())
            ]
        RoleAssignment.objects.filter(pk__in=[one.pk for one in ended]).update(ends_at=now)
        RoleAssignment.objects.bulk_create(begun)
        return [
            audit.Act("role-changed", one.employee, one.employee.company_id, {"role": one.role_id, "holds": holds})
            for holds, assignments in ((0, ended), (1, begun))
            for one in assignments
        ]


def _acts_of(plan: _Plan, *, is_new: bool) -> Iterator[audit.Act]:
    """What goes on record about a person, in the words of `accounts.people`."""
    employee = plan.employee
    if is_new:
        yield audit.Act("person-added", employee, employee.company_id, {"access": employee.access})
        return
    for name, action in _ACTS.items():
        if name in plan.changed:
            yield audit.Act(action, employee, employee.company_id, {name: getattr(employee, name)})
    if "is_active" in plan.changed:
        yield audit.Act("reactivated" if employee.is_active else "deactivated", employee, employee.company_id)


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _roles_of(employee_ids: Collection[int], *, at: datetime) -> Held:
    rows = RoleAssignment.objects.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=at), employee__in=employee_ids)
    return Held.of(rows.values_list("pk", "employee", "role__code", "starts_at", "ends_at"), at=at)
