"""The causes that can be judged, in the order of the edge's path. A new cause is one more line here."""

from __future__ import annotations

from typing import Protocol

from cfrunbook.causes.case import Case
from cfrunbook.findings import Cause, Finding, Rule


class CauseModule(Protocol):
    """What every module of this package offers."""

    CAUSE: Cause
    AWS_PAGE: str
    """The documentation of this cause, with anchor."""
    NOTEBOOK: str
    """Name of its runbook without suffix; empty where there is none yet."""
    RULES: tuple[Rule, ...]

    def judge_case(self, case: Case, /) -> tuple[Finding, ...]:
        """Return what was concluded about one target. Pure."""
        ...


def modules() -> tuple[CauseModule, ...]:
    """Return the cause modules; imported on first use, so that `import cfrunbook` stays fast."""
    from cfrunbook.causes import certificate, dns, origin_response, port, tls_name, tls_protocol, tls_renegotiation

    return (dns, port, tls_protocol, certificate, tls_name, tls_renegotiation, origin_response)


def modules_for(case: Case) -> tuple[CauseModule, ...]:
    """Return the cause modules that have something to judge; the others, which are large, need not be imported.

    Without an answer to a hello or a request, what is said of TLS, certificates, names and responses is nothing.
    """
    if case.scanned or case.handshakes or case.exchanges:
        return modules()
    from cfrunbook.causes import dns, port

    return (dns, port)


def rules() -> dict[str, Rule]:
    """Return every result code of every cause, also of those that are not judged target by target."""
    from cfrunbook.causes import access_logs, aws_facts, captured_response, distribution, edge_function

    beside = (distribution.RULES, edge_function.RULES, captured_response.RULES, access_logs.RULES, aws_facts.RULES)
    tables = (*(module.RULES for module in modules()), *beside)
    return {rule.code: rule for table in tables for rule in table}
