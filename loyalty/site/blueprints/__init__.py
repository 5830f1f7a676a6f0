"""Blueprints: a whole program as one YAML document, loaded as a draft, and dumped from a live program.

A section is a module (`sections/`): it says what stands under its key, loads it and dumps it.
"""

from loyalty.site.blueprints.documents import BlueprintError, Document, Fault
from loyalty.site.blueprints.dumping import canonical, dump, text_of
from loyalty.site.blueprints.loading import MAY_LOAD, Loaded, check, foresee, load, schema
from loyalty.site.blueprints.reading import MAX_BYTES, read
from loyalty.site.blueprints.shipped import SHIPPED, Shipped, shipped
from loyalty.site.blueprints.writing import write

__all__ = [
    "MAX_BYTES",
    "MAY_LOAD",
    "SHIPPED",
    "BlueprintError",
    "Document",
    "Fault",
    "Loaded",
    "Shipped",
    "canonical",
    "check",
    "dump",
    "foresee",
    "load",
    "read",
    "schema",
    "shipped",
    "text_of",
    "write",
]
