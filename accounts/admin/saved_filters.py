"""Lists that somebody comes back to: an address kept under a name, for oneself or for all program managers."""

from dataclasses import dataclass
from typing import Any, TypeVar

from django.contrib import admin, messages
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.views.main import ERROR_FLAG, PAGE_VAR
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from accounts.middleware import actor_behind
from accounts.models import SavedFilter

M = TypeVar("M", bound=Model)

_NEVER_KEPT = (PAGE_VAR, ERROR_FLAG, "_popup", "_to_field")


@dataclass(frozen=True, slots=True)
class FilterLink:
    """A saved filter as a list shows it; `delete_url` is "" where it is somebody else's."""

    name: str
    url: str
    delete_url: str
    owner: str
    is_current: bool


def kept_query(query: str) -> str:
    """Return a query string without what belongs to one visit: the page, the note of an error."""
    asked = QueryDict(query, mutable=True)
    for name in _NEVER_KEPT:
        asked.pop(name, None)
    return asked.urlencode()


def address_of(saved: SavedFilter) -> str:
    """Return the address of the list that a filter was saved of; "" where the list is gone."""
    app_label, _dot, model_name = saved.screen.lower().partition(".")
    try:
        listed = reverse(f"admin:{app_label}_{model_name}_changelist")
    except NoReverseMatch:
        return ""
    return f"{listed}?{kept_query(saved.query)}"


def own_or_shared(request: HttpRequest) -> QuerySet[SavedFilter]:
    """Return the filters that concern who is asking: the own ones, and those that others share."""
    actor = actor_behind(request)
    mine = Q(owner_id=actor.user_id) | Q(is_shared=True)
    return SavedFilter.objects.visible_to(actor).filter(mine).select_related("owner").order_by("name", "pk")


class FilterAdmin(admin.ModelAdmin[M]):
    """Lists show the filters saved of them, and offer to save the one in force."""

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Offer the saved filters; one that the list no longer understands leads to the whole list, and says so."""
        try:
            response = super().changelist_view(request, extra_context)
        except DisallowedModelAdminLookup:
            return self._whole_list(request)
        if isinstance(response, HttpResponseRedirect) and response.url == f"{request.path}?{ERROR_FLAG}=1":
            return self._whole_list(request)
        if isinstance(response, TemplateResponse) and response.context_data and "cl" in response.context_data:
            query = kept_query(request.GET.urlencode())
            saved_filters = self._saved_filters(request, query)
            is_saved = any(saved.is_current for saved in saved_filters)
            response.context_data.update(
                saved_filters=saved_filters,
                query_in_force=query,
                screen=self.opts.label,
                may_save_filter=query and not is_saved and request.user.has_perm("accounts.add_savedfilter"),
            )
        return response

    def _whole_list(self, request: HttpRequest) -> HttpResponse:
        """Lead to all rows where the list cannot be cut down as asked; a page too far leads to the first one."""
        if PAGE_VAR in request.GET:
            query = kept_query(request.GET.urlencode())
            return HttpResponseRedirect(f"{request.path}?{query}" if query else request.path)
        text = _("This filter is no longer possible here; the whole list is shown. Filter anew and save that.")
        self.message_user(request, text, messages.WARNING)
        return HttpResponseRedirect(request.path)

    def _saved_filters(self, request: HttpRequest, query: str) -> list[FilterLink]:
        me = actor_behind(request).user_id
        return [
            FilterLink(
                name=saved.name,
                url=address_of(saved),
                delete_url=reverse("admin:accounts_savedfilter_delete", args=[saved.pk])
                if saved.owner_id == me
                else "",
                owner=saved.owner.name,
                is_current=kept_query(saved.query) == query,
            )
            for saved in own_or_shared(request).filter(screen=self.opts.label)
        ]
