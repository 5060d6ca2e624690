"""For every rule, a result that breaks it and nothing else, and the same without the mistake."""

from __future__ import annotations

from cfrunbook.functions.cloudfront_function import example_calls, example_results
from cfrunbook.functions.cloudfront_function.example_parts import Example, Given

__all__ = ["EXAMPLES", "Example", "Given"]

EXAMPLES: tuple[Example, ...] = (
    *example_results.RUNS,
    *example_results.WHOLE,
    *example_results.FIELDS,
    *example_results.HEADERS,
    *example_calls.WHEN,
    *example_calls.SETTINGS,
    *example_calls.ACCESS,
    *example_calls.CHOSEN,
)
