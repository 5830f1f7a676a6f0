"""`Idempotency-Key`: a request that came before is answered as it was then, and done once (law I2)."""

import re
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from accounts import idempotency
from accounts.api.problems import FieldError, Problem
from accounts.idempotency import KeyUsedForAnotherRequestError

KEY = "Idempotency-Key"
_KEY = re.compile(r"\A[\x21-\x7e]{1,90}\Z")

KEY_PARAMETER: Any = OpenApiParameter(
    KEY,
    str,
    OpenApiParameter.HEADER,
    required=True,
    description="From 1 to 90 visible characters that you choose, new for each order. The same key again "
    "orders nothing and gives the same answer; with another body it is refused.",
)
"""How the description names it."""


def key_of(request: Request) -> str:
    """Return the key that a request came with, as the use cases keep it. Raises Problem."""
    key = str(request.headers.get(KEY, ""))
    if not _KEY.match(key):
        sentence = _("Send a key from 1 to 90 visible characters, new for each order, in the header “%(name)s”.")
        raise Problem("invalid", errors=[FieldError("bad_idempotency_key", KEY, sentence % {"name": KEY})])
    return f"api:{key}"


def once(*, user_id: int, key: str, content: object, do: Callable[[], int]) -> int:
    """Return the id of the row that `do` made, now or when the key came before.

    What `do` raises leaves the key free, and nothing done. Raises Problem where the key stood for other `content`.
    """
    with transaction.atomic():
        try:
            claim = idempotency.claim(user_id=user_id, key=key, content=content)
        except KeyUsedForAnotherRequestError as error:
            raise Problem("key_used_for_another") from error
        if claim.resource_id is not None:
            return claim.resource_id
        made = do()
        idempotency.settle(claim, made)
        return made
