"""Loading a blueprint: a new program, or drafts of one that there is. All of it or nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Model
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import User
from loyalty.examples import run_examples
from loyalty.models import BenefitMatrix, Program, RuleSet
from loyalty.site.blueprints.documents import BlueprintError, Document, Fault, Mark
from loyalty.site.blueprints.schema import Schema, faults_of, keys
from loyalty.site.blueprints.sections import SECTIONS, Loading, Made
from loyalty.site.blueprints.sections.words import ensure_own_types
from loyalty.versions import version_of

FORMAT = 1
"""Of the document; another one would be read otherwise."""

MOST_FAULTS = 100
"""Whoever mends so many looks again."""


MAY_LOAD = tuple(
    f"{app}.{action}_{model}"
    for app, models in (
        ("accounts", ("segment", "stakeholderrole")),
        ("loyalty", ("activitytype", "activityattribute", "program", "metric", "tier", "tierthreshold", "badge")),
        ("loyalty", ("benefit", "benefitmatrix", "benefitcell", "ruleset", "rule", "rulecap", "sharedlimit")),
        ("loyalty", ("productlist", "campaign", "example", "examplestep")),
        ("loyalty", ("programplan", "goal")),
        ("rewards", ("reward",)),
        ("surveys", ("survey", "surveyversion", "item")),
    )
    for model in models
    for action in ("add", "change")
)
"""A blueprint makes all of these: whoever may not, may not load one."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What loading a blueprint made, or would make: `examples` that fail with it say so in a sentence each."""

    program: Program
    is_new: bool
    made: list[Made]
    same: Mapping[str, int] = field(default_factory=dict)
    left: list[tuple[str, str]] = field(default_factory=list)
    rule_set: RuleSet | None = None
    benefit_matrix: BenefitMatrix | None = None
    examples: int = 0
    failing: list[str] = field(default_factory=list)

    @property
    def at_once(self) -> list[Made]:
        """What holds from then on."""
        return [each for each in self.made if each.is_at_once]

    @property
    def in_drafts(self) -> list[Made]:
        """What waits until the drafts are put in force."""
        return [each for each in self.made if not each.is_at_once]

    @property
    def is_running(self) -> bool:
        """Whether what is made at once changes a program that has begun."""
        return not self.is_new and RuleSet.objects.filter(program=self.program).exclude(status="DRAFT").exists()


@lru_cache(maxsize=1)
def schema() -> Schema:
    """Return what a whole blueprint looks like, as JSON Schema."""
    required = ("blueprint", *(section.key for section in SECTIONS if section.is_required))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Twofold blueprint",
        **keys(
            required, blueprint={"type": "integer", "const": FORMAT}, **{each.key: each.schema() for each in SECTIONS}
        ),
    }


def check(document: Document) -> None:
    """Refuse a document that is not as the schema has it, or says a code twice: BlueprintError with its faults."""
    faults = list(islice(faults_of(document, schema()), MOST_FAULTS)) or list(islice(_repeated(document), MOST_FAULTS))
    if faults:
        raise BlueprintError(faults)


def load(*, document: Document, by: User, now: datetime) -> Loaded:
    """Load a blueprint: a new program, or drafts of the one of its code; what is as it says already is left alone.

    Loading it again changes nothing. Raises BlueprintError with what is wrong; then nothing has changed.
    """
    return _load(document, by, now)


def foresee(*, document: Document, now: datetime) -> Loaded:
    """Return what `load` would do, and how the examples come out, without doing it. Raises BlueprintError."""
    return _load(document, None, now)


def _load(document: Document, by: User | None, now: datetime) -> Loaded:
    check(document)
    loading = Loading(document, by, now)
    try:
        with transaction.atomic():
            ensure_own_types(document.data)
            for section in SECTIONS:
                if section.key in document.data:
                    section.load(document.data[section.key], loading)
                    loading.require_sound()
            loading.finish()
            loaded = _loaded(loading, runs_examples=by is None)
            if by is not None and loading.made:
                _record(loading, by)
            transaction.set_rollback(by is None)
    except IntegrityError as error:
        text = _("Somebody else made some of this at the same moment. Nothing was changed: load it again.")
        raise BlueprintError([Fault(Mark(), "", text)]) from error
    return loaded


def _loaded(loading: Loading, *, runs_examples: bool) -> Loaded:
    program, now = loading.program, loading.now
    rule_set = _drawn_up(RuleSet, loading) or version_of(RuleSet, program, now=now)
    ran = run_examples(rule_set) if runs_examples and rule_set is not None else []
    return Loaded(
        program,
        loading.is_new,
        loading.made,
        dict(loading.same),
        loading.left,
        rule_set,
        _drawn_up(BenefitMatrix, loading) or version_of(BenefitMatrix, program, now=now),
        len(ran),
        [sentence for one in ran if (sentence := one.in_words())],
    )


def _drawn_up(kind: Any, loading: Loading) -> Any:
    found: list[Model] = [version for version in loading.drafts if isinstance(version, kind)]
    return found[0] if found else None


def _record(loading: Loading, by: User) -> None:
    at_once = sum(each.is_at_once for each in loading.made)
    audit.record(
        "blueprint-loaded", loading.program, actor_id=by.pk, now=loading.now,
        program=loading.program.code, made_at_once=at_once, made_in_drafts=len(loading.made) - at_once,
    )  # fmt: skip


def _repeated(document: Document) -> Iterator[Fault]:
    """Yield a fault for every code that stands in one list twice."""
    for section in SECTIONS:
        lists = section.coded(document.data[section.key]) if section.key in document.data else ()
        for path, listed in lists:
            first: dict[str, int] = {}
            for index, entry in enumerate(listed):
                code = entry["code"]
                if code in first:
                    line = document.keys.get((*path, first[code], "code"), Mark()).line
                    text = _("The code “%(code)s” stands in line %(line)s already. Give one of them another code.")
                    yield document.fault((*path, index, "code"), text % {"code": code, "line": line})
                first.setdefault(code, index)
