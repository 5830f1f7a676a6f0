"""What a migrated database follows from: one that was kept is the same while this is."""

import hashlib
import importlib.metadata
import importlib.util
from pathlib import Path

from django.apps import apps
from django.db.migrations.loader import MigrationLoader


def migrated_from() -> str:
    """Return 16 digits that tell the migrations of all apps, and the libraries that carry them out."""
    found = hashlib.sha256()
    for app in sorted(config.label for config in apps.get_app_configs()):
        module = MigrationLoader.migrations_module(app)[0]
        spec = importlib.util.find_spec(module) if module else None
        for folder in (spec and spec.submodule_search_locations) or ():
            for path in sorted(Path(folder).glob("*.py")):
                found.update(f"{app} {path.name}\0".encode() + path.read_bytes() + b"\0")
    for name, version in sorted((library.name, library.version) for library in importlib.metadata.distributions()):
        found.update(f"{name} {version}\0".encode())
    return found.hexdigest()[:16]
