"""The program itself: its currency, its time zone, how its points come and go, what raises and lowers tiers."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any, ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from loyalty.ending import tell_of_end
from loyalty.models import Program
from loyalty.site.blueprints.documents import Path, nearest
from loyalty.site.blueprints.keys import entry_of, keys_of
from loyalty.site.blueprints.schema import Schema, keys
from loyalty.site.blueprints.sections.section import Loading, Section
from loyalty.site.blueprints.sections.table import normal

KEYS = keys_of(
    Program,
    *("code", "name", "currency", "time_zone"),
    *("release", "release_days", "expiry", "expiry_months", "expiry_month", "expiry_day", "expiry_years"),
    *("tier_metric", "tier_window", "tier_months", "tier_fall", "tier_grace_months"),
    *("point_value", "adjustment_limit", "one_wallet_up_to", "transfers", "is_active"),
    *("last_earn_on", "last_spend_on", "rest"),
    is_active="running",
)
"""All that a program has; a test holds them against the model."""


class ProgramSection(Section):
    """The one thing that every blueprint has."""

    key = "program"
    title = gettext_lazy("program")
    about = "The program. A code that exists already means that program; any other makes a new one."
    is_required: ClassVar[bool] = True

    def schema(self) -> Schema:
        """Its terms."""
        required = tuple(key.name for key in KEYS if key.is_required)
        return keys(required, **{key.name: key.schema() for key in KEYS})

    def load(self, part: Any, loading: Loading) -> None:
        """Make the program, or change what it says."""
        path: Path = (self.key,)
        program = Program.objects.select_for_update(no_key=True).filter(code=part["code"]).first()
        loading.is_new = program is None
        if program is None:
            program = Program()
        elif program.currency != part["currency"]:
            words = {"program": program, "currency": program.currency, "other": part["currency"][:10]}
            text = _("“%(program)s” counts in %(currency)s, and this blueprint in %(other)s. Say %(currency)s here.")
            loading.fault((*path, "currency"), text % words)
            return
        before = {} if loading.is_new else entry_of(program, KEYS)
        said = {} if loading.is_new else _said(program)
        if loading.fill(program, part, KEYS, path) and loading.check(program, KEYS, path):
            after = entry_of(program, KEYS)
            if before == after:
                loading.same[str(self.title)] += 1
            else:
                program.save()
                tell_of_end(program, now=loading.now)
                loading.compare(self, program, said, _said(program))
            loading.program = program
            loading.later(partial(_require_metric, program, loading, path))

    def dump(self, program: Program, *, now: datetime) -> dict[str, Any]:
        """Return its terms."""
        return entry_of(program, KEYS)

    def canonical(self, part: Any, data: Mapping[str, Any]) -> Any:
        """Return its terms without what is as usual."""
        return normal(part, KEYS)


def _require_metric(program: Program, loading: Loading, path: Path) -> None:
    """Refuse a metric that nothing would ever count: no tier would be reached."""
    codes = set(program.metrics.values_list("code", flat=True))
    if program.tier_metric and program.tier_metric not in codes:
        words = {"code": program.tier_metric, "hint": nearest(program.tier_metric, codes)}
        loading.fault((*path, "tier_metric"), _("There is no metric “%(code)s”. %(hint)s") % words)


def _said(program: Program) -> dict[str, str]:
    values = ((key, getattr(program, key.field.attname)) for key in KEYS if key.name != "code")
    return {str(key.field.verbose_name): key.in_words(value) for key, value in values if key.write(value) is not None}
