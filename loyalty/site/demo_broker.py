"""The demo's broker: kombu's folder of files, in which a message appears whole.

Kombu creates the file before it writes it; a worker that looks in between reads nothing, and ends.
"""

import time
import uuid
from pathlib import Path
from typing import Any

from kombu.transport import filesystem
from kombu.utils.json import dumps


class Channel(filesystem.Channel):
    """A channel whose messages are written aside and then given their name."""

    def _put(self, queue: str, payload: Any, **options: Any) -> None:  # type: ignore[override]  # stubs disagree
        name = f"{time.monotonic_ns() // 1_000_000}_{uuid.uuid4()}"
        folder = Path(self.data_folder_out)
        draft = folder / f"{name}.draft"
        draft.write_text(dumps(payload))
        draft.rename(folder / f"{name}.{queue}.msg")


class Transport(filesystem.Transport):
    """The transport of that channel."""

    Channel = Channel
