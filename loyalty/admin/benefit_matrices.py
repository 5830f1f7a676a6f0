"""The benefit matrix: one screen a version, tiers down, stakeholder roles across, segments on top."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.admin.exports import Shown
from accounts.admin.links import VocabularyFilter, rows_link
from accounts.admin.scoped import manager_behind
from accounts.admin.steps import Step
from accounts.models import Segment, SegmentMembership, StakeholderRole
from loyalty.admin.versions import ActivateForm, StateFilter, VersionAdmin
from loyalty.benefits import (
    VersionError,
    activate,
    difference,
    draft_from,
    entitlements_as,
    plain_cells,
    remove_from_cell,
    retire,
    set_cell,
    version_before,
    version_held_last,
)
from loyalty.benefits.differences import PlainCell
from loyalty.benefits.matrix import matrices_in_force, plain_cell
from loyalty.benefits.reach import changed_cells, companies_at, reach_of
from loyalty.benefits.words import place, times
from loyalty.earning import Period
from loyalty.models import Benefit, BenefitCell, BenefitMatrix, RuleCap, Tier, TierAssignment

CHANGES_SHOWN = 3


STEPS: Mapping[str, Step] = {
    "activate": Step(
        gettext_lazy("Put in force"),
        gettext_lazy(
            "The version that is in force then ends at that moment. This one can no longer be changed: to change it, "
            "a new draft is made. People read the new benefits at once, and use them from then on."
        ),
        gettext_lazy("%(row)s is put in force."),
        lambda matrix, by, now, asked: activate(matrix=matrix, by=by, starts_at=asked["starts_at"] or now, now=now),
        ActivateForm,
    ),
    "retire": Step(
        gettext_lazy("Take out of force"),
        gettext_lazy(
            "The version ends at this moment, and the program's tiers give no benefits from then on. Where it has not "
            "begun yet, it never will, and the version before it goes on. What was used stays on record."
        ),
        gettext_lazy("%(row)s is taken out of force."),
        lambda matrix, by, now, _asked: retire(matrix=matrix, by=by, now=now),
        is_danger=True,
    ),
    "draft": Step(
        gettext_lazy("Make a new draft"),
        gettext_lazy(
            "The version that holds last is copied into the next one, which you can change until it is in force."
        ),
        gettext_lazy("%(row)s is drawn up; it can be changed now."),
        lambda matrix, by, now, _asked: draft_from(program=matrix.program, by=by, now=now),
        makes_new_row=True,
    ),
}


class CellForm(forms.Form):
    """A benefit for one cell, and how often."""

    benefit = forms.ModelChoiceField(label=gettext_lazy("Benefit"), queryset=Benefit.objects.none())
    quota = forms.IntegerField(
        label=gettext_lazy("Times"), required=False, min_value=1, max_value=30_000,
        help_text=gettext_lazy("Empty: as often as wanted."),
    )  # fmt: skip
    period = forms.ChoiceField(label=gettext_lazy("Per"), choices=RuleCap.Per, initial=RuleCap.Per.YEAR)

    def __init__(self, data: object = None, *, program_id: int) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        benefit = self.fields["benefit"]
        assert isinstance(benefit, forms.ModelChoiceField)  # noqa: S101 (tells the type checker)
        benefit.queryset = Benefit.objects.filter(program=program_id, is_active=True).order_by("name")


class AsForm(forms.Form):
    """Through whose eyes a version is read."""

    tier = forms.ModelChoiceField(label=gettext_lazy("Tier"), queryset=Tier.objects.none(), empty_label=None)
    role = forms.ModelMultipleChoiceField(
        label=gettext_lazy("Stakeholder roles"),
        queryset=StakeholderRole.objects.none(),
        to_field_name="code",
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    segment = forms.ModelChoiceField(
        label=gettext_lazy("Segment"), queryset=Segment.objects.none(), required=False,
        empty_label=gettext_lazy("none"),
    )  # fmt: skip

    def __init__(self, data: object = None, *, program_id: int) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        rows: dict[str, Any] = {
            "tier": Tier.objects.filter(program=program_id).order_by("-rank"),
            "role": StakeholderRole.objects.order_by("name"),
            "segment": Segment.objects.order_by("name"),
        }
        for name, queryset in rows.items():
            field = self.fields[name]
            assert isinstance(field, forms.ModelChoiceField)  # noqa: S101 (tells the type checker)
            field.queryset = queryset


class MatrixForm(forms.ModelForm[BenefitMatrix]):
    """A new version only asks for which program."""

    def clean(self) -> dict[str, Any]:
        """Refuse a second draft."""
        cleaned = super().clean() or self.cleaned_data
        program = cleaned.get("program")
        drafts = BenefitMatrix.objects.filter(program=program, status=BenefitMatrix.Status.DRAFT)
        if program and drafts.exists():
            self.add_error("program", _("This program has a draft already: go on with that one."))
        return cleaned


@dataclass(frozen=True, slots=True)
class Given:
    """A benefit in a cell as the screen shows it; `is_inherited`: a general one while a segment is looked at."""

    pk: int
    benefit: Benefit
    times: str
    is_inherited: bool


@dataclass(frozen=True, slots=True)
class Square:
    """A cell of the screen: what is given there, and the form that adds to it, where it is open."""

    name: str
    anchor: str
    given: list[Given]
    add_url: str
    form: CellForm | None


@dataclass(frozen=True, slots=True)
class Line:
    """A tier of the screen."""

    tier: Tier
    companies: str
    squares: list[Square]


@admin.register(BenefitMatrix)
class BenefitMatrixAdmin(VersionAdmin[BenefitMatrix]):
    """Versions. Drafts are filled cell by cell; all else is a step with a page to confirm it."""

    form = MatrixForm
    steps: ClassVar[Mapping[str, Step]] = STEPS
    step_template = "admin/loyalty/benefitmatrix/confirm.html"
    list_display = ("__str__", "state", "starts_at", "ends_at", "cell_list", "changes")
    list_filter = (("program", VocabularyFilter), StateFilter)
    list_select_related = ("program",)
    search_fields = ("program__name", "program__code")
    ordering = ("-pk",)
    fields = ("program",)
    actions = None

    def with_extras(self, rows: Sequence[BenefitMatrix]) -> Sequence[BenefitMatrix]:
        """Compare every version with the one before; what they give is read once."""
        programs = {row.program_id for row in rows}
        cells: dict[int, list[PlainCell]] = defaultdict(list)
        versions: dict[int, list[tuple[int, int]]] = defaultdict(list)
        held = BenefitMatrix.objects.filter(program__in=programs).exclude(status=BenefitMatrix.Status.DRAFT)
        for pk, program_id, version in held.values_list("pk", "program", "version"):
            versions[program_id].append((version, pk))
        known = {row.pk for row in rows} | {pk for pairs in versions.values() for _version, pk in pairs}
        for cell in BenefitCell.objects.filter(matrix__in=known).select_related("tier", "role", "segment", "benefit"):
            cells[cell.matrix_id].append(plain_cell(cell))
        for row in rows:
            before = max((pair for pair in versions[row.program_id] if pair[0] < row.version), default=(0, 0))
            row.cell_count = len(cells[row.pk])  # type: ignore[attr-defined]
            row.sentences = difference(cells[before[1]], cells[row.pk])  # type: ignore[attr-defined]
        return rows

    @admin.display(description=gettext_lazy("benefits"))
    def cell_list(self, matrix: BenefitMatrix) -> str:
        """How many benefits stand in its cells, leading to them."""
        return rows_link(BenefitCell, matrix.cell_count, matrix__id__exact=matrix.pk)  # type: ignore[attr-defined]

    @admin.display(description=gettext_lazy("against the version before"))
    def changes(self, matrix: BenefitMatrix) -> str:
        """The first few changes, and how many more there are."""
        sentences: list[str] = matrix.sentences  # type: ignore[attr-defined]
        shown = [(sentence,) for sentence in sentences[:CHANGES_SHOWN]]
        if not shown:
            return _("No change.")
        more = len(sentences) - len(shown)
        if more:
            shown.append((ngettext("and %(count)s more change", "and %(count)s more changes", more) % {"count": more},))
        return Shown.of(format_html_join("", "{}<br>", shown), " ".join(text for (text,) in shown))

    def get_deleted_objects(
        self, objs: QuerySet[Any] | Sequence[Any], request: HttpRequest
    ) -> tuple[list[Any], dict[Any, Any], set[Any], list[Any]]:
        """A draft goes with its cells, which nobody deletes on a screen of their own."""
        rows, counts, forbidden, protected = super().get_deleted_objects(objs, request)
        return rows, counts, forbidden - {BenefitCell._meta.verbose_name}, protected

    def save_model(self, request: HttpRequest, obj: BenefitMatrix, form: Any, change: bool) -> None:
        """Draw up the next version."""
        draft = draft_from(program=obj.program, by=manager_behind(request), now=timezone.now())
        obj.pk, obj.version, obj._state.adding = draft.pk, draft.version, False

    def get_urls(self) -> list[URLPattern]:
        """The page that shows a version through a client's eyes, beside those that confirm a step."""
        view = self.admin_site.admin_view(self.see_as_view)
        return [path("<int:pk>/see-as/", view, name="loyalty_benefitmatrix_see_as"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The matrix itself: read, and in a draft filled, one benefit in one cell at a time."""
        matrix = self.get_object(request, object_id)
        if matrix is None:
            return super().change_view(request, object_id, form_url, extra_context)
        if not self.has_view_or_change_permission(request, matrix):
            raise PermissionDenied
        segment = _chosen(Segment, request.GET.get("segment", ""))
        if request.method != "POST":
            return self._show(request, matrix, segment)
        if not self.has_change_permission(request, matrix):
            raise PermissionDenied
        try:
            return self._change(request, matrix, segment)
        except VersionError as error:
            self.message_user(request, str(error), messages.ERROR)
            return self._show(request, matrix, segment, status=409)

    def _change(self, request: HttpRequest, matrix: BenefitMatrix, segment: Segment | None) -> HttpResponse:
        """Put a benefit into a cell or take one out, and go back to that cell."""
        by, now = manager_behind(request), timezone.now()
        if "remove" in request.POST:
            number = request.POST["remove"]
            cell = matrix.cells.filter(pk=number).first() if number.isdecimal() else None
            if cell is None:
                raise Http404
            anchor = _anchor(cell.tier_id, cell.role_id)
            remove_from_cell(cell=cell, by=by, now=now)
            return HttpResponseRedirect(f"{_closed(request)}#{anchor}")
        tier = _chosen(Tier.objects.filter(program=matrix.program_id), request.GET.get("tier", ""))
        role = _chosen(StakeholderRole, request.GET.get("role", ""))
        form = CellForm(request.POST, program_id=matrix.program_id)
        if tier is None or not form.is_valid():
            return self._show(request, matrix, segment, form=form, status=422)
        cell = set_cell(
            matrix=matrix,
            tier=tier,
            role=role,
            segment=segment,
            benefit=form.cleaned_data["benefit"],
            quota=form.cleaned_data["quota"],
            period=form.cleaned_data["period"],
            by=by,
            now=now,
        )
        return HttpResponseRedirect(f"{_closed(request)}#{_anchor(cell.tier_id, cell.role_id)}")

    def _show(
        self,
        request: HttpRequest,
        matrix: BenefitMatrix,
        segment: Segment | None,
        *,
        form: CellForm | None = None,
        status: int = 200,
    ) -> HttpResponse:
        is_open = matrix.status == BenefitMatrix.Status.DRAFT and self.has_change_permission(request, matrix)
        roles = list(StakeholderRole.objects.order_by("name"))
        if is_open and form is None and "tier" in request.GET:
            form = CellForm(program_id=matrix.program_id)
        before = version_before(matrix)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": matrix,
            "matrix": matrix,
            "state": self.state(matrix),
            "title": str(matrix),
            "is_open": is_open,
            "roles": roles,
            "lines": self._tier_lines(request, matrix, segment, roles, form if is_open else None),
            "segment": segment,
            "segments": self._segments(request, matrix, segment),
            "companies_in_segment": _companies_in(segment) if segment else "",
            "before": before,
            "changes": difference(plain_cells(before) if before else [], plain_cells(matrix)),
            "tools": self.tools(request, matrix),
            "can_delete": self.has_delete_permission(request, matrix),
        }
        return TemplateResponse(request, "admin/loyalty/benefitmatrix/matrix.html", context, status=status)

    def _tier_lines(
        self,
        request: HttpRequest,
        matrix: BenefitMatrix,
        segment: Segment | None,
        roles: list[StakeholderRole],
        form: CellForm | None,
    ) -> list[Line]:
        """The tiers, the highest first, each with a square for the company and one a role."""
        squares = _given(matrix, segment)
        held = companies_at(matrix.program, at=timezone.now())
        opened = request.GET.get("tier", ""), request.GET.get("role", "")
        lines = []
        for tier in Tier.objects.filter(program=matrix.program_id).order_by("-rank"):
            row = []
            for role in [None, *roles]:
                is_opened = form is not None and opened == (str(tier.pk), str(role.pk) if role else "")
                query = request.GET.copy()
                query["tier"], query["role"] = str(tier.pk), str(role.pk) if role else ""
                anchor = _anchor(tier.pk, role.pk if role else None)
                name = place(tier.name, role.name if role else "", segment.name if segment else "")
                given = squares[tier.pk, role.pk if role else None]
                row.append(Square(name, anchor, given, f"?{query.urlencode()}#{anchor}", form if is_opened else None))
            lines.append(Line(tier, _companies_at_tier(tier, held.get(tier.pk, 0)), row))
        return lines

    def _segments(self, request: HttpRequest, matrix: BenefitMatrix, chosen: Segment | None) -> list[dict[str, Any]]:
        """The switch on top: all companies, then each segment with what stands in its own cells."""
        own: dict[int | None, int] = defaultdict(int)
        for pk in matrix.cells.values_list("segment", flat=True):
            own[pk] += 1
        rows = [{"label": _("All companies"), "url": request.path, "count": own[None], "is_current": chosen is None}]
        rows += [
            {
                "label": segment.name,
                "url": f"{request.path}?segment={segment.pk}",
                "count": own[segment.pk],
                "is_current": segment == chosen,
            }
            for segment in Segment.objects.order_by("name")
        ]
        return rows

    def offered(self, row: BenefitMatrix) -> list[str]:
        """What its status lets it take."""
        return {
            BenefitMatrix.Status.DRAFT.value: ["activate"],
            BenefitMatrix.Status.ACTIVE.value: ["draft", "retire"],
            BenefitMatrix.Status.RETIRED.value: ["draft"],
        }[row.status]

    def further_tools(self, request: HttpRequest, row: BenefitMatrix) -> list[dict[str, Any]]:
        """A version can be read through a client's eyes."""
        return [{"label": _("See as a client"), "url": reverse("admin:loyalty_benefitmatrix_see_as", args=[row.pk])}]

    def foretold(self, row: BenefitMatrix, name: str) -> dict[str, Any]:
        """What changes, in words, and whom it touches; nothing for a new draft, which changes nothing."""
        if name == "draft":
            return {}
        now = timezone.now()
        before, after = (version_held_last(row.program_id, at=now), row) if name == "activate" else (row, None)
        if after is None and row.starts_at is not None and row.starts_at > now:
            after = matrices_in_force(row.program_id, at=now).first()  # it goes on, as this one never began
        old, new = (plain_cells(version) if version else [] for version in (before, after))
        reach = reach_of(row.program, changed_cells(old, new), at=now)
        facts = [(_("Companies touched"), reach.companies), (_("People touched"), reach.people)]
        return {"facts": facts, "changes": difference(old, new), "shows_changes": True}

    def see_as_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What a version gives to somebody of a tier, roles and a segment, as a client would read it."""
        matrix = self.get_object(request, str(pk))
        if matrix is None:
            raise Http404
        if not self.has_view_or_change_permission(request, matrix):
            raise PermissionDenied
        form = AsForm(request.GET or None, program_id=matrix.program_id)
        rights = None
        if form.is_valid():
            rights = entitlements_as(
                matrix,
                tier=form.cleaned_data["tier"],
                role_codes=[role.code for role in form.cleaned_data["role"]],
                segment=form.cleaned_data["segment"],
                at=timezone.now(),
            )
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": matrix,
            "title": _("See as a client: %(matrix)s") % {"matrix": matrix},
            "form": form,
            "rights": rights,
            "back_url": reverse("admin:loyalty_benefitmatrix_change", args=[pk]),
        }
        return TemplateResponse(request, "admin/loyalty/benefitmatrix/see_as.html", context)


def _given(matrix: BenefitMatrix, segment: Segment | None) -> dict[tuple[int, int | None], list[Given]]:
    """What stands in each square, by tier and role: general ones, and those of the segment looked at."""
    squares: dict[tuple[int, int | None], list[Given]] = defaultdict(list)
    for cell in matrix.cells.select_related("benefit").order_by("benefit__name", "pk"):
        if cell.segment_id is not None and (segment is None or cell.segment_id != segment.pk):
            continue
        words = times(cell.quota, Period(cell.period))
        is_inherited = segment is not None and cell.segment_id is None
        squares[cell.tier_id, cell.role_id].append(Given(cell.pk, cell.benefit, words, is_inherited))
    return squares


def _chosen(rows: Any, number: str) -> Any:
    """The row of a number in an address; None where it names none."""
    rows = rows if hasattr(rows, "filter") else rows.objects.all()
    return rows.filter(pk=int(number)).first() if number.isdecimal() and len(number) < 19 else None


def _anchor(tier_id: int, role_id: int | None) -> str:
    return f"cell-{tier_id}-{role_id or 0}"


def _closed(request: HttpRequest) -> str:
    """The address of the matrix without an open cell."""
    segment = request.GET.get("segment", "")
    return f"{request.path}?segment={segment}" if segment.isdecimal() else request.path


def _companies_at_tier(tier: Tier, count: int) -> str:
    text = ngettext("%(count)s company", "%(count)s companies", count) % {"count": count}
    return rows_link(TierAssignment, text, tier__id__exact=tier.pk, ends_at__isnull="True")


def _companies_in(segment: Segment) -> str:
    count = SegmentMembership.objects.filter(segment=segment, ends_at__isnull=True).count()
    text = ngettext("%(count)s company", "%(count)s companies", count) % {"count": count}
    return rows_link(SegmentMembership, text, segment__id__exact=segment.pk, ends_at__isnull="True")
