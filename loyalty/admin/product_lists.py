"""Lists of products that rules ask for, written one product code a line."""

from typing import Any

from django import forms
from django.contrib import admin
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin.links import LinkedRowFilter, VocabularyFilter
from loyalty.admin.drafts import PartOfRulesAdmin, PartOfRulesForm
from loyalty.models import MOST_PRODUCTS, ProductList

_LONGEST = 200


class LinesField(forms.CharField):
    """Codes, one a line; blank lines and repetitions are left out."""

    widget = forms.Textarea

    def prepare_value(self, value: Any) -> Any:
        """Show one a line; what was typed as it was typed."""
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> Any:
        """Read the lines; say which of them is none."""
        lines = [line.strip() for line in super().clean(value).splitlines()]
        for number, line in enumerate(lines, start=1):
            if len(line) > _LONGEST:
                text = _("Line %(line)s is longer than the %(most)s characters that a product code has.")
                raise forms.ValidationError(text % {"line": number, "most": _LONGEST}, code="too_long")
        codes = list(dict.fromkeys(line for line in lines if line))
        if len(codes) > MOST_PRODUCTS:
            text = _("There are %(count)s product codes; %(most)s is the most of one list.")
            raise forms.ValidationError(text % {"count": len(codes), "most": MOST_PRODUCTS}, code="too_many")
        return codes


class ProductListForm(PartOfRulesForm[ProductList]):
    """A list of a draft."""

    products = LinesField(
        label=gettext_lazy("product codes"),
        help_text=gettext_lazy("One a line, written as activities name their object."),
        widget=forms.Textarea(attrs={"rows": 16, "cols": 60, "class": "vLargeTextField monospace"}),
    )


@admin.register(ProductList)
class ProductListAdmin(PartOfRulesAdmin[ProductList]):
    """Lists of drafts to edit, lists of versions in force to read."""

    form = ProductListForm
    list_display = ("name", "code", "rule_set", "count")
    list_filter = (("rule_set__program", VocabularyFilter), "rule_set__status", ("rule_set", LinkedRowFilter))
    list_select_related = ("rule_set__program",)
    search_fields = ("name", "code", "rule_set__program__name")
    ordering = ("-rule_set_id", "code")
    fields = ("rule_set", "name", "code", "products")

    @admin.display(description=gettext_lazy("products"))
    def count(self, row: ProductList) -> int:
        """How many."""
        return len(row.products)
