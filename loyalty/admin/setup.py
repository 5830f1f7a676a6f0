"""What is left to do until a program lives: its drafts, each with the page that offers the next step; its examples."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.admin.steps import SteppedAdmin
from accounts.middleware import actor_behind
from loyalty.examples import run_examples
from loyalty.models import BenefitMatrix, Program, RuleSet
from loyalty.models.versions import ProgramVersion
from loyalty.proving import missing_proofs
from loyalty.versions import drafts_of, state_of, version_of

V = TypeVar("V", bound=ProgramVersion)

_MAY = ("loyalty.view_program", "loyalty.view_ruleset", "loyalty.view_benefitmatrix", "loyalty.view_example")


@dataclass(frozen=True, slots=True)
class Part:
    """A version on the way to life, its page, and of a draft the steps that its page offers."""

    title: str
    version: ProgramVersion
    state: str
    url: str
    ways_on: list[dict[str, Any]]

    @property
    def is_draft(self) -> bool:
        """Whether it is not in force yet."""
        return _is_draft(self.version)


@require_safe
def setup_view(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a program's newest versions, what they have not proven yet, and how the examples come out."""
    if not request.user.has_perms(_MAY):
        raise PermissionDenied
    program = Program.objects.visible_to(actor_behind(request)).filter(pk=pk).first()
    if program is None:
        raise Http404
    now = timezone.now()
    matrices, rule_sets = _newest(BenefitMatrix, program, now=now), _newest(RuleSet, program, now=now)
    rule_set = rule_sets[-1] if rule_sets else None
    parts = [
        *(_part(request, _("Benefits, version %(version)s"), matrix, now=now) for matrix in matrices),
        *(_part(request, _("Rules, version %(version)s"), version, now=now) for version in rule_sets),
    ]
    context = {
        **admin.site.each_context(request),
        "opts": Program._meta,
        "original": program,
        "title": _("Setting up: %(program)s") % {"program": program.name},
        "parts": parts,
        "is_done": rule_set is not None and not any(part.is_draft for part in parts),
        "rule_set": rule_set,
        "ran": [] if rule_set is None else run_examples(rule_set),
        "missing": missing_proofs(rule_set) if rule_set is not None and _is_draft(rule_set) else [],
        "back_url": reverse("admin:loyalty_program_change", args=[program.pk]),
    }
    return TemplateResponse(request, "admin/loyalty/program/setup.html", context)


def _newest(kind: type[V], program: Program, *, now: datetime) -> list[V]:
    """Its drafts, or else the one version that tells what the program is."""
    told = version_of(kind, program, now=now)
    return drafts_of(kind, program) or ([] if told is None else [told])


def _is_draft(version: ProgramVersion) -> bool:
    return version.status == ProgramVersion.Status.DRAFT


def _part(request: HttpRequest, title: str, version: ProgramVersion, *, now: datetime) -> Part:
    page = admin.site.get_model_admin(type(version))
    ways_on = page.ways_on(request, version) if _is_draft(version) and isinstance(page, SteppedAdmin) else []
    url = reverse(f"admin:{version._meta.app_label}_{version._meta.model_name}_change", args=[version.pk])
    return Part(title % {"version": version.version}, version, str(state_of(version, now=now).label), url, ways_on)
