"""Parts of an agreement on screens of their own: they stay with it, change while it is a draft, and lead back to it."""

from typing import Any, TypeVar

from django.db.models import QuerySet
from django.db.models.fields.related import RelatedField
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse

from accounts.admin.reshaping import ReshapingAdmin
from accounts.admin.scoped import ScopedModelAdmin
from loyalty.models import Agreement, AgreementLimit, AgreementRate

P = TypeVar("P", bound=AgreementLimit | AgreementRate)


def is_open(agreement: Agreement | None) -> bool:
    """Whether terms may still change: the agreement is new, or a draft."""
    return agreement is None or agreement.status == Agreement.Status.DRAFT


class PartOfAgreementAdmin(ReshapingAdmin[P], ScopedModelAdmin[P]):
    """Those of drafts to edit, the others to read."""

    def get_field_queryset(
        self, db: str | None, db_field: RelatedField[Any, Any], request: HttpRequest
    ) -> QuerySet[Any]:
        """New parts go into drafts."""
        rows = super().get_field_queryset(db, db_field, request)
        if db_field.name == "agreement":
            rows = rows.filter(status=Agreement.Status.DRAFT).order_by("-pk")
            rows = rows.select_related("membership__company", "membership__program")
        return rows

    def has_change_permission(self, request: HttpRequest, obj: P | None = None) -> bool:
        """In a draft."""
        return (obj is None or is_open(obj.agreement)) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: P | None = None) -> bool:
        """In a draft."""
        return (obj is None or is_open(obj.agreement)) and super().has_delete_permission(request, obj)

    def response_post_save_add(self, request: HttpRequest, obj: P) -> HttpResponseRedirect:
        """Go back to the agreement, which says what it makes of the rules."""
        return HttpResponseRedirect(reverse("admin:loyalty_agreement_change", args=[obj.agreement_id]))

    response_post_save_change = response_post_save_add
