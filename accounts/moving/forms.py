"""What the pages of moving in and out ask: a file, what its columns mean, and what is to be exported."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django import forms
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models.users import validate_time_zone
from accounts.moving.kinds import Column, Setting, TableKind
from accounts.moving.mapping import DATE_FORMATS, DECIMAL_SIGNS, guess_columns
from accounts.tables import Form, UnreadableFileError, guess_form, open_table
from accounts.tables.forms import DELIMITERS, ENCODINGS
from accounts.text import validate_plain_text
from accounts.uploads import MOST_BYTES

COLUMN, SETTING = "column-", "setting-"
_MEGABYTE = 1024 * 1024


class UploadForm(forms.Form):
    """What is moved in, and the file."""

    kind = forms.ChoiceField(label=gettext_lazy("What is in it"))
    file = forms.FileField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy(
            "CSV (also .csv.gz) or Excel (.xlsx, its first sheet), with the names of the columns in the first line."
        ),
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.txt,.gz,.xlsx"}),
    )

    def __init__(self, *args: Any, kinds: Sequence[TableKind], is_too_large: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"] = forms.ChoiceField(
            label=self.fields["kind"].label, choices=[(kind.code, kind.label) for kind in kinds]
        )
        self.form = Form(is_workbook=False)
        if is_too_large:
            sentence = _("The file has more than %(most)s MB. Part it into several, or compress it (.csv.gz).")
            message = sentence % {"most": MOST_BYTES // _MEGABYTE}
            self.fields["file"].error_messages = {"required": message, "empty": message}

    def clean_file(self) -> UploadedFile[bytes]:
        """Refuse what is no table."""
        file: UploadedFile[bytes] = self.cleaned_data["file"]
        name = file.name or ""
        try:
            validate_plain_text(name)
            with _on_disk(file) as path:
                self.form = guess_form(path, name)
                with open_table(path, self.form, name=name) as table:
                    next(table.rows, None)
        except UnreadableFileError as error:
            raise forms.ValidationError(str(error)) from error
        return file


@contextmanager
def _on_disk(file: UploadedFile[bytes]) -> Iterator[Path]:
    if isinstance(file, TemporaryUploadedFile):
        yield Path(file.temporary_file_path())
        return
    with tempfile.NamedTemporaryFile(prefix="twofold-") as copy:
        for chunk in file.chunks():
            copy.write(chunk)
        copy.flush()
        yield Path(copy.name)


class TermsForm(forms.Form):
    """How a file is read and what its columns mean.

    What is chosen stands in `terms()`; without anything chosen yet, the columns are guessed by their names.
    """

    save_as = forms.CharField(
        label=gettext_lazy("Save this mapping as"),
        required=False,
        max_length=100,
        validators=[validate_plain_text],
        help_text=gettext_lazy("For the next file of this form. A mapping of the same name is replaced."),
    )

    def __init__(
        self,
        *args: Any,
        kind: TableKind,
        header: Sequence[str],
        terms: Mapping[str, Any],
        time_zone: str,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._kind = kind
        self._columns = kind.columns()
        self._is_workbook = terms["form"]["is_workbook"]
        save_as = self.fields.pop("save_as")
        self._add_form(terms)
        chosen = terms.get("columns") or guess_columns(header, self._columns)
        names = [name for name in header if name]
        for column in self._columns:
            self.fields[f"{COLUMN}{column.code}"] = _column_field(column, names, chosen.get(column.code, ""))
        self._add_ways_of_writing(terms, time_zone)
        for setting in kind.settings:
            field = setting_field(setting, terms.get("settings", {}).get(setting.code, ""))
            self.fields[f"{SETTING}{setting.code}"] = field
        self.fields["save_as"] = save_as

    def clean(self) -> dict[str, Any]:
        """Refuse one column of the file for two fields."""
        cleaned = super().clean() or self.cleaned_data
        taken: dict[str, str] = {}
        for column in self._columns:
            name = cleaned.get(f"{COLUMN}{column.code}", "")
            if name and taken.setdefault(name, column.code) != column.code:
                self.add_error(f"{COLUMN}{column.code}", _("This column of the file is chosen above already."))
        return cleaned

    def form(self) -> Form:
        """Return how the file is read."""
        return Form(self._is_workbook, self.cleaned_data.get("encoding", ""), self.cleaned_data.get("delimiter", ""))

    def terms(self) -> dict[str, Any]:
        """Return what was chosen, as an import keeps it."""
        chosen = self.cleaned_data
        return {
            "columns": {
                column.code: chosen[f"{COLUMN}{column.code}"]
                for column in self._columns
                if chosen[f"{COLUMN}{column.code}"]
            },
            "settings": {setting.code: chosen[f"{SETTING}{setting.code}"] for setting in self._kind.settings},
            "date_format": chosen["date_format"],
            "decimal_sign": chosen.get("decimal_sign", "."),
            "time_zone": chosen["time_zone"],
        }

    def _add_form(self, terms: Mapping[str, Any]) -> None:
        if self._is_workbook:
            return
        is_sure = terms["form"]["is_sure"]
        self.fields["encoding"] = forms.ChoiceField(
            label=_("Encoding"),
            choices=list(ENCODINGS.items()),
            initial=terms["form"]["encoding"],
            help_text="" if is_sure else _("This is a guess: look below whether letters such as é read right."),
        )
        self.fields["delimiter"] = forms.ChoiceField(
            label=_("Delimiter"), choices=list(DELIMITERS.items()), initial=terms["form"]["delimiter"]
        )

    def _add_ways_of_writing(self, terms: Mapping[str, Any], time_zone: str) -> None:
        self.fields["date_format"] = forms.ChoiceField(
            label=_("Days are written"),
            choices=list(DATE_FORMATS.items()),
            initial=terms.get("date_format", "%Y-%m-%d"),
            help_text=_("2026-12-31 is understood in any case; a time of day may follow."),
        )
        if not self._is_workbook:
            self.fields["decimal_sign"] = forms.ChoiceField(
                label=_("Decimal sign"), choices=list(DECIMAL_SIGNS.items()), initial=terms.get("decimal_sign", ".")
            )
        self.fields["time_zone"] = forms.CharField(
            label=_("Time zone"),
            max_length=64,
            initial=terms.get("time_zone", time_zone),
            validators=[validate_time_zone],
            help_text=_("Of times that carry no offset, such as Europe/London."),
        )


class ExportForm(forms.Form):
    """In which form a table is exported, and what of it."""

    form = forms.ChoiceField(label=gettext_lazy("Form"), choices=[("csv", "CSV"), ("xlsx", gettext_lazy("Excel"))])

    def __init__(self, *args: Any, kind: TableKind, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._settings = [setting for setting in kind.settings if setting.is_for_export]
        for setting in self._settings:
            self.fields[f"{SETTING}{setting.code}"] = setting_field(setting, "")

    def settings(self) -> dict[str, str]:
        """Return what was chosen."""
        return {setting.code: self.cleaned_data[f"{SETTING}{setting.code}"] for setting in self._settings}


def setting_field(setting: Setting, initial: str) -> forms.Field:
    """Return the field that asks for something that holds for a whole file."""
    shared: dict[str, Any] = {
        "label": setting.label,
        "help_text": setting.hint,
        "required": setting.is_required,
        "initial": initial,
    }
    if setting.choices is None:
        return forms.CharField(max_length=300, validators=[validate_plain_text], **shared)
    blank = [] if setting.is_required else [("", "–")]
    return forms.ChoiceField(choices=[*blank, *setting.choices()], **shared)


def _column_field(column: Column, names: Sequence[str], initial: str) -> forms.ChoiceField:
    blank = _("– choose a column –") if column.is_required else _("– not in the file –")
    return forms.ChoiceField(
        label=column.label,
        help_text=column.hint,
        required=column.is_required,
        choices=[("", blank), *((name, name) for name in names)],
        initial=initial if initial in names else "",
    )
