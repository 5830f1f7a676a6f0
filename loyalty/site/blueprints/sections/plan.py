"""What a program is to bring and may cost: its open plan with the goals, each under its name."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from loyalty.models import Goal, Metric, Program, ProgramPlan
from loyalty.site.blueprints.documents import Path
from loyalty.site.blueprints.keys import Key, entry_of, keys_of
from loyalty.site.blueprints.schema import CODE, Schema, entries, keys
from loyalty.site.blueprints.sections.section import Loading, Section
from loyalty.site.blueprints.sections.table import normal

_PLAN = keys_of(
    ProgramPlan, "starts_on", "review_on", "expected_profit", "budget_percent", "expected_return",
    starts_on="from", review_on="review",
)  # fmt: skip
_GOAL = keys_of(Goal, "name", "aim", "figure", "unit", "baseline", "target", "by_on", by_on="by")


class _Called(NamedTuple):
    """What loading compares has a code and a name; plans and goals have names alone."""

    code: str
    name: str


class PlanSection(Section):
    """The plan that is open, or a new one where none is."""

    key = "plan"
    title = gettext_lazy("plan and goals")
    about = "What the program is to bring and may cost, from a day on, and when somebody looks at it again."

    def schema(self) -> Schema:
        """Days, money, and goals under their names."""
        goal = keys((*_required(_GOAL),), **{key.name: key.schema() for key in _GOAL}, metric=CODE)
        return keys((*_required(_PLAN),), **{key.name: key.schema() for key in _PLAN}, goals=entries(goal))

    def load(self, part: Any, loading: Loading) -> None:
        """Make the plan, or change the open one; goals that the document does not name stay."""
        plan = ProgramPlan.objects.filter(program=loading.program, closed_at__isnull=True).first()
        own = {name: value for name, value in part.items() if name != "goals"}
        if plan is not None and entry_of(plan, _PLAN) == normal(own, _PLAN):
            loading.same[str(self.title)] += 1
        else:
            plan = self._load_plan(plan, own, loading)
        if plan is None:
            return
        there = {goal.name: goal for goal in Goal.objects.filter(plan=plan).select_related("metric").order_by("pk")}
        names: dict[str, int] = {}
        for index, entry in enumerate(part.get("goals", [])):
            path: Path = (self.key, "goals", index)
            if entry["name"] in names:
                text = _("There is a goal “%(name)s” already. Give one of them another name.")
                loading.fault((*path, "name"), text % {"name": entry["name"]})
                continue
            names[entry["name"]] = index
            goal = there.get(entry["name"])
            if goal is not None and _said(goal) == _normal(entry):
                loading.same[str(self.title)] += 1
            else:
                self._load_goal(goal or Goal(plan=plan), entry, loading, path)
        loading.left += [(str(self.title), name) for name in there if name not in names]

    def _load_plan(self, plan: ProgramPlan | None, own: Mapping[str, Any], loading: Loading) -> ProgramPlan | None:
        before = {} if plan is None else _words(plan, _PLAN)
        row = plan or ProgramPlan(program=loading.program, currency=loading.program.currency)
        if not (loading.fill(row, own, _PLAN, (self.key,)) and loading.check(row, _PLAN, (self.key,))):
            return None
        row.save()
        loading.compare(self, _Called("", _("Plan")), before, _words(row, _PLAN))
        return row

    def _load_goal(self, goal: Goal, entry: Mapping[str, Any], loading: Loading, path: Path) -> None:
        before = _goal_words(goal) if goal.pk else {}
        metrics = {row.code: row for row in Metric.objects.filter(program=loading.program)}
        goal.metric = loading.find(metrics, entry["metric"], (*path, "metric")) if "metric" in entry else None
        if "metric" in entry and goal.metric is None:
            return
        if loading.fill(goal, entry, _GOAL, path) and loading.check(goal, _GOAL, path):
            goal.save()
            loading.compare(self, _Called("", goal.name), before, _goal_words(goal))

    def dump(self, program: Program, *, now: datetime) -> dict[str, Any]:
        """Return the open plan; nothing where there is none."""
        plan = ProgramPlan.objects.filter(program=program, closed_at__isnull=True).first()
        if plan is None:
            return {}
        goals = [_said(goal) for goal in Goal.objects.filter(plan=plan).select_related("metric").order_by("pk")]
        return _whole(entry_of(plan, _PLAN), goals)

    def canonical(self, part: Any, data: Mapping[str, Any]) -> Any:
        """Return it without what is as usual."""
        own = {name: value for name, value in part.items() if name != "goals"}
        return _whole(normal(own, _PLAN), [_normal(entry) for entry in part.get("goals", [])])


def _required(of: tuple[Key, ...]) -> list[str]:
    return [key.name for key in of if key.is_required]


def _whole(plan: dict[str, Any], goals: list[dict[str, Any]]) -> dict[str, Any]:
    return {**plan, "goals": goals} if goals else plan


def _said(goal: Goal) -> dict[str, Any]:
    return entry_of(goal, _GOAL) | ({"metric": goal.metric.code} if goal.metric else {})


def _normal(entry: Mapping[str, Any]) -> dict[str, Any]:
    return normal(entry, _GOAL)


def _words(row: ProgramPlan | Goal, of: tuple[Key, ...]) -> dict[str, str]:
    return {
        str(key.field.verbose_name): key.in_words(getattr(row, key.field.attname))
        for key in of
        if key.name != "name" and key.write(getattr(row, key.field.attname)) is not None
    }


def _goal_words(goal: Goal) -> dict[str, str]:
    metric = {str(Goal._meta.get_field("metric").verbose_name): goal.metric.name} if goal.metric else {}
    return {**_words(goal, _GOAL), **metric}
