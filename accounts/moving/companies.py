"""Companies as a table: known by their customer number; an empty cell leaves what is there as it is."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.models import AccountManagerAssignment, Company, Segment, SegmentMembership, User
from accounts.moving.kinds import Column, Fate, RefusedError, Row, Setting, Sheet, Terms, Verdict, refused
from accounts.moving.values import Held, Words, codes, listed, needed, written
from accounts.tables.cells import shown

NUMBER = Column(
    "customer_number",
    gettext_lazy("Customer number"),
    gettext_lazy("What the company is known by."),
    is_required=True,
    also=("external_id", "customer id", "customer no", "company id", "account number", "company"),
)
_COLUMNS = (
    NUMBER,
    Column("name", gettext_lazy("Name"), also=("company name",)),
    Column("kind", gettext_lazy("Kind"), gettext_lazy("CLIENT, DISTRIBUTOR, DEALER, AGENT, INCUBATOR, ASSOCIATION.")),
    Column("country", gettext_lazy("Country")),
    Column(
        "served_by",
        gettext_lazy("Served by"),
        gettext_lazy("The customer number of a partner, here already or in a line above."),
    ),
    Column("segments", gettext_lazy("Segments"), gettext_lazy("Codes; all that hold from now on.")),
    Column("account_manager", gettext_lazy("Account manager"), gettext_lazy("An e-mail address of one of yours.")),
)
_AT_A_TIME = 1_000
_FIELDS = ("name", "kind", "country")


@dataclass(slots=True)
class CompanyPlan:
    """What is written of a company: the row as it will be, and the dated rows that replace others."""

    company: Company
    served_by: str = ""
    segments: frozenset[str] | None = None
    manager_id: int | None = None
    further: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class _Manager:
    """Who looks after a company, if anybody does, and when somebody else is to."""

    pk: int = 0
    user_id: int = 0
    email: str = ""
    next_at: datetime | None = None


class Companies:
    """The table of companies."""

    code = "companies"
    label = gettext_lazy("Companies")
    permissions: tuple[str, ...] = ("accounts.add_company", "accounts.change_company")
    settings: tuple[Setting, ...] = ()
    leads_to = "admin:accounts_company_changelist"
    leads_by = ""

    def columns(self) -> Sequence[Column]:
        """Return the columns."""
        return _COLUMNS

    def key_of(self, row: Row) -> tuple[str, ...]:
        """The customer number."""
        return (row.cells.get(NUMBER.code, ""),)

    def begin(self, terms: Terms) -> Sheet:
        """Prepare to judge a file."""
        return CompanySheet(terms)

    def needs_second_person(self, *, terms: Terms, points: int) -> bool:
        """Companies move no points."""
        return False

    def export(self, *, settings: Mapping[str, str], now: datetime) -> Iterator[Sequence[str]]:
        """Yield every company that has a customer number."""
        rows = Company.objects.exclude(external_id="").select_related("served_by").order_by("pk")
        for part in parts_of(rows.iterator(chunk_size=_AT_A_TIME)):
            yield from self.export_part(part, now=now)

    def export_part(self, part: Sequence[Company], *, now: datetime) -> Iterator[list[str]]:
        """Yield some companies."""
        ids = [company.pk for company in part]
        segments = _segments_of(ids, at=now)
        managers = _managers_of(ids, at=now)
        for company in part:
            yield [
                company.external_id,
                company.name,
                company.kind,
                company.country,
                company.served_by.external_id if company.served_by else "",
                listed(segments.codes(company.pk)),
                managers.get(company.pk, _Manager()).email,
            ]


class CompanySheet:
    """A file of companies on its way in."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self._kinds = Words(Company.Kind.choices)
        self._segment_ids = {row.code: row.pk for row in Segment.objects.all() if not row.is_by_condition}
        self._by_condition = frozenset(Segment.objects.by_condition().values_list("code", flat=True))
        managers = User.objects.filter(employee__isnull=True, is_active=True)
        self._emails: dict[int, str] = dict(managers.values_list("pk", "email"))
        self._manager_ids = {email.casefold(): pk for pk, email in self._emails.items()}
        self._seen: set[str] = set()
        self.known: dict[str, Company] = {}
        self._partners: dict[str, Company] = {}
        self._segments = Held()
        self._managers: dict[int, _Manager] = {}

    def judge(self, rows: Sequence[Row], *, is_final: bool) -> list[Verdict]:
        """Say for each company what the row would change."""
        self.look_up(rows, is_final=is_final)
        verdicts = []
        for row in rows:
            try:
                verdict = self.judge_one(row)
            except RefusedError as error:
                verdict = refused(error)
            else:
                self._seen.add(row.cells[NUMBER.code])
            verdicts.append(verdict)
        return verdicts

    def write(self, judged: Sequence[tuple[Row, Verdict]]) -> None:
        """Write companies, and the dated rows that follow from them."""
        plans: list[tuple[CompanyPlan, Verdict]] = [(verdict.plan, verdict) for _row, verdict in judged]
        made = Company.objects.bulk_create(plan.company for plan, verdict in plans if verdict.fate is Fate.NEW)
        here = {company.external_id: company for company in (*made, *self._partners.values(), *self.known.values())}
        moved = []
        for plan, verdict in plans:
            partner = here[plan.served_by] if plan.served_by else None
            if partner is not None and plan.company.served_by_id != partner.pk:
                plan.company.served_by = partner
            elif verdict.fate is Fate.NEW:
                continue
            moved.append(plan.company)
        if moved:
            Company.objects.bulk_create(
                moved, update_conflicts=True, unique_fields=["id"], update_fields=[*_FIELDS, "served_by"]
            )
        self._write_segments([plan for plan, _verdict in plans])
        self._write_managers([plan for plan, _verdict in plans])

    def look_up(self, rows: Sequence[Row], *, is_final: bool) -> None:
        """Read what is known of the companies that rows speak of; `is_final`: under lock."""
        numbers = {row.cells.get(NUMBER.code, "") for row in rows} - {""}
        known = Company.objects.filter(external_id__in=numbers).order_by("pk")
        if is_final:
            known = known.select_for_update(no_key=True, of=("self",))
        self.known = {company.external_id: company for company in known}
        partners = {row.cells.get("served_by", "") for row in rows} - {""} - self.known.keys()
        partner_ids = {company.served_by_id for company in self.known.values()} - {None}
        further = Company.objects.filter(Q(external_id__in=partners) | Q(pk__in=partner_ids))
        self._partners = {company.external_id: company for company in further}
        ids = [company.pk for company in self.known.values()]
        self._segments = _segments_of(ids, at=self.terms.now)
        self._managers = _managers_of(ids, at=self.terms.now)

    def judge_one(self, row: Row) -> Verdict:
        """Say what a row would change; raises RefusedError."""
        number = needed(row, NUMBER.code, 100)
        name, country = written(row, "name", 200), written(row, "country", 100)
        kind = self._kinds.read(row, "kind")
        plan = CompanyPlan(
            self.known.get(number) or Company(external_id=number, kind=kind or Company.Kind.CLIENT),
            self._partner(row, number),
            self._segments_named(row),
            self._manager(row),
        )
        is_new = plan.company.pk is None
        if is_new and not name:
            raise RefusedError("name", _("No company has this number yet, and a new one needs a name."))
        changes = []
        for field_, value in (("name", name), ("kind", kind), ("country", country)):
            before: str = getattr(plan.company, field_)
            if value and value not in (before, before.strip()):
                changes.append((field_, before, value))
                setattr(plan.company, field_, value)
        changes += self._dated_changes(plan)
        fate = Fate.NEW if is_new else Fate.CHANGED if changes else Fate.UNCHANGED
        return Verdict(fate, changes=[] if is_new else changes, plan=plan)

    def _dated_changes(self, plan: CompanyPlan) -> list[tuple[str, str, str]]:
        company, changes = plan.company, []
        by_id = {partner.pk: partner.external_id for partner in (*self._partners.values(), *self.known.values())}
        before = by_id.get(company.served_by_id or 0, "")
        if plan.served_by and plan.served_by != before:
            changes.append(("served_by", before, plan.served_by))
        held = self._segments.codes(company.pk or 0)
        if plan.segments is not None and plan.segments != held:
            changes.append(("segments", listed(held), listed(plan.segments)))
        manager = self._managers.get(company.pk or 0, _Manager())
        if plan.manager_id is not None and plan.manager_id != manager.user_id:
            changes.append(("account_manager", manager.email, self._emails[plan.manager_id]))
        return changes

    def _segments_named(self, row: Row) -> frozenset[str] | None:
        named = codes(row, "segments", {*self._segment_ids, *self._by_condition})
        if told := sorted((named or frozenset()) & self._by_condition):
            sentence = _("A condition says who is in “%(code)s”. Leave it out.")
            raise RefusedError("segments", sentence % {"code": told[0]})
        return named

    def _partner(self, row: Row, number: str) -> str:
        partner = row.cells.get("served_by", "")
        if not partner:
            return ""
        if partner == number:
            raise RefusedError("served_by", _("A company cannot be served by itself."))
        if partner not in self.known and partner not in self._partners and partner not in self._seen:
            sentence = _("No company has the number “%(number)s”, and no line above it does.")
            raise RefusedError("served_by", sentence % {"number": shown(partner)})
        return partner

    def _manager(self, row: Row) -> int | None:
        email = row.cells.get("account_manager", "")
        if not email:
            return None
        pk: int | None = self._manager_ids.get(email.casefold())
        if pk is None:
            sentence = _("None of your own people signs in as “%(email)s”.")
            raise RefusedError("account_manager", sentence % {"email": shown(email)})
        return pk

    def _write_segments(self, plans: Iterable[CompanyPlan]) -> None:
        ended: list[int] = []
        begun: list[SegmentMembership] = []
        for plan in plans:
            if plan.segments is None:
                continue
            held = self._segments.now.get(plan.company.pk, {})
            ended += [pk for code, pk in held.items() if code not in plan.segments]
            begun += [
                SegmentMembership(
                    company=plan.company,
                    segment_id=self._segment_ids[code],
                    starts_at=self.terms.now,
                    ends_at=self._segments.until(plan.company.pk, code),
                )
                for code in sorted(plan.segments - held.keys())
            ]
        SegmentMembership.objects.filter(pk__in=ended).update(ends_at=self.terms.now)
        SegmentMembership.objects.bulk_create(begun)

    def _write_managers(self, plans: Iterable[CompanyPlan]) -> None:
        """Hand companies over, each on record (A1)."""
        now = self.terms.now
        ended: list[AccountManagerAssignment] = []
        begun: list[AccountManagerAssignment] = []
        for plan in plans:
            before = self._managers.get(plan.company.pk, _Manager())
            if plan.manager_id is None or plan.manager_id == before.user_id:
                continue
            if before.pk:
                ended.append(AccountManagerAssignment(pk=before.pk, company=plan.company, user_id=before.user_id))
            begun.append(
                AccountManagerAssignment(
                    company=plan.company, user_id=plan.manager_id, starts_at=now, ends_at=before.next_at
                )
            )
        AccountManagerAssignment.objects.filter(pk__in=[one.pk for one in ended]).update(ends_at=now)
        AccountManagerAssignment.objects.bulk_create(begun)
        audit.record_many(
            [
                audit.Act("portfolio-changed", one, one.company_id, {"user": one.user_id, "holds": holds})
                for holds, assignments in ((0, ended), (1, begun))
                for one in assignments
            ],
            actor_id=self.terms.by_user_id,
            now=now,
        )


