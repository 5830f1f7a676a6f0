"""Surveys with their questions, which make a draft. When one opens is said by hand; what an answer brings, by rules."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.conditions import Catalogue, ConditionError, sentence
from accounts.reader import READER
from accounts.wording import in_turn, listed
from loyalty.facts import ATTRIBUTE_PREFIX
from loyalty.models import Program
from loyalty.rule_changes import RuleChange
from loyalty.site.blueprints.documents import Path
from loyalty.site.blueprints.keys import entry_of, keys_of
from loyalty.site.blueprints.schema import CODE, Schema, entries, keys
from loyalty.site.blueprints.sections.section import Loading
from loyalty.site.blueprints.sections.table import Table, normal
from surveys.activity import SURVEY_ATTRIBUTE, ensure_activity_type
from surveys.asking import catalogue_of, parse_show_if
from surveys.audience import audience_catalogue
from surveys.models import Item, Survey, SurveyVersion
from surveys.sheets import items_of, plain_question
from surveys.versions import next_number

_ITEM = keys_of(
    Item, "code", "kind", "text", "hint", "is_required", "is_multiple", "low", "high", "low_label", "high_label",
    "measures", "show_if", show_if="only_if",
)  # fmt: skip
_OPTIONS: Schema = entries(
    keys(("code", "label"), code=CODE, label={"type": "string", "minLength": 1, "maxLength": 150})
)
_SURVEY_FACT = f"{ATTRIBUTE_PREFIX}{SURVEY_ATTRIBUTE}"
_LONGEST_CODE = 50
_Status = SurveyVersion.Status


class SurveySection(Table):
    """Surveys: what holds at once of each, and its questions in a draft."""

    key = "surveys"
    title = gettext_lazy("surveys")
    about = "What clients are asked. Questions are a draft; days are set by hand, and rules say what an answer brings."
    model = Survey
    keys = keys_of(Survey, "code", "name", "introduction", "minutes", "audience", audience="only_if")
    condition = "audience"
    further_required = ("questions",)

    def further_schema(self) -> dict[str, Schema]:
        """The questions, in their order."""
        question = keys(("code", "text"), **{key.name: key.schema() for key in _ITEM}, options=_OPTIONS)
        return {"questions": entries(question, least=1)}

    def coded(self, part: Any) -> Iterator[tuple[Path, list[Any]]]:
        """The surveys, the questions of each, and the options of each of these."""
        yield from super().coded(part)
        for index, entry in enumerate(part):
            yield (self.key, index, "questions"), entry["questions"]
            for number, question in enumerate(entry["questions"]):
                yield (self.key, index, "questions", number, "options"), question.get("options", [])

    def catalogue(self, row: Survey) -> Catalogue:
        """What an audience may be asked."""
        return audience_catalogue()

    def further_said(self, row: Survey) -> dict[str, str]:
        """The code, by which rules name it."""
        return {str(Survey._meta.get_field("code").verbose_name): row.code}

    def load(self, part: Any, loading: Loading) -> None:
        """Make or change each; one whose code another program has gets one of the program's own."""
        super().load([_with_own_code(entry, loading) for entry in part], loading)

    def _load_one(self, row: Survey | None, entry: Mapping[str, Any], loading: Loading, path: Path) -> None:
        own = {name: value for name, value in entry.items() if name != "questions"}
        is_own_same = row is not None and self._entry(row) == self._normal(own)
        if row is not None and is_own_same and _is_asked(row, entry["questions"]):
            loading.same[str(self.title)] += 1
            return
        if not is_own_same:
            if row is None and Survey.objects.filter(code=entry["code"]).exists():
                text = _("Another program has a survey “%(code)s”, and rules would mean both. Choose another code.")
                loading.fault((*path, "code"), text % {"code": entry["code"]})
                return
            super()._load_one(row, own, loading, path)
        survey = Survey.objects.filter(program=loading.program, code=entry["code"]).first()
        if survey is not None and not _is_asked(survey, entry["questions"]):
            self._draw_up(survey, entry["questions"], loading, (*path, "questions"))

    def _draw_up(self, survey: Survey, questions: Sequence[Any], loading: Loading, path: Path) -> None:
        """Make a draft of the questions, where there is none."""
        draft = SurveyVersion.objects.filter(survey=survey, status=_Status.DRAFT).first()
        if draft is not None:
            text = _("Version %(number)s is a draft already, and asks something else. Publish it or delete it first.")
            loading.fault(path, text % {"number": draft.number})
            return
        before = _version_told(survey)
        ensure_activity_type()
        draft = SurveyVersion.objects.create(survey=survey, number=next_number(survey))
        earlier: list[Item] = []
        for position, question in enumerate(questions):
            at: Path = (*path, position)
            item = Item(version=draft, position=position, options=question.get("options", []))
            sound = loading.fill(item, question, _ITEM, at)
            if sound and loading.check(item, _ITEM, at) and _is_put(item, earlier, loading, at):
                item.save()
            earlier.append(item)
        by_id = loading.by.pk if loading.by else None
        audit.record("survey-drafted", draft, actor_id=by_id, now=loading.now, number=draft.number)
        for change in _changes(survey, before, draft):
            loading.say(self, str(change), is_at_once=False)

    def dump(self, program: Program, *, now: datetime) -> list[dict[str, Any]]:
        """Return all that ask something: what is published, else what is drawn up."""
        said = []
        for row in self.rows(program):
            version = _version_told(row)
            if version is not None and (questions := _questions(version)):
                said.append({**self._entry(row), "questions": questions})
        return said

    def canonical(self, part: Any, data: Mapping[str, Any]) -> Any:
        """Return them without what is as usual."""
        return [{**self._normal(entry), "questions": _normal(entry["questions"])} for entry in part]


