"""What others wrote freely, in what was given and what was seen: a secret that is known elsewhere is taken out of it.

Names, addresses, ids and paths that something is looked up by stay as they are: a header value such as `prod-eu-1` may
well be a part of them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

if TYPE_CHECKING:
    from cfrunbook.aws_facts import AwsFacts
    from cfrunbook.evidence import Exchange, FirewallDump, Handshake, Inputs, Observations
    from cfrunbook.findings import Comparison
    from cfrunbook.log_summary import LogSummary
    from cfrunbook.redaction import Secrets

_COMMENTS = re.compile(r'"(?:[^"\\\n]|\\.)*+"?|(?<=--comment )\S+|#[^\n]*')
"""Of rules as text and as JSON: what is quoted, to the end of its line at the latest, and what nobody reads but people.

It never looks twice at a character, however many quotation marks stand there without their other one.
"""


def of_inputs(inputs: Inputs, secrets: Secrets) -> Inputs:
    """Return what a person gave, without the secrets that are known."""
    return replace(
        inputs,
        recognized=secrets.out_of(inputs.recognized),
        distribution=_of_document(inputs.distribution, secrets),
        policies=tuple(_of_document(policy, secrets) for policy in inputs.policies),
        before=of_comparison(inputs.before, secrets) if inputs.before else None,
        firewall=tuple(_of_rules(dump, secrets) for dump in inputs.firewall),
        functions=secrets.out_of(inputs.functions),
        responses=secrets.out_of(inputs.responses),
        logs=_of_logs(inputs.logs, secrets) if inputs.logs else None,
        aws=of_account(inputs.aws, secrets) if inputs.aws else None,
    )


def of_observations(seen: Observations, secrets: Secrets) -> Observations:
    """Return what was seen, and what was given for that, without the secrets that are known."""
    return replace(of_what_was_seen(seen, secrets), inputs=of_inputs(seen.inputs, secrets))


def of_what_was_seen(seen: Observations, secrets: Secrets) -> Observations:
    """Return what was seen without them, where what was given has lost them already."""
    return replace(
        seen,
        exchanges=tuple(of_exchange(exchange, secrets) for exchange in seen.exchanges),
        handshakes=tuple(_of_handshake(handshake, secrets) for handshake in seen.handshakes),
        function_runs=secrets.out_of(seen.function_runs),
        not_observed=tuple(replace(one, why=secrets.out_of(one.why)) for one in seen.not_observed),
    )


def of_exchange(exchange: Exchange, secrets: Secrets) -> Exchange:
    """Return an HTTP exchange without them in what the server wrote."""
    return replace(
        exchange,
        status_line=secrets.out_of(exchange.status_line),
        headers=secrets.out_of(exchange.headers),
        first_bytes=secrets.out_of(exchange.first_bytes),
    )


def _of_handshake(handshake: Handshake, secrets: Secrets) -> Handshake:
    return replace(handshake, first_bytes=secrets.out_of(handshake.first_bytes)) if handshake.first_bytes else handshake


def of_account(facts: AwsFacts, secrets: Secrets) -> AwsFacts:
    """Return what an account says without them in log lines and in messages of its services."""
    return replace(
        facts,
        function_lines=secrets.out_of(facts.function_lines),
        not_fetched=tuple(replace(one, why=secrets.out_of(one.why)) for one in facts.not_fetched),
    )


def of_comparison(compared: Comparison, secrets: Secrets) -> Comparison:
    """Return differences without them in the values and in what is said of them."""
    changes = (replace(c, before=secrets.out_of(c.before), after=secrets.out_of(c.after)) for c in compared.changes)
    said = {"sentence": secrets.out_of(compared.sentence), "explanation": secrets.out_of(compared.explanation)}
    return replace(compared, changes=tuple(changes), **said)


def _of_document(value: Any, secrets: Secrets, name: str = "") -> Any:
    """Return a document of AWS's without them in its comments."""
    if isinstance(value, dict):
        return {key: _of_document(inner, secrets, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [_of_document(inner, secrets) for inner in value]
    return secrets.out_of(value) if name == "Comment" else value


def _of_rules(dump: FirewallDump, secrets: Secrets) -> FirewallDump:
    return replace(dump, text=_COMMENTS.sub(lambda found: secrets.hidden(found[0]), dump.text))


def _of_logs(logs: LogSummary, secrets: Secrets) -> LogSummary:
    """Return a summary without them in paths and in lines that were not understood."""
    return replace(
        logs, files=secrets.out_of(logs.files), lines=secrets.out_of(logs.lines), types=secrets.out_of(logs.types),
        paths=secrets.out_of(logs.paths),
    )  # fmt: skip
