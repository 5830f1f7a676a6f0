"""What program managers share at their desk: the filters they saved."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin.saved_filters import address_of, kept_query, own_or_shared
from accounts.admin.scoped import ScopedModelAdmin, manager_behind
from accounts.models import SavedFilter


class SavedFilterForm(forms.ModelForm[SavedFilter]):
    """A filter and its name; which list it belongs to is not asked."""

    class Meta:
        model = SavedFilter
        fields = ("name", "is_shared", "screen", "query")
        widgets = {"screen": forms.HiddenInput, "query": forms.HiddenInput}

    owner_id: int | None = None

    def clean_screen(self) -> str:
        """Refuse a list that the admin does not have."""
        screen: str = self.cleaned_data["screen"]
        if screen not in {model._meta.label for model in admin.site._registry}:
            raise forms.ValidationError(_("There is no such list."))
        return screen

    def clean_query(self) -> str:
        """Keep what belongs to the list, not to the visit."""
        return kept_query(self.cleaned_data["query"])

    def clean(self) -> dict[str, Any]:
        """Refuse a name twice for one list of one person."""
        cleaned = super().clean() or self.cleaned_data
        same = SavedFilter.objects.filter(
            owner=self.owner_id, screen=cleaned.get("screen", self.instance.screen), name=cleaned.get("name", "")
        )
        if same.exclude(pk=self.instance.pk).exists():
            self.add_error("name", _("You already have a filter of this name."))
        return cleaned


@admin.register(SavedFilter)
class SavedFilterAdmin(ScopedModelAdmin[SavedFilter]):
    """The own filters, and those that others share; only the own ones change."""

    form = SavedFilterForm
    list_display = ("name", "opens", "owner", "is_shared")
    list_filter = ("is_shared",)
    list_select_related = ("owner",)
    search_fields = ("name", "screen", "owner__name")
    ordering = ("screen", "name")
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[SavedFilter]:
        """Nobody sees what others keep for themselves."""
        return super().get_queryset(request).filter(pk__in=own_or_shared(request).order_by().values("pk"))

    def get_fields(self, request: HttpRequest, obj: SavedFilter | None = None) -> Any:
        """The list stands in the address of the form that adds a filter; afterwards it stays."""
        return ("name", "is_shared", "opens") if obj else ("name", "is_shared", "screen", "query")

    def get_readonly_fields(self, request: HttpRequest, obj: SavedFilter | None = None) -> Any:
        """Where it leads is worked out."""
        return ("opens",)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Tell the form whose filter it is."""
        form = super().get_form(request, obj, change=change, **kwargs)
        form.owner_id = request.user.pk  # type: ignore[attr-defined]
        return form

    @admin.display(description=gettext_lazy("list"))
    def opens(self, saved: SavedFilter) -> str:
        """A link to the list, cut down."""
        url = address_of(saved)
        return format_html('<a href="{}">{}</a>', url, saved.screen) if url else saved.screen

    def has_change_permission(self, request: HttpRequest, obj: SavedFilter | None = None) -> bool:
        """Whose it is."""
        return (obj is None or obj.owner_id == request.user.pk) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: SavedFilter | None = None) -> bool:
        """Whose it is."""
        return (obj is None or obj.owner_id == request.user.pk) and super().has_delete_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: SavedFilter, form: Any, change: bool) -> None:
        """Keep it as one's own."""
        if not change:
            obj.owner = manager_behind(request)
        super().save_model(request, obj, form, change)

    def response_add(
        self, request: HttpRequest, obj: SavedFilter, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Go back to the list, as it was cut down."""
        self.message_user(request, _("The filter “%(name)s” is saved.") % {"name": obj.name})
        return HttpResponseRedirect(address_of(obj))

    def response_delete(self, request: HttpRequest, obj_display: str, obj_id: Any) -> HttpResponse:
        """Go back to the list that the filter was of."""
        response = super().response_delete(request, obj_display, obj_id)
        left = getattr(request, "_left_list", "")
        return HttpResponseRedirect(left) if left else response

    def delete_model(self, request: HttpRequest, obj: SavedFilter) -> None:
        """Remember the list that the filter was of."""
        request._left_list = address_of(obj).partition("?")[0]  # type: ignore[attr-defined]
        super().delete_model(request, obj)