def _with_own_code(entry: Mapping[str, Any], loading: Loading) -> Mapping[str, Any]:
    """Return a survey under a code that no other program has, unless rules of the document name it by its own."""
    code = entry["code"]
    is_taken = Survey.objects.filter(code=code).exclude(program=loading.program).exists()
    if not is_taken or _is_named(loading.document.data["rule_set"], code):
        return entry
    return {**entry, "code": f"{code}-{loading.program.code}"[:_LONGEST_CODE]}


def _is_named(part: Any, code: str) -> bool:
    """Whether a condition in a part of a document asks for the survey of a code."""
    if isinstance(part, list):
        return any(_is_named(each, code) for each in part)
    if not isinstance(part, Mapping):
        return False
    value = part.get("value") if part.get("fact") == _SURVEY_FACT else None
    return code in (value if isinstance(value, list) else [value]) or _is_named([*part.values()], code)


def _version_told(survey: Survey) -> SurveyVersion | None:
    """Return the version that tells what a survey asks: published, else drawn up, else the last one that was."""
    rows = {row.status: row for row in SurveyVersion.objects.filter(survey=survey).order_by("number")}
    return rows.get(_Status.PUBLISHED) or rows.get(_Status.DRAFT) or rows.get(_Status.RETIRED)


def _is_asked(survey: Survey, questions: Sequence[Any]) -> bool:
    """Whether the version drawn up, or the one that tells what is asked, asks these questions."""
    drafts = SurveyVersion.objects.filter(survey=survey, status=_Status.DRAFT)
    told = _version_told(survey)
    wanted = _normal(questions)
    return any(_questions(version) == wanted for version in (*drafts, *([told] if told else [])))


def _questions(version: SurveyVersion) -> list[dict[str, Any]]:
    return [_said(entry_of(item, _ITEM), item.options) for item in items_of(version.pk)]


def _normal(questions: Sequence[Any]) -> list[dict[str, Any]]:
    return [
        _said(normal({name: value for name, value in each.items() if name != "options"}, _ITEM), each.get("options"))
        for each in questions
    ]


def _said(question: dict[str, Any], options: Any) -> dict[str, Any]:
    said = [{"code": option["code"], "label": option["label"]} for option in options or ()]
    return {**question, "options": said} if said else question


def _is_put(item: Item, earlier: Sequence[Item], loading: Loading, path: Path) -> bool:
    """Whether the condition under which a question is put asks for what comes before it."""
    try:
        parse_show_if(item.show_if, [plain_question(one) for one in earlier])
    except ConditionError as error:
        loading.wrong_condition(error, (*path, "only_if"))
        return False
    return True


def _changes(survey: Survey, before: SurveyVersion | None, after: SurveyVersion) -> Iterator[RuleChange]:
    """Give the questions that are new, gone or another, each by its code."""
    was = {} if before is None else _in_words(before)
    there = _in_words(after)
    for code in dict.fromkeys([*there, *was]):
        if was.get(code) != there.get(code):
            yield RuleChange(f"{survey}, {code}", was.get(code, ""), there.get(code, ""))


def _in_words(version: SurveyVersion) -> dict[str, str]:
    """Return what each question of a version asks, by its code."""
    said: dict[str, str] = {}
    earlier: list[Item] = []
    for item in items_of(version.pk):
        parts = [item.text, item.get_kind_display()]
        if item.options:
            parts.append(listed((option["label"] for option in item.options), _))
        parts += [
            f"{key.field.verbose_name}: {key.in_words(getattr(item, key.field.attname))}"
            for key in _ITEM
            if key.name not in ("code", "text", "kind", "only_if")
            and key.write(getattr(item, key.field.attname)) is not None
        ]
        if item.show_if:
            questions = [plain_question(one) for one in earlier]
            condition = sentence(parse_show_if(item.show_if, questions), catalogue_of(questions), READER)
            parts.append(_("only if %(condition)s") % {"condition": condition})
        said[item.code] = in_turn(parts, _)
        earlier.append(item)
    return said
