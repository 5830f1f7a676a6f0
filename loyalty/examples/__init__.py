"""Examples: a made-up client, what happens to it, and what it must then have; run against the very judging of today."""

from loyalty.examples.running import Expectation, Ran, RanStep, run_example, run_examples

__all__ = ["Expectation", "Ran", "RanStep", "run_example", "run_examples"]
