"""How fast the engine is, measured side by side with what the machine can do at most."""

from loyalty.site.bench.figures import Figure
from loyalty.site.bench.real_file import real_file

__all__ = ["Figure", "real_file"]
