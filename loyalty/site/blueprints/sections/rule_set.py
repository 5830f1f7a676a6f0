"""Rules with all that belongs to a version of them: lists of products, campaigns, shared limits. They make a draft."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, ClassVar

from django.db.models import Model
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.conditions import ConditionError
from accounts.wording import listed
from loyalty.admin.rule_editor.preview import in_words
from loyalty.earning import FormulaError
from loyalty.facts import ATTRIBUTE_PREFIX
from loyalty.models import (
    ActivityAttribute,
    ActivityType,
    Campaign,
    ProductList,
    Program,
    Rule,
    RuleCap,
    RuleSet,
    SharedLimit,
)
from loyalty.rule_changes import changes
from loyalty.rulesets import next_version
from loyalty.site.blueprints.documents import Path, nearest
from loyalty.site.blueprints.formulas import as_kept, as_said
from loyalty.site.blueprints.keys import Key, entry_of, from_json, keys_of, to_json
from loyalty.site.blueprints.schema import CODE, CODES, FREE, Schema, entries, keys
from loyalty.site.blueprints.sections.section import Loading, Section, other_draft, steps_of
from loyalty.site.blueprints.sections.table import normal
from loyalty.versions import drafts_of, version_of
from loyalty.vocabulary import Vocabulary

_SET = keys_of(RuleSet, "combining")
_LIST = keys_of(ProductList, "code", "name")
_CAMPAIGN = keys_of(
    Campaign, "code", "name", "starts_on", "ends_on", "factor", "budget", starts_on="from", ends_on="until"
)
_LIMIT_NAMES = {"limit": "at_most", "counts": "of", "subject": "for", "period": "per", "is_per_object": "each_object"}
_SHARED = keys_of(SharedLimit, "code", "name", "limit", "counts", "subject", "period", **_LIMIT_NAMES)
_LIMIT = keys_of(RuleCap, "limit", "counts", "subject", "period", "is_per_object", **_LIMIT_NAMES)
_RULE = keys_of(Rule, "code", "name", "beneficiary", "person_share", "role", "is_divided", beneficiary="to")
_TO = tuple(key for key in _RULE if key.name not in ("code", "name"))
_PARTS: tuple[tuple[str, tuple[Key, ...], type[Model]], ...] = (
    ("product_lists", _LIST, ProductList),
    ("campaigns", _CAMPAIGN, Campaign),
    ("shared_limits", _SHARED, SharedLimit),
)


class RuleSetSection(Section):
    """The rules: what a draft is made of."""

    key = "rule_set"
    title = gettext_lazy("rules")
    about = "The rules: when something happens, only if a condition holds, give something to somebody, within limits."
    is_required: ClassVar[bool] = True

    def schema(self) -> Schema:
        """Rules, and what they ask for."""
        lists = {**_schema_of(_LIST), "products": {**CODES, "items": _PRODUCT, "minItems": 1}}
        rule = {
            **_schema_of(_RULE), "when": CODE, "only_if": FREE, "give": FREE,
            "limits": entries(keys(_required(_LIMIT), **_schema_of(_LIMIT))), "shared_limits": CODES,
        }  # fmt: skip
        return keys(
            ("rules",),
            **_schema_of(_SET),
            product_lists=entries(keys((*_required(_LIST), "products"), **lists)),
            campaigns=entries(keys(_required(_CAMPAIGN), **_schema_of(_CAMPAIGN))),
            shared_limits=entries(keys(_required(_SHARED), **_schema_of(_SHARED))),
            rules=entries(keys(("code", "name", "when", "give"), **rule), least=1),
        )

    def coded(self, part: Any) -> Iterator[tuple[Path, list[Any]]]:
        """The rules, and each of what they ask for."""
        for name in ("product_lists", "campaigns", "shared_limits", "rules"):
            yield (self.key, name), part.get(name, [])

    def load(self, part: Any, loading: Loading) -> None:
        """Draw up a version where none says the same."""
        wanted = self.canonical(part, loading.document.data)
        drafts = drafts_of(RuleSet, loading.program)
        current = version_of(RuleSet, loading.program, now=loading.now)
        for version in (*drafts, *([current] if current else [])):
            if _by_code(self._said(version)) == _by_code(wanted):
                loading.same[str(self.title)] += len(part["rules"])
                return
        if drafts:
            loading.fault((self.key,), other_draft(drafts[-1]))
            return
        version = RuleSet(program=loading.program, version=next_version(loading.program))
        loading.fill(version, part, _SET, (self.key,))
        version.save()
        self._load_parts(part, version, loading)
        loading.require_sound()
        self._load_rules(part["rules"], version, loading)
        loading.require_sound()
        loading.drafts.append(version)
        by_id = loading.by.pk if loading.by else None
        audit.record("rule-set-drafted", version, actor_id=by_id, now=loading.now, version=version.version)
        found = changes(current, version, in_words)
        for change in found:
            loading.make(self, change.name, change.before, change.after, is_at_once=False)
        if not found:
            text = _("Each rule says the same; their order, names, or what no rule asks for is another.")
            loading.say(self, text, is_at_once=False)

    def _load_parts(self, part: Any, version: RuleSet, loading: Loading) -> None:
        for name, of, model in _PARTS:
            for index, entry in enumerate(part.get(name, [])):
                path: Path = (self.key, name, index)
                row = model(rule_set=version)
                if isinstance(row, ProductList):
                    row.products = entry["products"]
                if loading.fill(row, entry, of, path) and loading.check(row, of, path):
                    row.save()

    def _load_rules(self, rules: list[Any], version: RuleSet, loading: Loading) -> None:
        types = {kind.code: kind for kind in ActivityType.objects.all()}
        words = Vocabulary()
        for index, entry in enumerate(rules):
            path: Path = (self.key, "rules", index)
            kind = loading.find(types, entry["when"], (*path, "when"))
            if kind is None:
                continue
            rule = Rule(
                rule_set=version, position=index, activity_type=kind, condition=to_json(entry.get("only_if", {})),
                formula=as_kept(entry["give"]), shared_limits=entry.get("shared_limits", []),
            )  # fmt: skip
            is_filled = loading.fill(rule, entry, _RULE, path)
            if is_filled and loading.check(rule, _RULE, path) and self._is_sound(rule, entry, words, loading, path):
                rule.save()
                self._load_limits(rule, entry, loading, path)

    def _load_limits(self, rule: Rule, entry: Mapping[str, Any], loading: Loading, path: Path) -> None:
        for number, given in enumerate(entry.get("limits", [])):
            at: Path = (*path, "limits", number)
            cap = RuleCap(rule=rule)
            if loading.fill(cap, given, _LIMIT, at) and loading.check(cap, _LIMIT, at):
                cap.save()

    def _is_sound(self, rule: Rule, entry: Mapping[str, Any], words: Vocabulary, loading: Loading, path: Path) -> bool:
        """Whether the engine can run it; if not, what is wrong is said of the very place."""
        for code in rule.shared_limits:
            if code not in words.shared_for(rule):
                words_of = {"code": code[:60], "hint": nearest(code, words.shared_for(rule))}
                text = _("There is no shared limit “%(code)s” here. %(hint)s")
                loading.fault((*path, "shared_limits"), text % words_of)
                return False
        limits = [RuleCap() for _each in entry.get("limits", [])]
        for cap, given in zip(limits, entry.get("limits", []), strict=True):
            loading.fill(cap, given, _LIMIT, path)
        try:
            words.earning_rule(rule, limits)
        except ConditionError as error:
            if sentence := _belongs_elsewhere(error, rule):
                loading.fault((*path, "only_if", *steps_of(error.path), "fact"), sentence)
            else:
                loading.wrong_condition(error, (*path, "only_if"))
        except FormulaError as error:
            loading.wrong_formula(error, (*path, "give" if error.key or not rule.role else "role"))
        else:
            return True
        return False

    def dump(self, program: Program, *, now: datetime) -> dict[str, Any]:
        """Return the version in force; where there is none, the one to come or drawn up."""
        version = version_of(RuleSet, program, now=now)
        return self._said(version) if version else {}

    def _said(self, version: RuleSet) -> dict[str, Any]:
        said: dict[str, Any] = entry_of(version, _SET)
        lists = version.product_lists.order_by("pk")
        said["product_lists"] = [{**entry_of(row, _LIST), "products": row.products} for row in lists]
        said["campaigns"] = [entry_of(row, _CAMPAIGN) for row in version.campaigns.order_by("pk")]
        said["shared_limits"] = [entry_of(row, _SHARED) for row in version.shared_limits.order_by("pk")]
        rules = version.rules.select_related("activity_type").prefetch_related("caps")
        said["rules"] = [_rule_said(rule) for rule in rules.order_by("position", "code", "pk")]
        return {name: value for name, value in said.items() if value != []}

    def canonical(self, part: Any, data: Mapping[str, Any]) -> Any:
        """Return the version without what is as usual."""
        said: dict[str, Any] = normal({name: part[name] for name in ("combining",) if name in part}, _SET)
        said["product_lists"] = [normal(entry, _LIST) for entry in part.get("product_lists", [])]
        said["campaigns"] = [normal(entry, _CAMPAIGN) for entry in part.get("campaigns", [])]
        said["shared_limits"] = [normal(entry, _SHARED) for entry in part.get("shared_limits", [])]
        said["rules"] = [_rule_normal(entry) for entry in part["rules"]]
        return {name: value for name, value in said.items() if value != []}


_PRODUCT: Schema = {"type": "string", "minLength": 1, "maxLength": 200}


def _schema_of(of: tuple[Key, ...]) -> dict[str, Schema]:
    return {key.name: key.schema() for key in of}


def _required(of: tuple[Key, ...]) -> tuple[str, ...]:
    return tuple(key.name for key in of if key.is_required)


def _rule_said(rule: Rule) -> dict[str, Any]:
    limits = sorted((entry_of(cap, _LIMIT) for cap in rule.caps.all()), key=_limit_order)
    return _rule(
        {"code": rule.code, "name": rule.name}, rule.activity_type.code, from_json(rule.condition),
        as_said(rule.formula), entry_of(rule, _TO), limits, rule.shared_limits,
    )  # fmt: skip


def _rule_normal(entry: Mapping[str, Any]) -> dict[str, Any]:
    return _rule(
        {"code": entry["code"], "name": entry["name"]}, entry["when"], from_json(entry.get("only_if", {})),
        as_said(as_kept(entry["give"])), normal({key.name: entry[key.name] for key in _TO if key.name in entry}, _TO),
        sorted((normal(each, _LIMIT) for each in entry.get("limits", [])), key=_limit_order),
        entry.get("shared_limits", []),
    )  # fmt: skip


def _rule(
    named: dict[str, Any], when: str, only_if: Any, give: Any, to: dict[str, Any], limits: list[Any], shared: list[str]
) -> dict[str, Any]:
    """Return a rule as a document says it, in the order in which it is read."""
    said = {**named, "when": when, "only_if": only_if, "give": give, **to, "limits": limits, "shared_limits": shared}
    return {name: value for name, value in said.items() if value not in ([], {})}


def _limit_order(limit: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(limit.get(name, "")) for name in ("for", "per", "of", "each_object"))


def _by_code(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return a version such that lists, campaigns and shared limits are the same in any order; rules have an order."""
    return {
        name: {each["code"]: {**each, "products": sorted(each.get("products", []))} for each in value}
        if isinstance(value, list) and name != "rules"
        else value
        for name, value in said.items()
    }


def _belongs_elsewhere(error: ConditionError, rule: Rule) -> str:
    """Return of which type of activities the attribute is that a condition asks for in vain; empty: of none."""
    leaf = rule.condition
    for step in steps_of(error.path):
        leaf = leaf[step]
    fact = leaf.get("fact") if isinstance(leaf, Mapping) else None
    if not isinstance(fact, str) or not fact.startswith(ATTRIBUTE_PREFIX):
        return ""
    attributes = ActivityAttribute.objects.filter(code=fact.removeprefix(ATTRIBUTE_PREFIX))
    if attributes.filter(activity_type=rule.activity_type_id).exists():
        return ""
    kinds = list(attributes.values_list("activity_type__code", flat=True))
    if not kinds:
        return ""
    words = {"fact": fact, "kinds": listed(sorted(kinds), _), "when": rule.activity_type.code}
    return _("“%(fact)s” is never known here: it belongs to %(kinds)s, and this rule is for %(when)s.") % words
