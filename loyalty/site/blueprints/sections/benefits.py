"""Benefits, and the matrix of who gets which of them: a draft, like rules."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Model
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.models import Segment, StakeholderRole
from loyalty.benefits.differences import difference
from loyalty.benefits.matrix import plain_cells
from loyalty.models import Benefit, BenefitCell, BenefitMatrix, Program, Tier
from loyalty.site.blueprints.documents import Path
from loyalty.site.blueprints.keys import keys_of
from loyalty.site.blueprints.schema import CODE, Schema, entries, keys
from loyalty.site.blueprints.sections.section import Loading, Section, other_draft
from loyalty.site.blueprints.sections.table import Table
from loyalty.versions import drafts_of, next_version, version_of

_CELL = keys_of(BenefitCell, "quota", "period", quota="times", period="per")


class BenefitSection(Table):
    """What belongs to standing and costs no points."""

    key = "benefits"
    title = gettext_lazy("benefits")
    about = "What belongs to standing and costs no points."
    model = Benefit
    keys = keys_of(
        Benefit,
        *("code", "name", "kind", "description", "how_to_use", "value", "address", "contact", "offer_code"),
        *("lead_days", "is_active"),
        is_active="offered",
    )


class Cell(NamedTuple):
    """A benefit in a cell, by codes; role "": the company, segment "": all."""

    benefit: str
    role: str
    segment: str
    times: int | None
    per: str
    tier: str


class BenefitMatrixSection(Section):
    """Tier by tier and role by role, which benefit how often."""

    key = "benefit_matrix"
    title = gettext_lazy("benefit matrix")
    about = "Who gets which benefit: at which tiers, in which role (none: the company), how many times."

    def schema(self) -> Schema:
        """Cells; those of several tiers in one entry."""
        own = {key.name: key.schema() for key in _CELL}
        tiers = entries(CODE, least=1)
        return entries(keys(("benefit", "tiers"), benefit=CODE, tiers=tiers, role=CODE, segment=CODE, **own), least=1)

    def coded(self, part: Any) -> Any:
        """Cells have no codes."""
        return iter(())

    def load(self, part: Any, loading: Loading) -> None:
        """Draw up a version where none says the same."""
        wanted = sorted(cell for _path, cell in _cells(part, self.key))
        drafts = drafts_of(BenefitMatrix, loading.program)
        current = version_of(BenefitMatrix, loading.program, now=loading.now)
        for version in (*drafts, *([current] if current else [])):
            if sorted(_kept(version)) == wanted:
                loading.same[str(self.title)] += len(part)
                return
        if drafts:
            loading.fault((self.key,), other_draft(drafts[-1]))
            return
        version = BenefitMatrix(program=loading.program, version=next_version(BenefitMatrix, loading.program.pk))
        version.save()
        self._fill(version, part, loading)
        loading.require_sound()
        loading.drafts.append(version)
        by_id = loading.by.pk if loading.by else None
        audit.record("benefit-matrix-drafted", version, actor_id=by_id, now=loading.now, version=version.version)
        for sentence in difference(plain_cells(current) if current else [], plain_cells(version)):
            loading.say(self, sentence, is_at_once=False)

    def _fill(self, version: BenefitMatrix, part: Any, loading: Loading) -> None:
        tiers = _coded(Tier.objects.filter(program=loading.program))
        benefits = _coded(Benefit.objects.filter(program=loading.program))
        roles, segments = _coded(StakeholderRole.objects.all()), _coded(Segment.objects.all())
        for path, cell in _cells(part, self.key):
            tier = loading.find(tiers, cell.tier, (*path, "tiers"))
            benefit = loading.find(benefits, cell.benefit, (*path, "benefit"))
            role = loading.find(roles, cell.role, (*path, "role")) if cell.role else None
            segment = loading.find(segments, cell.segment, (*path, "segment")) if cell.segment else None
            if tier and benefit and bool(role) == bool(cell.role) and bool(segment) == bool(cell.segment):
                row = BenefitCell(
                    matrix=version, tier=tier, role=role, segment=segment, benefit=benefit, quota=cell.times,
                    period=cell.per,
                )  # fmt: skip
                if loading.check(row, _CELL, path):
                    row.save()

    def dump(self, program: Program, *, now: datetime) -> list[dict[str, Any]]:
        """Return the version in force; where there is none, the one to come or drawn up."""
        version = version_of(BenefitMatrix, program, now=now)
        if version is None:
            return []
        tiers = Tier.objects.filter(program=program).order_by("rank").values_list("code", flat=True)
        benefits = Benefit.objects.filter(program=program).order_by("pk").values_list("code", flat=True)
        return _said(_kept(version), list(tiers), list(benefits))

    def canonical(self, part: Any, data: Mapping[str, Any]) -> Any:
        """Return the cells, those that differ by tier alone in one entry."""
        tiers, benefits = ([entry["code"] for entry in data.get(name, [])] for name in ("tiers", "benefits"))
        return _said([cell for _path, cell in _cells(part, self.key)], tiers, benefits)


def _coded(rows: Iterable[Any]) -> dict[str, Any]:
    return {row.code: row for row in rows}


def _cells(part: Any, key: str) -> Iterable[tuple[Path, Cell]]:
    for index, entry in enumerate(part):
        per = _CELL[1].read(entry["per"]) if "per" in entry else _CELL[1].usual
        for tier in entry["tiers"]:
            of = (entry["benefit"], entry.get("role", ""), entry.get("segment", ""))
            yield (key, index), Cell(*of, entry.get("times"), str(per), tier)


def _kept(version: BenefitMatrix) -> list[Cell]:
    rows = version.cells.select_related("benefit", "role", "segment", "tier").order_by("pk")
    return [
        Cell(row.benefit.code, _code(row.role), _code(row.segment), row.quota, row.period, row.tier.code)
        for row in rows
    ]


def _code(row: Model | None) -> str:
    return str(getattr(row, "code", ""))


def _said(cells: Iterable[Cell], tiers: list[str], benefits: list[str]) -> list[dict[str, Any]]:
    together: dict[tuple[Any, ...], list[str]] = {}
    for cell in sorted(cells, key=lambda cell: _place(cell.tier, tiers)):
        together.setdefault(cell[:-1], []).append(cell.tier)
    said = []
    for of in sorted(together, key=lambda of: (_place(of[0], benefits), of[1], of[2], _place(together[of][0], tiers))):
        benefit, role, segment, times, per = of
        entry = {
            "benefit": benefit, "tiers": together[of], "role": role, "segment": segment, "times": times,
            "per": per.lower() if times else _CELL[1].write(per),
        }  # fmt: skip
        said.append({name: value for name, value in entry.items() if value not in (None, "")})
    return said


def _place(code: str, codes: list[str]) -> tuple[int, str]:
    return (codes.index(code) if code in codes else len(codes), code)
