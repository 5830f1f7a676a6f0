"""Examples: a made-up client, what happens to it, and what it must then have; recorded for real, and rolled back."""

from loyalty.examples.running import Expectation, Ran, RanStep, Running, run_examples, with_draft

__all__ = ["Expectation", "Ran", "RanStep", "Running", "run_examples", "with_draft"]
