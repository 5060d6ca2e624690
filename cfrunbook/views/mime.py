"""How a finding or a diagnosis shows itself in a notebook, and how a report reads it back: one MIME bundle.

The data holds `text/plain`, static `text/html` and the value itself as versioned JSON. What changes from run to run
though nothing changed (durations, the moment, versions) goes into the output's metadata under the same type, so
that an executed notebook can be compared with another.
"""

from __future__ import annotations

import math
from typing import Any

import msgspec

from cfrunbook.findings import Diagnosis, Finding
from cfrunbook.views import terminal

FINDING = "application/vnd.cfrunbook.finding.v1+json"
DIAGNOSIS = "application/vnd.cfrunbook.diagnosis.v1+json"

WIDTH = 100
"""Columns of the plain text form."""

_VOLATILE_NAMES = frozenset({"at", "now", "elapsed", "recorded_at", "generated_at", "observed_at"})


def bundle(value: Finding | Diagnosis) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return `(data, metadata)` of `value` for `_repr_mimebundle_`.

    Without jinja2 (it comes with the extra `run`) there is `text/plain` only.
    """
    is_diagnosis = isinstance(value, Diagnosis)
    text = (
        terminal.render(value, color=False, width=WIDTH)
        if isinstance(value, Diagnosis)
        else terminal.finding(value, color=False, width=WIDTH)
    )
    data: dict[str, Any] = {"text/plain": text}
    try:
        import jinja2  # noqa: F401 (asked for here, used in html)
    except ModuleNotFoundError:
        return data, {}

    from cfrunbook.views import html

    shown = html.diagnosis(value) if isinstance(value, Diagnosis) else html.finding(value)
    stable, volatile = _split(_json(msgspec.to_builtins(value)))
    mime = DIAGNOSIS if is_diagnosis else FINDING
    data["text/html"] = shown.html
    data[mime] = stable
    return data, {mime: volatile} if volatile else {}


def _split(value: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return `value` without what is volatile, and what is volatile in the same shape."""
    stable = dict(value)
    volatile: dict[str, Any] = {}
    if stable.get("versions"):
        volatile["versions"] = stable.pop("versions")
    for name in ("data", "inputs"):
        held = stable.get(name)
        if held:
            changing = {key: held[key] for key in held if key in _VOLATILE_NAMES or key.endswith("_ms")}
            if changing:
                volatile[name] = changing
                stable[name] = {key: held[key] for key in held if key not in changing}
    if "findings" in stable:
        parts = [_split(f) for f in stable["findings"]]
        stable["findings"] = [kept for kept, _ in parts]
        if any(changing for _, changing in parts):
            volatile["findings"] = [changing for _, changing in parts]
    return stable, volatile


def _json(value: Any) -> Any:
    """Return `value` as strict JSON can hold it: no NaN, no infinity, no lone surrogate."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {_json(key): _json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json(item) for item in value]
    return value
