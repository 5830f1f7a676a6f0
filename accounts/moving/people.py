"""People as a table: known by their number in their company; an empty cell leaves what is there as it is."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import Q
from django.db.models.functions import Lower
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
    Column(
        "email",
        gettext_lazy("E-mail address"),
        gettext_lazy("Of the login, or until there is one what the person is known by. It makes and changes no login."),
    ),
    Column("phone", gettext_lazy("Phone"), also=("telephone", "phone number")),
    Column("buying_role", gettext_lazy("Buying role"), gettext_lazy("DECIDES, INFLUENCES, USES, PAYS, GUARDS.")),
    Column("access", gettext_lazy("Access"), gettext_lazy("MEMBER or ADMIN.")),
    Column("roles", gettext_lazy("Roles"), gettext_lazy("Codes of stakeholder roles; all that hold from now on.")),
    Column("is_active", gettext_lazy("Active"), gettext_lazy("yes or no"), also=("active",)),
)
_TEXTS = (("name", 150), ("alias", 50), ("phone", 50))
_FIELDS = ("external_id", "address", "name", "alias", "phone", "buying_role", "access", "is_active")
_COLUMN_OF = {"external_id": PERSON.code, "address": "email"}
_ACTS = {"access": "access-changed", "buying_role": "buying-role-changed"}


@dataclass(slots=True)
class _Plan:
    """What is written of a person."""

    employee: Employee
    changed: set[str] = field(default_factory=set)
    roles: frozenset[str] | None = None

    def say(self, name: str, value: str | bool | None) -> list[tuple[str, str, str]]:
        """Set a field to what a row says, None being nothing; gives the difference, if it is one."""
        before = getattr(self.employee, name)
        if value is None or value in (before, before.strip() if isinstance(before, str) else before):
            return []
        setattr(self.employee, name, value)
        self.changed.add(name)
        return [(_COLUMN_OF.get(name, name), _written(before), _written(value))]


class People:
    """The table of people."""

    code = "people"
    label = gettext_lazy("People")
    permissions = ("accounts.add_employee", "accounts.change_employee")
    settings: tuple[Setting, ...] = ()
    leads_to = "admin:accounts_employee_changelist"
    leads_by = ""

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
                    _address_of(employee),
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
        self._known_by: dict[tuple[int, str], Employee] = {}
        self._said: set[int] = set()
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
        known = Employee.objects.filter(pk__in=self._found(rows)).select_related("user").order_by("pk")
        if is_final:
            known = known.select_for_update(no_key=True, of=("self",))
            self._said.clear()  # what earlier rows said is in the database
        self._known, self._known_by = {}, {}
        for employee in known:
            self._known[employee.company_id, employee.external_id] = employee
            self._known_by[employee.company_id, _address_of(employee).lower()] = employee
        self._roles = _roles_of([employee.pk for employee in known], at=self._terms.now)

    def _found(self, rows: Sequence[Row]) -> set[int]:
        """The ids of those whom the rows may be about, or may be mistaken for."""
        people = {row.cells.get(PERSON.code, "") for row in rows} - {""}
        addresses = {row.cells.get("email", "").lower() for row in rows} - {""}
        colleagues = Employee.objects.filter(company__in=self._companies.values())
        found = set(colleagues.filter(external_id__in=people).values_list("pk", flat=True))
        if addresses:
            by_address = colleagues.annotate(by=Lower("address")).filter(by__in=addresses)
            by_login = colleagues.annotate(by=Lower("user__email")).filter(by__in=addresses)
            found.update(by_address.values_list("pk", flat=True), by_login.values_list("pk", flat=True))
        return found

    def _judge(self, row: Row) -> Verdict:
        number, person = needed(row, NUMBER.code, 100), needed(row, PERSON.code, 100)
        company_id = self._companies.get(number)
        if company_id is None:
            sentence = _("No company has the number “%(number)s”. Move the companies in first.")
            raise RefusedError(NUMBER.code, sentence % {"number": shown(number)})
        address, values, roles = _address_in(row), self._values(row), codes(row, "roles", self._role_ids)
        known = self._known.get((company_id, person)) or self._without_number(company_id, address)
        plan = _Plan(known or Employee(company_id=company_id, external_id=person), roles=roles)
        values |= {"external_id": person, "address": self._new_address(plan.employee, address)}
        changes = [change for name, value in values.items() for change in plan.say(name, value)]
        if not plan.employee.name:
            raise RefusedError("name", _("Nobody of this company has this number yet, and somebody new needs a name."))
        held = self._roles.codes(plan.employee.pk or 0)
        if roles is not None and roles != held:
            changes.append(("roles", listed(held), listed(roles)))
        if address and _address_of(plan.employee).lower() == address.lower():
            self._known_by[company_id, address.lower()] = plan.employee
            self._said.add(hash((company_id, address.lower())))
        if known is None:
            return Verdict(Fate.NEW, plan=plan)
        return Verdict(Fate.CHANGED if changes else Fate.UNCHANGED, changes=changes, plan=plan)

    def _without_number(self, company_id: int, address: str) -> Employee | None:
        """Who of the company the address belongs to, if nobody has given them a number so far."""
        colleague = self._known_by.get((company_id, address.lower())) if address else None
        is_free = colleague is not None and not colleague.external_id and not self._is_said(company_id, address)
        return colleague if is_free else None

    def _new_address(self, employee: Employee, address: str) -> str | None:
        """What the employee is known by from now on; None where nothing changes, as with everybody who has a login."""
        if not address or employee.user_id is not None or employee.address.lower() == address.lower():
            return None
        owner = self._known_by.get((employee.company_id, address.lower()))
        if owner is not None and owner != employee:
            sentence = _("“%(person)s” of this company has this address. One person is one row; leave one out.")
            raise RefusedError("email", sentence % {"person": shown(owner.name)})
        if self._is_said(employee.company_id, address):
            raise RefusedError("email", _("An earlier row has this address. One person is one row; leave one out."))
        return address

    def _is_said(self, company_id: int, address: str) -> bool:
        """Whether an earlier row of a dry run has the address."""
        return hash((company_id, address.lower())) in self._said

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


def _address_of(employee: Employee) -> str:
    return employee.user.email if employee.user else employee.address


def _address_in(row: Row) -> str:
    """The e-mail address of a row; "" where it says none."""
    address = written(row, "email", 254)
    try:
        validate_email(address or "nobody@example.com")
    except ValidationError as error:
        raise RefusedError("email", _("“%(value)s” is no e-mail address.") % {"value": shown(address)}) from error
    return address


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _roles_of(employee_ids: Collection[int], *, at: datetime) -> Held:
    rows = RoleAssignment.objects.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=at), employee__in=employee_ids)
    return Held.of(rows.values_list("pk", "employee", "role__code", "starts_at", "ends_at"), at=at)
