"""Clients of the API: made here, with a secret that is shown once; what they may do, for whom, and how often."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit, service_clients
from accounts.admin.asked_again import AskedAgainAdmin, must_be_asked
from accounts.admin.scoped import NeverDeleted, manager_behind
from accounts.admin.steps import Step, SteppedAdmin
from accounts.models import Scope, ServiceClient
from accounts.reauthentication import ask_again
from accounts.service_clients import NewSecret
from accounts.text import validate_plain_text


class ServiceClientForm(forms.ModelForm[ServiceClient]):
    """What a client is called, what it may do, and for which companies."""

    name = forms.CharField(
        label=gettext_lazy("name"),
        max_length=100,
        validators=[validate_plain_text],
        help_text=gettext_lazy("The system that calls, for example: ERP."),
    )
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("may"), choices=Scope.choices, widget=forms.CheckboxSelectMultiple
    )

    class Meta:
        model = ServiceClient
        fields = ("has_all_companies", "companies", "requests_a_minute")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is not None:
            self.initial["name"] = self.instance.user.name
            self.initial["scopes"] = self.instance.oauth_client.get_scopes()
            self.fields["name"].disabled = True


@admin.register(ServiceClient)
class ServiceClientAdmin(AskedAgainAdmin[ServiceClient], NeverDeleted[ServiceClient], SteppedAdmin[ServiceClient]):
    """API clients; they are switched off, not deleted."""

    form = ServiceClientForm
    list_display = ("user", "oauth_client", "has_all_companies", "is_active", "last_token_at", "made_by", "created_at")
    list_filter = ("is_active", "has_all_companies")
    list_select_related = ("user", "oauth_client", "made_by")
    search_fields = ("user__name", "oauth_client__id__exact")
    ordering = ("user__name",)
    autocomplete_fields = ("companies",)
    fields: ClassVar[Any] = ("name", "scopes", "has_all_companies", "companies", "requests_a_minute")
    readonly_fields = ("oauth_client", "is_active", "last_token_at", "made_by", "created_at")
    refusal = service_clients.SwitchedOffError
    steps: ClassVar[dict[str, Step]] = {
        "rotate": Step(
            label=gettext_lazy("New secret"),
            consequence=gettext_lazy("The old secret and every token that it fetched end at once."),
            done=gettext_lazy("The client has a new secret."),
            take=lambda row, by, now, said: service_clients.rotate_secret(client=row, by=by, now=now),
        ),
        "switch-off": Step(
            label=gettext_lazy("Switch off"),
            consequence=gettext_lazy("The client is shut out at once. It can be switched on again."),
            done=gettext_lazy("“%(row)s” is switched off."),
            take=lambda row, by, now, said: service_clients.switch(client=row, is_active=False, by=by, now=now),
            is_danger=True,
        ),
        "switch-on": Step(
            label=gettext_lazy("Switch on"),
            consequence=gettext_lazy("The client can fetch tokens with its secret again."),
            done=gettext_lazy("“%(row)s” is switched on."),
            take=lambda row, by, now, said: service_clients.switch(client=row, is_active=True, by=by, now=now),
        ),
    }

    def get_fields(self, request: HttpRequest, obj: ServiceClient | None = None) -> Any:
        """A client that is there also has a past."""
        return self.fields if obj is None else (*self.fields, *self.readonly_fields)

    def offered(self, row: ServiceClient) -> list[str]:
        """A client that is off can only be switched on."""
        return ["rotate", "switch-off"] if row.is_active else ["switch-on"]

    def save_model(self, request: HttpRequest, obj: ServiceClient, form: Any, change: bool) -> None:
        """Make the client, or change what it may do; each is put on record (A1)."""
        by, now, said = manager_behind(request), timezone.now(), form.cleaned_data
        scopes = [Scope(scope) for scope in said["scopes"]]
        if change:
            service_clients.change_scopes(client=obj, scopes=scopes, by=by, now=now)
            super().save_model(request, obj, form, change)
            return
        made = service_clients.create_client(
            name=said["name"],
            scopes=scopes,
            by=by,
            now=now,
            companies=None if said["has_all_companies"] else said["companies"],
            requests_a_minute=said["requests_a_minute"],
        )
        obj.__dict__.update(made.client.__dict__)
        request._made = made  # type: ignore[attr-defined]

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Put on record whose rows the client may see from now on (A1)."""
        super().save_related(request, form, formsets, change)
        client: ServiceClient = form.instance
        if {"has_all_companies", "companies"} & set(form.changed_data):
            listed = client.companies.order_by("pk").values_list("pk", flat=True)
            audit.record(
                "api-companies-changed",
                client,
                actor_id=manager_behind(request).pk,
                now=timezone.now(),
                all=int(client.has_all_companies),
                companies=",".join(map(str, listed)),
            )

    def response_add(
        self, request: HttpRequest, obj: ServiceClient, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Show the secret, here and nowhere else."""
        return self._secret_page(request, request._made)  # type: ignore[attr-defined]

    def step_view(self, request: HttpRequest, pk: int, name: str) -> HttpResponse:
        """Ask first, who makes a new secret or opens a client, who they are."""
        return ask_again(request) if must_be_asked(request) else super().step_view(request, pk, name)

    def taken(self, request: HttpRequest, step: Step, result: Any) -> HttpResponse:
        """Show a new secret, here and nowhere else: no message keeps it, no log."""
        if not isinstance(result, NewSecret):
            return super().taken(request, step, result)
        self.log_change(request, result.client, str(step.done))
        return self._secret_page(request, result)

    def _secret_page(self, request: HttpRequest, made: NewSecret) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("The secret of “%(client)s”") % {"client": made.client},
            "client": made.client,
            "secret": made.secret,
        }
        answer = TemplateResponse(request, "admin/accounts/serviceclient/secret.html", context)
        answer["Cache-Control"] = "no-store"
        return answer
