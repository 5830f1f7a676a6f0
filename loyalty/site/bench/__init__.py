"""How fast the engine is, measured side by side with what the machine can do at most."""

from loyalty.site.bench.databases import databases
from loyalty.site.bench.figures import TARGETS, Figure
from loyalty.site.bench.suite import Setting, measure, prove

__all__ = ["TARGETS", "Figure", "Setting", "databases", "measure", "prove"]
