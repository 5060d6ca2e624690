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


def rules() -> dict[str, Rule]:
    """Return every result code of every cause, of the distribution itself, and of what an AWS account shows."""
    from cfrunbook.causes import aws_facts, distribution

    tables = (*(module.RULES for module in modules()), distribution.RULES, aws_facts.RULES)
    return {rule.code: rule for table in tables for rule in table}
