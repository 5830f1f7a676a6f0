"""One note: how it reads, how it read before, and how it is edited."""

from django.contrib import messages
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import account_managers_only
from accounts.actors import Actor
from accounts.draft_views import let_go
from accounts.middleware import actor_behind
from accounts.models import ServiceNote, ServiceNoteVersion
from accounts.note_forms import NoteEditForm, overwrite, typed_again
from accounts.service_notes import NoteChangedError
from accounts.service_notes import edit_note as put_into_other_words
from loyalty.site.views.account_manager.drafting import Drafting, drafting


@require_safe
@account_managers_only
def note(request: HttpRequest, pk: int) -> HttpResponse:
    """A note and its earlier versions, latest first."""
    actor = actor_behind(request)
    row = _note(pk, actor)
    versions = (
        ServiceNoteVersion.objects.visible_to(actor)
        .filter(note=row)
        .select_related("replaced_by")
        .order_by("-replaced_at", "-pk")
    )
    context = {"note": row, "people": [person.name for person in row.people.order_by("name")], "versions": versions}
    return render(request, "am/note.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@account_managers_only
def edit_note(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a note into other words; how it read before is kept."""
    actor = actor_behind(request)
    row = _note(pk, actor)
    draft = drafting(request, actor)
    form = _form(request, row, draft)
    context = {"note": row, "form": form, "drafting": draft}
    if not form.is_valid():
        return render(request, "am/note_edit.html", context, status=422 if form.errors else 200)
    try:
        put_into_other_words(
            note_id=pk,
            words=form.words,
            edits_seen=form.cleaned_data["edits_seen"],
            by_user_id=actor.user_id,
            now=actor.at,
        )
    except NoteChangedError as error:
        again = _note(pk, actor)
        overwrite(form, "edits_seen", getattr(again, "edits", 0))  # who saves now has seen what is overwritten
        context |= {"note": again, "changed": error.latest}
        return render(request, "am/note_edit.html", context, status=409)
    let_go(request, user_id=actor.user_id, address=draft.address)
    messages.success(request, _("The note is saved. How it read before is kept."))
    return HttpResponseRedirect(reverse("am-company", args=[row.company_id]) + "#timeline")


def _note(pk: int, actor: Actor) -> ServiceNote:
    """The note, for whoever looks after the company now: the author of old days does not any more."""
    row = (
        ServiceNote.objects.visible_to(actor)
        .filter(pk=pk)
        .select_related("company", "author")
        .annotate(edits=Count("versions"))
        .first()
    )
    if row is None:
        raise Http404
    return row


def _form(request: HttpRequest, row: ServiceNote, draft: Drafting) -> NoteEditForm:
    if request.method == "POST":
        # A note of its own: the form writes what was typed into it, and the page goes on showing what is kept.
        return NoteEditForm(request.POST, instance=ServiceNote(company=row.company), note=row)
    initial = {"edits_seen": getattr(row, "edits", 0), "visibility": row.visibility}
    if draft.typed is not None:
        initial |= typed_again(NoteEditForm(draft.typed, note=row))
    return NoteEditForm(instance=row, initial=initial, note=row)
