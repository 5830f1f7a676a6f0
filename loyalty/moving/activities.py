"""Activities as a table: recorded by the main flow, known by their number at the source they are moved in from."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_stubs_ext import StrOrPromise

from accounts import arrays
from accounts.conditions import FactType
from accounts.models import Company, Employee
from accounts.moving.companies import NUMBER
from accounts.moving.kinds import (
    Column,
    Fate,
    NotPreparedError,
    RefusedError,
    Row,
    Setting,
    Sheet,
    Terms,
    Verdict,
    refused,
)
from accounts.moving.people import PERSON
from accounts.moving.values import needed, parsed
from accounts.tables import CellError
from accounts.tables.cells import shown
from loyalty.activities import ActivityItem, ItemError, Status, record_activities
from loyalty.activities.items import check_items, used_for_another
from loyalty.facts import number
from loyalty.models import Activity, ActivityAttribute, ActivityType, Source
from loyalty.models.programs import validate_currency

NEW_SOURCE = "moved-in"
_ATTRIBUTE = "attribute."
_ANALYZE_AFTER = 20
"""After so many batches the planner is told how large the tables have become: autovacuum may come a minute later."""

_COLUMNS = (
    Column("id", gettext_lazy("Number at the source"), is_required=True, also=("activity id", "invoice line")),
    NUMBER,
    Column("occurred_at", gettext_lazy("When"), is_required=True, also=("date", "time", "occurred")),
    Column("type", gettext_lazy("Activity type"), gettext_lazy("A code. Empty: the one that is chosen below.")),
    Column(PERSON.code, PERSON.label, gettext_lazy("Empty: nobody in particular."), also=PERSON.also),
    Column("object", gettext_lazy("Object"), gettext_lazy("Such as a product code."), also=("product", "sku")),
    Column("quantity", gettext_lazy("Quantity")),
    Column("amount", gettext_lazy("Amount")),
    Column("currency", gettext_lazy("Currency"), gettext_lazy("Empty: the one that is written below.")),
    Column("undoes", gettext_lazy("Undoes"), gettext_lazy("For a return: the number of what it takes back.")),
)
_FIELDS = {"company": NUMBER.code, "employee": PERSON.code, "reverses": "undoes"}
"""Our columns for the fields that recording speaks of, where they differ."""


def _sources() -> list[tuple[str, StrOrPromise]]:
    known: list[tuple[str, StrOrPromise]] = [
        *Source.objects.filter(kind=Source.Kind.IMPORT).order_by("name").values_list("code", "name")
    ]
    is_known = any(code == NEW_SOURCE for code, _name in known)
    return known if is_known else [*known, (NEW_SOURCE, gettext_lazy("Moved in (new)"))]


def _types() -> list[tuple[str, str]]:
    return list(ActivityType.objects.order_by("name").values_list("code", "name"))


class Activities:
    """The table of activities."""

    code = "activities"
    label = gettext_lazy("Activities")
    permissions = ("loyalty.add_activity",)
    settings = (
        Setting("source", gettext_lazy("Source"), _sources, gettext_lazy("Whose numbers the activities have.")),
        Setting(
            "type",
            gettext_lazy("Activity type where none is given"),
            _types,
            is_required=False,
            is_for_export=False,
        ),
        Setting(
            "currency",
            gettext_lazy("Currency where none is given"),
            hint=gettext_lazy("Such as EUR."),
            is_required=False,
            is_for_export=False,
        ),
    )
    leads_to = "admin:loyalty_activity_changelist"
    leads_by = ""

    def columns(self) -> Sequence[Column]:
        """Return the columns: those of every activity, and the declared attributes."""
        attributes = dict(ActivityAttribute.objects.order_by("code", "-pk").values_list("code", "name"))
        return *_COLUMNS, *(Column(f"{_ATTRIBUTE}{code}", name, also=(code,)) for code, name in attributes.items())

    def key_of(self, row: Row) -> tuple[str, ...]:
        """The number at the source."""
        return (row.cells.get("id", ""),)

    def begin(self, terms: Terms) -> Sheet:
        """Prepare to judge a file."""
        return _Sheet(terms)

    def needs_second_person(self, *, terms: Terms, points: int) -> bool:
        """Rules give these points, not a person."""
        return False

    def export(self, *, settings: Mapping[str, str], now: datetime) -> Iterator[Sequence[str]]:
        """Yield the activities of a source, in the order in which they were recorded."""
        source = Source.objects.filter(code=settings["source"]).first()
        types = dict(ActivityType.objects.values_list("pk", "code"))
        codes = [column.code.removeprefix(_ATTRIBUTE) for column in self.columns()[len(_COLUMNS) :]]
        rows = (
            Activity.objects.filter(source=source)
            .exclude(company__external_id="")
            .order_by("pk")
            .values_list(
                *("external_id", "company__external_id", "occurred_at", "type", "employee__external_id", "object"),
                *("quantity", "amount", "currency", "reverses_external_id", "attributes"),
            )
        )
        for id_, company, at, type_, person, object_, quantity, amount, currency, undoes, attributes in rows.iterator(
            chunk_size=1_000
        ):
            yield [
                *(id_, company, at.isoformat(), types[type_], person or "", object_),
                *(number(quantity) or "", number(amount) or "", currency, undoes),
                *(_written(attributes.get(code)) for code in codes),
            ]


class _Sheet:
    """A file of activities on its way in."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._default_type = terms.settings.get("type", "")
        self._default_currency = terms.settings.get("currency", "")
        if self._default_currency:
            try:
                validate_currency(self._default_currency)
            except ValidationError as error:
                raise NotPreparedError(error.messages[0]) from error
        self._source = _source_of(terms)
        attributes = ActivityAttribute.objects.values_list("activity_type__code", "code", "type")
        self._attribute_types = {(type_, code): FactType(kind) for type_, code, kind in attributes}
        self._companies: dict[str, int] = {}
        self._people: dict[tuple[int, str], int] = {}
        self._batches = 0

    def judge(self, rows: Sequence[Row], *, is_final: bool) -> list[Verdict]:
        """Say for each activity whether it is new; `is_final`: recording itself is to say so."""
        self._look_up(rows)
        verdicts = []
        for row in rows:
            try:
                verdicts.append(Verdict(Fate.NEW, plan=self._item(row)))
            except RefusedError as error:
                verdicts.append(refused(error))
        if not is_final:
            self._foretell([verdict for verdict in verdicts if verdict.fate is Fate.NEW])
        return verdicts

    def write(self, judged: Sequence[tuple[Row, Verdict]]) -> None:
        """Record the activities, with all that follows from them."""
        if self._source.pk is None:
            self._source, _is_new = Source.objects.get_or_create(
                code=self._source.code, defaults={"name": self._source.name, "kind": self._source.kind}
            )
        items = [verdict.plan for _row, verdict in judged]
        outcomes = record_activities(items, source=self._source, now=self._terms.now)
        for (_row, verdict), outcome in zip(judged, outcomes, strict=True):
            if outcome.status is Status.REJECTED and outcome.error is not None:
                _refuse(verdict, outcome.error)
            elif outcome.status is Status.DUPLICATE:
                verdict.fate = Fate.UNCHANGED
            else:
                verdict.points = outcome.points
        self._batches += 1
        if self._batches == _ANALYZE_AFTER:
            arrays.run("ANALYZE loyalty_activity, loyalty_evaluation, loyalty_award, loyalty_posting, loyalty_lot")

    def _look_up(self, rows: Sequence[Row]) -> None:
        """Look for companies that were not asked for before, and for the people that rows name."""
        numbers = {row.cells.get(NUMBER.code, "") for row in rows} - self._companies.keys()
        found = Company.objects.filter(external_id__in=numbers - {""}).values_list("external_id", "pk")
        self._companies.update(found)
        people = {row.cells.get(PERSON.code, "") for row in rows} - {""}
        if people:
            companies = {self._companies.get(row.cells.get(NUMBER.code, "")) for row in rows} - {None}
            known = Employee.objects.filter(company__in=companies, external_id__in=people)
            self._people = {
                (company_id, person): pk for company_id, person, pk in known.values_list("company", "external_id", "pk")
            }

    def _foretell(self, verdicts: Sequence[Verdict]) -> None:
        """Check items as recording will, and tell those that are there already."""
        batch = check_items([verdict.plan for verdict in verdicts], source=self._source, now=self._terms.now)
        for position, outcome in batch.outcomes.items():
            if outcome.error is not None:
                _refuse(verdicts[position], outcome.error)
        rows = arrays.fetch(
            "SELECT external_id, payload_hash FROM loyalty_activity WHERE source_id = %s AND external_id = ANY(%s)",
            self._source.pk,
            [arrival.item.external_id for arrival in batch.arrivals],
        )
        known = {external_id: bytes(payload_hash) for external_id, payload_hash in rows}
        for arrival in batch.arrivals:
            payload_hash = known.get(arrival.item.external_id)
            if payload_hash == arrival.payload_hash:
                verdicts[arrival.position].fate = Fate.UNCHANGED
            elif payload_hash is not None:
                _refuse(verdicts[arrival.position], used_for_another())

    def _item(self, row: Row) -> ActivityItem:
        cells, read = row.cells, self._terms.cells
        company_id, employee_id = self._who(row)
        at = parsed(row, "occurred_at", read.moment)
        if at is None:
            raise RefusedError("occurred_at", _("This cell must not be empty."))
        type_ = cells.get("type", "") or self._default_type
        amount = parsed(row, "amount", read.number)
        return ActivityItem(
            external_id=needed(row, "id", 200),
            type=type_,
            company_id=company_id,
            occurred_at=at,
            employee_id=employee_id,
            object=cells.get("object", ""),
            quantity=parsed(row, "quantity", read.number),
            amount=amount,
            currency="" if amount is None else cells.get("currency", "") or self._default_currency,
            attributes=self._attributes(row, type_),
            reverses=cells.get("undoes", ""),
        )

    def _who(self, row: Row) -> tuple[int, int | None]:
        company_number, person = needed(row, NUMBER.code, 100), row.cells.get(PERSON.code, "")
        company_id = self._companies.get(company_number)
        if company_id is None:
            sentence = _("No company has the number “%(number)s”. Move the companies in first.")
            raise RefusedError(NUMBER.code, sentence % {"number": shown(company_number)})
        employee_id = self._people.get((company_id, person)) if person else None
        if person and employee_id is None:
            sentence = _("Nobody who works for the company has the number “%(number)s”.")
            raise RefusedError(PERSON.code, sentence % {"number": shown(person)})
        return company_id, employee_id

    def _attributes(self, row: Row, type_: str) -> dict[str, Any]:
        attributes: dict[str, Any] = {}
        for column, text in row.cells.items():
            if not text or not column.startswith(_ATTRIBUTE):
                continue
            code = column.removeprefix(_ATTRIBUTE)
            try:
                attributes[code] = self._attribute(text, self._attribute_types.get((type_, code)))
            except CellError as error:
                raise RefusedError(column, str(error)) from error
        return attributes

    def _attribute(self, text: str, kind: FactType | None) -> str | bool | Decimal | date:
        match kind:
            case FactType.NUMBER:
                return self._terms.cells.number(text)
            case FactType.BOOLEAN:
                return self._terms.cells.flag(text)
            case FactType.DATE:
                return self._terms.cells.day(text)
        return text


def _source_of(terms: Terms) -> Source:
    """The source, which the first row that is recorded makes where it is new."""
    code = terms.settings.get("source", "")
    source = Source.objects.filter(code=code).first()
    if source is not None and source.kind == Source.Kind.IMPORT:
        return source
    if source is None and code == NEW_SOURCE:
        return Source(code=NEW_SOURCE, name=_("Moved in"), kind=Source.Kind.IMPORT)
    raise NotPreparedError(_("The source that was chosen is none for imports. Choose another one."))


def _refuse(verdict: Verdict, error: ItemError) -> None:
    column = error.field.replace("attributes.", _ATTRIBUTE)
    verdict.refuse(_FIELDS.get(column, column), error.sentence)


def _written(value: object) -> str:
    """An attribute as a cell says it."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
    return str(value)
