"""Pages whose use case may refuse what was filled in: the page comes again as it was, with the sentence on top."""

from typing import Any, ClassVar, TypeVar

from django import forms
from django.db.models import Model
from django.http import HttpRequest, HttpResponse

from accounts.admin.scoped import ScopedModelAdmin

M = TypeVar("M", bound=Model)


class RefusedForm(forms.ModelForm[Any]):
    """A form that the use case refused; `sentence` says why."""

    sentence = ""

    def clean(self) -> dict[str, Any]:
        """Say why."""
        cleaned = super().clean() or self.cleaned_data
        self.add_error(None, self.sentence)
        return cleaned


class RefusingAdmin(ScopedModelAdmin[M]):
    """Screens of rows that a use case saves, and may refuse to: answered 409, with what was typed."""

    refusals: ClassVar[tuple[type[Exception], ...]] = ()

    def said(self, error: Exception) -> str:
        """Return why, and what to do, in the language in force."""
        return str(error)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show a refusal on the page; what the use case had begun is rolled back by then."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except self.refusals as error:
            request._refusal = self.said(error)  # type: ignore[attr-defined]
            response = super().changeform_view(request, object_id, form_url, extra_context)
            response.status_code = 409
            return response

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Give the form the refusal to show, where there is one."""
        form = super().get_form(request, obj, change=change, **kwargs)
        sentence = getattr(request, "_refusal", "")
        return type(form.__name__, (RefusedForm, form), {"sentence": sentence}) if sentence else form