def parts_of(rows: Iterable[Any]) -> Iterator[list[Any]]:
    """Yield rows a thousand at a time."""
    part: list[Any] = []
    for row in rows:
        part.append(row)
        if len(part) == _AT_A_TIME:
            yield part
            part = []
    if part:
        yield part


def _segments_of(company_ids: Collection[int], *, at: datetime) -> Held:
    """Which segments somebody listed companies in; what conditions say is not a file's to change."""
    rows = SegmentMembership.objects.filter(
        Q(ends_at__isnull=True) | Q(ends_at__gt=at), company__in=company_ids, source=SegmentMembership.Source.LISTED
    )
    return Held.of(rows.values_list("pk", "company", "segment__code", "starts_at", "ends_at"), at=at)


def _managers_of(company_ids: Collection[int], *, at: datetime) -> dict[int, _Manager]:
    """Who looks after companies at `at`, and when somebody else is to."""
    found: dict[int, _Manager] = {}
    rows = AccountManagerAssignment.objects.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=at), company__in=company_ids)
    for company_id, pk, user_id, email, starts_at in rows.order_by("-starts_at").values_list(
        "company", "pk", "user", "user__email", "starts_at"
    ):
        manager = found.setdefault(company_id, _Manager())
        if starts_at > at:
            manager.next_at = starts_at
        else:
            manager.pk, manager.user_id, manager.email = pk, user_id, email
    return found
