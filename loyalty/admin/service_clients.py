"""The page of an API client, with the sources that it may send as."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.admin.scoped import manager_behind
from accounts.admin.service_clients import ServiceClientAdmin, ServiceClientForm
from accounts.models import ServiceClient
from loyalty.models import Source


class SendingClientForm(ServiceClientForm):
    """As the ground floor asks, and as whom it sends."""

    sources = forms.ModelMultipleChoiceField(
        label=_("sends as"),
        queryset=Source.objects.filter(kind=Source.Kind.API).order_by("name"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("The sources whose ids it may use. Two systems under one source would take each other’s ids."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is not None:
            self.initial["sources"] = list(Source.objects.filter(service_clients=self.instance))


admin.site.unregister(ServiceClient)


@admin.register(ServiceClient)
class SendingClientAdmin(ServiceClientAdmin):
    """API clients."""

    form = SendingClientForm
    fields = ("name", "scopes", "sources", "has_all_companies", "companies", "requests_a_minute")

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Put on record as whom it sends from now on (A1)."""
        super().save_related(request, form, formsets, change)
        if "sources" not in form.changed_data:
            return
        client: ServiceClient = form.instance
        sources = form.cleaned_data["sources"]
        Source.service_clients.through.objects.filter(serviceclient=client).exclude(source__in=sources).delete()
        for source in sources:
            source.service_clients.add(client)
        audit.record(
            "api-sources-changed",
            client,
            actor_id=manager_behind(request).pk,
            now=timezone.now(),
            sources=",".join(sorted(source.code for source in sources)),
        )
