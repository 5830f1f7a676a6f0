"""Files in the database: taken in and given out piece by piece, so that none is ever held whole in memory."""

import hashlib
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

from django.conf import settings
from django.db import transaction

from accounts.models import Attachment, AttachmentPart
from accounts.models.attachments import PART_BYTES

__all__ = ["DamagedFileError", "delete_expired", "on_disk", "pieces_of", "store", "stream"]


class DamagedFileError(Exception):
    """What the database holds of a file is not what was stored."""


def store(
    pieces: Iterable[bytes],
    *,
    name: str,
    content_type: str,
    created_by_id: int | None,
    now: datetime,
    kept: timedelta | None = None,
) -> Attachment:
    """Keep a file that comes in `pieces` of any size; it is deleted after the days that the settings say, or `kept`.

    Of a folder in `name` nothing is kept.
    """
    digest, size = hashlib.sha256(), 0
    with transaction.atomic():
        attachment = Attachment.objects.create(
            name=name.replace("\\", "/").rpartition("/")[2][:200] or "file",
            content_type=content_type,
            size=0,
            sha256=b"",
            created_by_id=created_by_id,
            created_at=now,
            expires_at=now + (kept or timedelta(days=settings.FILES_KEPT_DAYS)),
        )
        for number, part in enumerate(_parts(pieces)):
            digest.update(part)
            size += len(part)
            AttachmentPart.objects.create(attachment=attachment, number=number, content=part)
        attachment.size, attachment.sha256 = size, digest.digest()
        attachment.save(update_fields=["size", "sha256"])
    return attachment


def stream(attachment: Attachment) -> Iterator[bytes]:
    """Yield the content, a part at a time; DamagedFileError at the end where it is not what was stored."""
    digest, number = hashlib.sha256(), 0
    while True:
        part = AttachmentPart.objects.filter(attachment=attachment, number=number).values_list("content", flat=True)
        content = part.first()
        if content is None:
            break
        digest.update(content)
        yield bytes(content)
        number += 1
    if digest.digest() != bytes(attachment.sha256):
        raise DamagedFileError(attachment.name)


@contextmanager
def on_disk(attachment: Attachment) -> Iterator[Path]:
    """Lay the file down for as long as it is worked on, whole and checked; its name there is not its own."""
    with tempfile.NamedTemporaryFile(prefix="twofold-") as file:
        for content in stream(attachment):
            file.write(content)
        file.flush()
        yield Path(file.name)


def pieces_of(file: IO[bytes]) -> Iterator[bytes]:
    """Yield an open file from its beginning, in pieces."""
    file.seek(0)
    while piece := file.read(PART_BYTES):
        yield piece


def delete_expired(*, now: datetime) -> int:
    """Delete the files whose time is over; safe to run twice. Returns how many there were."""
    expired = list(Attachment.objects.filter(expires_at__lte=now).values_list("pk", flat=True))
    for pk in expired:
        Attachment.objects.filter(pk=pk).delete()
    return len(expired)


def _parts(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Cut and join `pieces` to parts of PART_BYTES."""
    held = bytearray()
    for piece in pieces:
        held += piece
        while len(held) >= PART_BYTES:
            yield bytes(held[:PART_BYTES])
            del held[:PART_BYTES]
    if held:
        yield bytes(held)
