"""Uploads that are too large are not kept on the way in: a disk is not filled by who may only fill a form."""

from typing import Any

from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.http import HttpRequest

MOST_BYTES = 50 * 1024 * 1024
"""The largest file that is taken in."""

_MARK = "_upload_was_too_large"


class LimitedUploads(FileUploadHandler):
    """Stands before the handlers that keep files, and stops at MOST_BYTES; the form says so."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Count each file anew."""
        self._received = 0
        super().new_file(*args, **kwargs)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        """Hand on what comes, as long as it is not too much."""
        self._received += len(raw_data)
        if self._received > MOST_BYTES:
            setattr(self.request, _MARK, True)
            raise StopUpload(connection_reset=False)
        return raw_data

    def file_complete(self, file_size: int) -> None:
        """The next handlers have the file."""


def mark_too_large(request: HttpRequest) -> None:
    """Put down that a file of the request was stopped."""
    setattr(request, _MARK, True)


def was_too_large(request: HttpRequest) -> bool:
    """Whether a file of the request was stopped. Read the form first."""
    return bool(getattr(request, _MARK, False))
