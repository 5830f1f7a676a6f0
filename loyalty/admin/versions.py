"""What the screens of a program's versions share: from when one is to hold, and that only drafts are thrown away."""

from typing import Any, ClassVar, TypeVar

from django import forms
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actors import Actor
from accounts.admin.links import AskedFilter
from accounts.admin.steps import StepForm, SteppedAdmin
from loyalty.models import RuleSet
from loyalty.models.versions import ProgramVersion
from loyalty.versions import State, VersionError, in_state, state_of

V = TypeVar("V", bound=ProgramVersion)


class ActivateForm(StepForm):
    """From when the version is to hold."""

    starts_at = forms.DateTimeField(
        label=gettext_lazy("In force from"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["starts_at"].help_text = _("In the time zone %(zone)s. Empty: from this moment.") % {
            "zone": timezone.get_current_timezone_name()
        }


def _setup_of(version: ProgramVersion) -> str:
    return reverse("admin:loyalty_program_setup", args=[version.program_id])


class StateFilter(AskedFilter):
    """Versions, or agreements, by what their dates make of their status at this moment."""

    title = gettext_lazy("state")
    parameter_name = "state"
    choices_of = dict(State.choices)

    def cut(self, rows: QuerySet[Any], asked: str, actor: Actor) -> QuerySet[Any]:
        """Those in the state asked for."""
        return in_state(rows, State(asked), now=actor.at)


class VersionAdmin(SteppedAdmin[V]):
    """Screens of versions: all that changes one is a step."""

    refusal: ClassVar[type[Exception]] = VersionError

    @admin.display(description=gettext_lazy("state"))
    def state(self, version: V) -> str:
        """What the dates make of the status at this moment."""
        return str(state_of(version, now=timezone.now()).label)

    def tools(self, request: HttpRequest, row: V) -> list[dict[str, Any]]:
        """The way back to what is left to do for the program stands last."""
        return [*super().tools(request, row), {"label": _("What is left to do"), "url": _setup_of(row)}]

    def next_url(self, row: Model) -> str:
        """Until a program has rules in force, what is left to do is what comes next."""
        if isinstance(row, ProgramVersion):
            rules = RuleSet.objects.filter(program=row.program_id)
            if not rules.exclude(status=RuleSet.Status.DRAFT).exists():
                return _setup_of(row)
        return super().next_url(row)

    def has_delete_permission(self, request: HttpRequest, obj: V | None = None) -> bool:
        """Drafts can be thrown away."""
        is_draft = obj is None or obj.status == obj.Status.DRAFT
        return is_draft and super().has_delete_permission(request, obj)
