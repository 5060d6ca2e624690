"""The steps of each runbook after it is opened, in the order of its notebook's cells: one public call each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

Method = Literal[
    "recognized", "look", "said", "figure", "table", "why", "results", "logs", "access_logs", "judge", "wanted", "fix",
    "changed", "verify", "next",
]  # fmt: skip


class RunbookStep(msgspec.Struct, frozen=True):
    """One step: what its notebook calls it, and the method of `Runbook` that does it."""

    title: str
    method: Method
    argument: str = ""

    @property
    def id(self) -> str:
        """A name of its own within the runbook: `look`, `figure-chain`."""
        return f"{self.method}-{self.argument}" if self.argument else self.method

    @property
    def probes(self) -> bool:
        """Whether it goes out to the origin, so that it takes time and can be stopped."""
        return self.method in ("look", "verify")

    @property
    def needs_look(self) -> bool:
        """Whether there is nothing to show before something was seen."""
        return self.method not in ("recognized", "look")

    @property
    def code(self) -> str:
        """The call, as it stands in the notebook's cell."""
        call = f'runbook.{self.method}("{self.argument}")' if self.argument else f"runbook.{self.method}()"
        return f"await {call}" if self.probes else call


def _steps(*own: RunbookStep, of_finding: tuple[RunbookStep, ...] = ()) -> tuple[RunbookStep, ...]:
    """Return a runbook's steps: its own ones, and those that all have at the end, with what belongs to the finding."""
    return (
        *own,
        RunbookStep("Finding", "judge"),
        *of_finding,
        RunbookStep("Fix", "fix"),
        RunbookStep("Verify", "verify"),
        RunbookStep("Next", "next"),
    )


AGENDA: Mapping[str, tuple[RunbookStep, ...]] = {
    "00_start_here": _steps(
        RunbookStep("What it was taken for", "recognized"),
        RunbookStep("Look", "look"),
        RunbookStep("Who made this 502", "said"),
        RunbookStep("Since when, how often, and where", "figure", "log_rate"),
        RunbookStep("Where and when", "figure", "log_heat"),
        RunbookStep("The way of the edge", "figure", "path"),
        RunbookStep("What changed", "changed"),
        of_finding=(RunbookStep("The evidence that is missing", "wanted"),),
    ),
    "01_tls_name": _steps(
        RunbookStep("Ask for each name, and read what comes back", "look"),
        RunbookStep("Which certificate each name gets", "figure", "served"),
        RunbookStep("The certificate that was shown", "figure", "chain"),
    ),
    "02_tls_protocol": _steps(
        RunbookStep("Say CloudFront's hello, then ask one thing at a time", "look"),
        RunbookStep("The handshake, message by message", "figure", "ladder"),
        RunbookStep("Offered, accepted, negotiated", "figure", "suites"),
        RunbookStep("Why your browser works and CloudFront does not", "why"),
    ),
    "03_certificate": _steps(
        RunbookStep("Take the chain from the wire", "look"),
        RunbookStep("The chain: as sent, and as it should be", "figure", "chain"),
        RunbookStep("Validity", "figure", "validity"),
        RunbookStep("Is it the same certificate for every hello?", "figure", "served"),
    ),
    "04_port": _steps(
        RunbookStep("Knock", "look"),
        RunbookStep("Where it breaks", "figure", "path"),
        RunbookStep("Whom the firewall lets in", "figure", "firewall"),
    ),
    "05_dns": _steps(
        RunbookStep("Walk from the root to every name server", "look"),
        RunbookStep("The delegation, drawn", "figure", "delegation"),
        RunbookStep("Server × question", "figure", "servers"),
        RunbookStep("The chain of aliases", "figure", "aliases"),
        RunbookStep("What resolvers say", "table", "resolutions"),
    ),
    "06_edge_function": _steps(
        RunbookStep("Look", "look"),
        RunbookStep("The result, line by line", "results"),
        RunbookStep("What CloudFront's own log says", "logs"),
    ),
    "07_origin_response": _steps(
        RunbookStep("Ask the origin", "look"),
        RunbookStep("Where the time goes", "figure", "exchange"),
        RunbookStep("What CloudFront logged", "figure", "log_types"),
    ),
    "99_incident_report": _steps(
        RunbookStep("What was seen", "look"),
        RunbookStep("The way of the edge", "figure", "path"),
        RunbookStep("The certificates", "figure", "chain"),
        RunbookStep("Their validity", "figure", "validity"),
        RunbookStep("What CloudFront logged", "access_logs"),
        RunbookStep("What changed", "changed"),
    ),
}
"""By the runbook's name. A test holds that the notebooks' cells say the same."""

PLAIN = _steps(RunbookStep("Look", "look"))
"""The steps of a runbook that has none of its own."""
