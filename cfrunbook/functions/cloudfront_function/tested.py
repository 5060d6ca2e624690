"""What `aws cloudfront test-function` writes: the result is in it, as text, under the name of its kind.

https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_TestResult.html
"""

from __future__ import annotations

from typing import Any

from cfrunbook.functions.cloudfront_function.calls import Run
from cfrunbook.functions.cloudfront_function.facts import Runtime
from cfrunbook.functions.documents import Document, of_value, read


def unpack(document: Document) -> tuple[Document, Run] | None:
    """Return the result and what is said about the run, or None where this is no output of `test-function`."""
    tested = document.value if document.is_readable else None
    if isinstance(tested, dict) and isinstance(tested.get("TestResult"), dict):
        tested = tested["TestResult"]
    if not isinstance(tested, dict) or not isinstance(tested.get("FunctionOutput"), str):
        return None
    return _result(tested["FunctionOutput"]), _run(tested)


def _result(output: str) -> Document:
    given = read(output)
    held = given.value
    if isinstance(held, dict) and len(held) == 1:
        name, value = next(iter(held.items()))
        if name in ("request", "response"):
            return Document(value, of_value(value).size, given.flaws)
    return given


def _run(tested: dict[str, Any]) -> Run:
    used, threw = tested.get("ComputeUtilization"), tested.get("FunctionErrorMessage")
    summary = tested.get("FunctionSummary")
    config = summary.get("FunctionConfig") if isinstance(summary, dict) else None
    name = config.get("Runtime") if isinstance(config, dict) else None
    return Run(
        threw=threw if isinstance(threw, str) else "",
        runtime=next((known for known in Runtime if known == name), None),
        compute_utilization=int(used)
        if isinstance(used, str) and used.isascii() and used.isdigit() and len(used) < 5
        else None,
    )
