"""Blueprints on the manager's desk: chosen, looked at beside what there is, loaded as a draft; and downloaded."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from accounts.admin.scoped import manager_behind
from accounts.middleware import actor_behind
from loyalty.models import Program
from loyalty.site.blueprints import (
    MAX_BYTES,
    MAY_LOAD,
    SHIPPED,
    BlueprintError,
    Document,
    Fault,
    Loaded,
    foresee,
    load,
    read,
    shipped,
    text_of,
)
from loyalty.site.blueprints.sections.surveys import SurveySection

MAY_READ = (
    "loyalty.view_program", "loyalty.view_ruleset", "loyalty.view_benefitmatrix", "loyalty.view_example",
    "loyalty.view_programplan", "surveys.view_survey",
)  # fmt: skip

ADJUSTED = ("code", "name", "currency", "time_zone")


class UploadForm(forms.Form):
    """A blueprint of the manager's own."""

    file = forms.FileField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy("A blueprint in YAML, such as one that was downloaded from a program’s page."),
        widget=forms.ClearableFileInput(attrs={"accept": ".yaml,.yml"}),
    )


class LoadForm(forms.Form):
    """The text of a blueprint, and what of its program is to be otherwise."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=100, required=False)
    code = forms.CharField(
        label=gettext_lazy("Code"),
        max_length=50,
        required=False,
        help_text=gettext_lazy("A code that a program has already makes drafts of that program."),
    )
    currency = forms.CharField(label=gettext_lazy("Currency"), max_length=3, required=False)
    time_zone = forms.CharField(label=gettext_lazy("Time zone"), max_length=64, required=False)
    text = forms.CharField(
        label=gettext_lazy("The blueprint"),
        strip=False,
        widget=forms.Textarea(attrs={"rows": 24, "cols": 100, "class": "monospace", "spellcheck": "false"}),
    )
    is_read = forms.BooleanField(label=gettext_lazy("I have read what holds at once"), required=False)

    def adjusted(self) -> dict[str, str]:
        """Return what of the program is to be otherwise."""
        return {name: self.cleaned_data[name].strip() for name in ADJUSTED}


@dataclass(frozen=True, slots=True)
class Look:
    """What a blueprint would do, or what is wrong with it."""

    seen: Loaded | None = None
    faults: tuple[Fault, ...] = ()


def choose(request: HttpRequest) -> HttpResponse:
    """The blueprints that come with Twofold, and the way to bring one's own."""
    _require(request, MAY_LOAD)
    return _choose(request, UploadForm())


def _choose(request: HttpRequest, form: UploadForm) -> HttpResponse:
    context = {
        **admin.site.each_context(request),
        "title": _("New program from a blueprint"),
        "shipped": SHIPPED,
        "form": form,
    }
    return TemplateResponse(request, "admin/blueprints/choose.html", context, status=422 if form.is_bound else 200)


def look(request: HttpRequest) -> HttpResponse:
    """What a blueprint makes, beside what there is; by POST with `load`, make it."""
    _require(request, MAY_LOAD)
    if request.method != "POST":
        chosen = shipped(request.GET.get("blueprint", ""))
        if chosen is None:
            raise Http404
        return _first_look(request, chosen.read())
    if "text" not in request.POST:
        upload = UploadForm(request.POST, request.FILES)
        if not upload.is_valid():
            return _choose(request, upload)
        return _first_look(request, upload.cleaned_data["file"].read(MAX_BYTES + 1))
    form = LoadForm(request.POST)
    if not form.is_valid():
        return _page(request, form, Look())
    try:
        document = read(form.cleaned_data["text"]).with_program(**form.adjusted())
        seen = foresee(document=document, now=timezone.now())
    except BlueprintError as error:
        return _page(request, form, Look(faults=tuple(error.faults)))
    if "load" not in request.POST:
        return _page(request, form, Look(seen))
    if seen.is_running and seen.at_once and not form.cleaned_data["is_read"]:
        form.add_error("is_read", _("The program runs already: read what holds at once, and say that you have."))
        return _page(request, form, Look(seen))
    return _load(request, form, document)


def _first_look(request: HttpRequest, raw: bytes | str) -> HttpResponse:
    text = raw if isinstance(raw, str) else raw[:MAX_BYTES].decode("utf-8-sig", errors="replace").replace("\0", "�")
    try:
        document = read(raw)
    except BlueprintError as error:
        return _page(request, LoadForm(initial={"text": text}), Look(faults=tuple(error.faults)))
    program = document.data.get("program")
    said = program if isinstance(program, dict) else {}
    form = LoadForm(initial={"text": text, **{name: said.get(name, "") for name in ADJUSTED}})
    try:
        return _page(request, form, Look(foresee(document=document, now=timezone.now())))
    except BlueprintError as error:
        return _page(request, form, Look(faults=tuple(error.faults)))


def _load(request: HttpRequest, form: LoadForm, document: Document) -> HttpResponse:
    try:
        loaded = load(document=document, by=manager_behind(request), now=timezone.now())
    except BlueprintError as error:
        return _page(request, form, Look(faults=tuple(error.faults)))
    words = {"program": loaded.program.name}
    if not loaded.made:
        text = _("Nothing was changed: “%(program)s” is as the blueprint says.")
    elif loaded.is_new:
        text = _("“%(program)s” is there, and its rules are a draft.")
    else:
        text = _("“%(program)s” has what the blueprint says; rules and benefits wait in drafts.")
    messages.success(request, text % words)
    if any(each.section == str(SurveySection.title) for each in loaded.in_drafts):
        messages.info(
            request, _("Questions of surveys are drafts: say on the page of each when it opens, and publish it.")
        )
    return HttpResponseRedirect(reverse("admin:loyalty_program_setup", args=[loaded.program.pk]))


def _page(request: HttpRequest, form: LoadForm, look: Look) -> HttpResponse:
    seen = look.seen
    context = {
        **admin.site.each_context(request),
        "title": _("What the blueprint makes"),
        "form": form,
        "seen": seen,
        "faults": look.faults,
        "is_asked": seen is not None and seen.is_running and bool(seen.at_once),
        "is_bound": form.is_bound,
    }
    is_wrong = bool(look.faults or form.errors)
    return TemplateResponse(request, "admin/blueprints/look.html", context, status=422 if is_wrong else 200)


@require_safe
def download(request: HttpRequest, pk: int) -> HttpResponse:
    """A program as its blueprint."""
    _require(request, MAY_READ)
    program = Program.objects.visible_to(actor_behind(request)).filter(pk=pk).first()
    if program is None:
        raise Http404
    response = HttpResponse(text_of(program, now=timezone.now()), content_type="application/yaml; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{program.code}.yaml"'
    return response


def _require(request: HttpRequest, permissions: Any) -> None:
    if not request.user.has_perms(permissions):
        raise PermissionDenied
