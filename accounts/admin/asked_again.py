"""Forms that decide who may do what: whoever saves one has shown within the last minutes who they are."""

from typing import Any, TypeVar

from django.contrib import admin
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.reauthentication import ask_again, is_fresh

M = TypeVar("M", bound=models.Model)


class AskedAgainAdmin(admin.ModelAdmin[M]):
    """Looking is free; what is sent waits until one has shown who one is, and is then saved."""

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the form, or save it."""
        if must_be_asked(request):
            return ask_again(request)
        return super().changeform_view(request, object_id, form_url, extra_context)


def must_be_asked(request: HttpRequest) -> bool:
    """Whether something was sent by somebody who has not shown lately who they are."""
    return request.method == "POST" and not is_fresh(request, now=timezone.now())
