"""The first questions of an incident: what was given, what CloudFront says itself, what to get, where to go next."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from cfrunbook import direct_evidence
from cfrunbook.findings import Cause, Diagnosis, Status
from cfrunbook.runbook.guides import PARAMETERS, SEVERAL
from cfrunbook.text import join_names, visible

if TYPE_CHECKING:
    from cfrunbook.incident import Incident
    from cfrunbook.recognizing import Recognition
    from cfrunbook.views import html, steps


def recognized(incident: Incident, given: Mapping[str, Any]) -> steps.Given:
    """Return what each thing was taken for that was given without saying what it is."""
    from cfrunbook.views import steps

    named = [name for name in PARAMETERS if name in given and name != "anything"]
    if set(named) - {"lab"}:
        sentence = f"Everything was given by its name: {join_names([f'`{name}`' for name in named], 12)}."
    else:
        sentence = (
            "Nothing was given, so an origin is examined that is broken on purpose on this machine. Put what you have"
            ' into `anything`, for example `anything = ["inbox"]`.'
        )
    return steps.Given(items=incident.inputs.recognized, sentence=sentence)


def said(incident: Incident, diagnosis: Diagnosis) -> html.Fragment:
    """Show what CloudFront says itself, in captured responses and logs; without either, what would show it."""
    from cfrunbook.views import html, steps

    found = [f for f in diagnosis.findings if direct_evidence.is_direct(f)]
    if found:
        return html.findings(found)
    if incident.inputs.responses or incident.inputs.logs is not None:
        return steps.note("What was given of CloudFront's own words says nothing about who made the error.")
    how = next((w.how.command for w in diagnosis.wanted if w.key == "response"), "")
    get = f" Get one: {how.partition(' > ')[0]}" if how else ""
    return steps.note(f"Not known yet: neither a response that fails nor access logs were given.{get}")


_ON_THE_WAY = (
    *(Cause.DNS, Cause.PORT, Cause.TLS_PROTOCOL, Cause.CERTIFICATE, Cause.TLS_NAME, Cause.ORIGIN_RESPONSE),
    Cause.EDGE_FUNCTION,
)


def candidates(diagnosis: Diagnosis) -> Iterator[Cause]:
    """Yield the causes that the undecided findings leave open, in the order of the edge's way."""
    for finding in diagnosis.findings:
        named = finding.data.get("candidates")
        if finding.status is Status.UNKNOWN and isinstance(named, list):
            yield from (cause for cause in _ON_THE_WAY if cause in named)


def written(given: Mapping[str, Any], found: Recognition | None) -> dict[str, Any]:
    """Return what was given as parameters that can be written down: files, ids, names; not what was pasted."""
    values = {name: value for name, value in given.items() if name != "anything"}
    for name, value in (found.parameters if found is not None else {}).items():
        if name not in values:
            values[name] = value
        elif name in SEVERAL and isinstance(values[name], list):
            values[name] = [*values[name], *value]
    return {name: v for name, v in values.items() if not isinstance(v, Mapping) and not is_pasted(v)}


def assignments(values: Mapping[str, Any], *, is_whole: bool) -> str:
    """Return parameters as lines of a parameters cell; where it is not all that was given, that is said."""
    lines = [
        f"{name} = {json.dumps(values[name], ensure_ascii=False, default=str)}" for name in PARAMETERS if name in values
    ]
    if not is_whole:
        lines.append("# and what was pasted, which is not written down here: put it into anything again")
    return "\n".join(lines)


def papermill(runbook: str, values: Mapping[str, Any]) -> str:
    """Return the command that runs a notebook with these parameters and no one before the screen."""
    words = ["papermill", f"{runbook}.ipynb", f"{runbook}.out.ipynb"]
    for name in PARAMETERS:
        value = values.get(name)
        if isinstance(value, list | tuple):
            words += ["-y", f"{name}: {json.dumps([visible(v, 500) for v in value], ensure_ascii=False)}"]
        elif value is not None:
            words += ["-p", name, visible(value, 500)]
    return shlex.join(words)


def is_whole(given: Mapping[str, Any], found: Recognition | None) -> bool:
    """Tell whether the parameters that can be written down are all that was given."""
    pasted = any(is_pasted(value) or isinstance(value, Mapping) for value in given.values())
    if found is None:
        return not pasted
    lacking = set(found.inputs) - set(found.parameters) - set(given)
    several = [
        name
        for name, value in found.inputs.items()
        if name in SEVERAL and len(found.parameters.get(name, ())) < len(value)
    ]
    return not pasted and not lacking and not several


def is_pasted(value: object) -> bool:
    """Tell whether a parameter is text in place of a file: it may hold secrets, so it is not shown again."""
    if isinstance(value, bytes):
        return True
    return any(is_pasted(v) for v in value) if isinstance(value, list | tuple) else "\n" in str(value)


def as_words(values: object) -> list[str]:
    """Return `anything` as words of a command line; what was pasted is named by the file it would be in."""
    given = values if isinstance(values, list | tuple) else [values]
    return ["anything.txt" if is_pasted(v) or isinstance(v, tuple) else visible(v, 500) for v in given]
