"""Text that people type: which characters a name or a note may hold."""

import unicodedata

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

# Explicit embeddings and overrides turn the text around them: "gpj.exe" may read as "exe.jpg".
# The marks LRM, RLM and ALM and the isolates stay, as Arabic needs them.
_OVERRIDES = frozenset("\u202a\u202b\u202c\u202d\u202e")
_KEPT_CONTROLS = frozenset("\n\r\t")


def validate_plain_text(value: str) -> None:
    """Raise ValidationError where `value` holds a control character or a character that reverses other text."""
    for character in value:
        is_control = unicodedata.category(character) == "Cc" and character not in _KEPT_CONTROLS
        if is_control or character in _OVERRIDES:
            raise ValidationError(
                _("Remove the invisible character U+%(code)s: it would change how the text around it reads."),
                params={"code": f"{ord(character):04X}"},
                code="invisible_character",
            )
