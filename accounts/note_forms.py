"""What account managers write: notes with what was promised in them, follow-ups, and profiles of companies."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any, Protocol
from uuid import uuid4

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.follow_ups import DayRefusedError, DayTooFarError, Promise, SameDayError, check_day
from accounts.models import Company, CompanyProfile, Employee, FollowUp, ServiceNote
from accounts.profiles import FIELDS, seal_of
from accounts.service_notes import NoteWords
from accounts.text import validate_plain_text

YEARS = range(1900, 2201)
"""The years a note may be of; at the ends of the calendar another time zone would fall off it."""

USUALLY_DUE = timedelta(days=7)
"""When a promise is due unless another day is chosen."""

READERS = [
    (ServiceNote.Visibility.INTERNAL, _("Internal: nobody but us ever reads it")),
    (ServiceNote.Visibility.SHARED, _("Shared: those who decide for the client may read it")),
]


class Named(Protocol):
    """Somebody to choose."""

    @property
    def pk(self) -> int:
        """The row."""

    @property
    def name(self) -> str:
        """What they are called."""


def day_input(**attributes: str) -> forms.DateInput:
    """Return a control for a day that browsers show a calendar for."""
    return forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", **attributes})


def overwrite(form: forms.BaseForm, name: str, value: object) -> None:
    """Let the hidden field `name` of a bound form carry another value, where what it carried is out of date."""
    typed = QueryDict(mutable=True)
    typed.update(form.data)
    typed[form.add_prefix(name)] = str(value)
    form.data = typed


def key_field() -> forms.CharField:
    """Return the hidden field that makes a double click one request."""
    return forms.CharField(label=_("Key"), max_length=64, widget=forms.HiddenInput, initial=new_key)


def new_key() -> str:
    """Return a key that no other request has."""
    return uuid4().hex


def typed_again(form: forms.BaseForm) -> dict[str, Any]:
    """Return what was typed into a bound form, as the initial values of one that complains of nothing yet.

    But for its key: a form that is shown again is another request.
    """
    return {name: form[name].value() for name in form.fields if name != "key"}


class NoteForm(forms.ModelForm[ServiceNote]):
    """What a note says."""

    happened_at = forms.SplitDateTimeField(
        label=_("When"),
        widget=forms.SplitDateTimeWidget(
            date_attrs={"type": "date"}, time_attrs={"type": "time"}, date_format="%Y-%m-%d", time_format="%H:%M"
        ),
        initial=timezone.now,
    )
    visibility = forms.ChoiceField(
        label=_("Who may read it"),
        choices=READERS,
        widget=forms.RadioSelect,
        initial=ServiceNote.Visibility.INTERNAL,
    )

    class Meta:
        model = ServiceNote
        fields = ["text", "kind", "happened_at", "people", "visibility"]
        labels = {"text": _("What was said")}
        widgets = {"people": forms.CheckboxSelectMultiple, "text": forms.Textarea(attrs={"rows": 2})}

    def __init__(self, *args: Any, company: Company, people: Iterable[Named] | None = None, **kwargs: Any) -> None:
        """Offer the people of `company` only; `people` are those, where they have been read already."""
        super().__init__(*args, **kwargs)
        field = self.fields["people"]
        assert isinstance(field, forms.ModelMultipleChoiceField)  # noqa: S101 (tells the type checker)
        field.queryset = Employee.objects.filter(company=company, is_active=True).order_by("name")
        if people is not None:
            field.widget.choices = [(person.pk, person.name) for person in people]

    def clean_happened_at(self) -> datetime:
        """Refuse a slip of the key in the year: the database could keep it, but nobody could read it back."""
        happened_at: datetime = self.cleaned_data["happened_at"]
        if happened_at.year not in YEARS:
            raise ValidationError(
                _("Choose a day between the years %(first)s and %(last)s."),
                params={"first": str(YEARS[0]), "last": str(YEARS[-1])},
            )
        return happened_at

    @property
    def words(self) -> NoteWords:
        """What the note is to say."""
        typed = self.cleaned_data
        people = frozenset(person.pk for person in typed["people"])
        return NoteWords(typed["text"], typed["kind"], typed["happened_at"], typed["visibility"], people)


class ComposerForm(NoteForm):
    """A new note and, where something was promised, the promise: one form, one save."""

    promise = forms.CharField(label=_("Promised"), max_length=300, required=False, validators=[validate_plain_text])
    due_on = forms.DateField(
        label=_("Due"),
        required=False,
        widget=day_input(),
        initial=lambda: timezone.localdate() + USUALLY_DUE,
        show_hidden_initial=True,  # a day that nobody chose promises nothing
    )
    follow_up_kind = forms.ChoiceField(
        label=_("What is owed"), choices=FollowUp.Kind.choices, required=False, initial=FollowUp.Kind.PROMISE
    )
    key = key_field()

    def clean(self) -> dict[str, Any]:
        """Ask for a promise and its day, or for neither."""
        typed: dict[str, Any] = super().clean() or self.cleaned_data
        promise, due_on = typed.get("promise"), typed.get("due_on")
        if promise and due_on:
            refuse_day(self, "due_on", due_on)
        elif promise and "due_on" not in self.errors:
            self.add_error("due_on", _("Say by which day it is promised."))
        elif due_on and "due_on" in self.changed_data and "promise" not in self.errors:
            self.add_error("promise", _("Say what is promised by that day, or empty the day."))
        return typed

    def promised(self, *, now: datetime) -> Promise | None:
        """What was promised, if anything was."""
        typed = self.cleaned_data
        if not typed["promise"]:
            return None
        return Promise(typed["promise"], typed["due_on"], now, typed["follow_up_kind"] or FollowUp.Kind.PROMISE)


class NoteEditForm(NoteForm):
    """A note that is edited; it remembers how often it had been before."""

    edits_seen = forms.IntegerField(min_value=0, max_value=1_000_000, widget=forms.HiddenInput)

    def __init__(self, *args: Any, note: ServiceNote, **kwargs: Any) -> None:
        """Offer also those whom `note` names and who have left since: an edit does not strike them out."""
        super().__init__(*args, company=note.company, **kwargs)
        field = self.fields["people"]
        assert isinstance(field, forms.ModelMultipleChoiceField)  # noqa: S101 (tells the type checker)
        is_offered = Q(is_active=True) | Q(pk__in=note.people.values("pk"))
        field.queryset = Employee.objects.filter(is_offered, company=note.company).order_by("name")


class FinishForm(forms.Form):
    """A follow-up that is done."""

    outcome = forms.CharField(
        label=_("What came of it"), max_length=300, required=False, validators=[validate_plain_text]
    )


class MoveForm(forms.Form):
    """A follow-up that is due on another day, and why."""

    to_on = forms.DateField(label=_("New day"), widget=day_input())
    reason = forms.CharField(
        label=_("Why it moves"),
        max_length=300,
        validators=[validate_plain_text],
        help_text=_("Stays with us: the client never reads it."),
    )


class DropForm(forms.Form):
    """A follow-up that will not be done, and why."""

    reason = forms.CharField(label=_("Why it is dropped"), max_length=300, validators=[validate_plain_text])


class CompanyProfileForm(forms.Form):
    """What we know of a company as an entity."""

    seal = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)

    def __init__(
        self, typed: QueryDict | None = None, *, profile: CompanyProfile, initial: dict[str, Any] | None = None
    ) -> None:
        """Begin with what `profile` says, or with `initial`."""
        kept = {"seal": seal_of(profile), **{name: getattr(profile, name) for name in FIELDS}}
        super().__init__(typed, initial={**kept, **(initial or {})})
        for name in FIELDS:
            label = str(CompanyProfile._meta.get_field(name).verbose_name)  # type: ignore[union-attr]
            self.fields[name] = forms.CharField(
                label=label[:1].upper() + label[1:],
                required=False,
                max_length=5_000,
                validators=[validate_plain_text],
                widget=forms.Textarea(attrs={"rows": 3}),
            )

    @property
    def words(self) -> dict[str, str]:
        """What the profile is to say."""
        return {name: self.cleaned_data[name] for name in FIELDS}


def refuse_day(form: forms.BaseForm, name: str, day: date) -> None:
    """Say on the field `name` why nothing can be due on `day`, if that is so."""
    try:
        check_day(day, today=timezone.localdate())
    except DayRefusedError as error:
        form.add_error(name, why_refused(error))


def why_refused(error: DayRefusedError) -> str:
    """What is wrong with a day, and what to do."""
    if isinstance(error, SameDayError):
        return str(_("It is due on that day already. Choose another day."))
    if isinstance(error, DayTooFarError):
        return str(_("That day is more than two years ahead. Choose an earlier one."))
    return str(_("That day is over. Choose today or a later day."))
