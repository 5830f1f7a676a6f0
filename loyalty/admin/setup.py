"""What is left to do until a program lives: its drafts, each with the page that offers the next step; its examples."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

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
        return self.version.status == ProgramVersion.Status.DRAFT


@require_safe
def setup_view(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a program's newest versions, what they have not proven yet, and how the examples come out."""
    if not request.user.has_perms(_MAY):
        raise PermissionDenied
    program = Program.objects.visible_to(actor_behind(request)).filter(pk=pk).first()
    if program is None:
        raise Http404
    now = timezone.now()
    matrices, rule_sets = drafts_of(BenefitMatrix, program), drafts_of(RuleSet, program)
    matrix = matrices[-1] if matrices else version_of(BenefitMatrix, program, now=now)
    rule_set = rule_sets[-1] if rule_sets else version_of(RuleSet, program, now=now)
    parts = []
    if matrix is not None:
        parts.append(_part(request, _("Benefits, version %(version)s"), matrix, now=now))
    if rule_set is not None:
        parts.append(_part(request, _("Rules, version %(version)s"), rule_set, now=now))
    context = {
        **admin.site.each_context(request),
        "opts": Program._meta,
        "original": program,
        "title": _("Setting up: %(program)s") % {"program": program.name},
        "parts": parts,
        "is_done": rule_set is not None and not any(part.is_draft for part in parts),
        "rule_set": rule_set,
        "ran": [] if rule_set is None else run_examples(rule_set),
        "missing": missing_proofs(rule_set) if rule_sets and rule_set is not None else [],
        "back_url": reverse("admin:loyalty_program_change", args=[program.pk]),
    }
    return TemplateResponse(request, "admin/loyalty/program/setup.html", context)


def _part(request: HttpRequest, title: str, version: ProgramVersion, *, now: datetime) -> Part:
    page = admin.site.get_model_admin(type(version))
    is_draft = version.status == ProgramVersion.Status.DRAFT
    ways_on = page.ways_on(request, version) if is_draft and isinstance(page, SteppedAdmin) else []
    url = reverse(f"admin:{version._meta.app_label}_{version._meta.model_name}_change", args=[version.pk])
    return Part(title % {"version": version.version}, version, str(state_of(version, now=now).label), url, ways_on)
