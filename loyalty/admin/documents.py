"""What rules give, where people write it as a document."""

import json

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from loyalty.earning import KINDS, MODIFIERS
from loyalty.effects import effects


def formula_menu() -> SafeString:
    """What there is to choose from: a document of each kind, and what every kind takes beside its own keys."""
    formulas, others = (
        format_html_join("", "<li><code>{}</code></li>", ((json.dumps(kind.example),) for kind in kinds))
        for kinds in (KINDS.values(), effects().values())
    )
    return format_html(
        "<details><summary>{}</summary><ul>{}</ul><p>{}</p><p>{}</p><ul>{}</ul></details>",
        _("Kinds of formulas"),
        formulas,
        _("Each also takes: %(keys)s.") % {"keys": ", ".join(sorted(MODIFIERS))},
        _("In the place of points a rule can give:"),
        others,
    )
