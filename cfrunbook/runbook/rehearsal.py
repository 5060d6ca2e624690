"""Do once, on an origin about which nothing was seen, what every runbook does: import, read, judge, compile.

For the process that the kernels of runbooks are forked from. What stays of it are modules and caches of pure functions.
"""

from __future__ import annotations

import datetime as dt
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cfrunbook.evidence import Observations
    from cfrunbook.findings import Diagnosis
    from cfrunbook.incident import Incident

MODULES = (
    "cfrunbook.aws.inputs",
    "cfrunbook.causes.certificate_chain",
    "cfrunbook.causes.leaf_grid",
    "cfrunbook.causes.tls_capabilities",
    "cfrunbook.panel.frontend",
    "cfrunbook.probes.resolve",
    "cfrunbook.runbook.comparing",
    "cfrunbook.runbook.looking",
    "cfrunbook.runbook.mending",
    "cfrunbook.runbook.onward",
    "cfrunbook.runbook.pictures",
    "cfrunbook.runbook.start",
    "cfrunbook.views.dns_table",
    "cfrunbook.views.leaf_table",
    "cryptography.hazmat.primitives.serialization",
    "cryptography.x509.verification",
)
"""What only runbooks about something that was seen import."""


def rehearse() -> None:
    """Do it. Opens no socket and starts no thread."""
    from cfrunbook.causes import registry
    from cfrunbook.evidence import from_json
    from cfrunbook.views import steps, tables
    from cfrunbook.x509 import roots

    registry.rules()
    for module in MODULES:
        import_module(module)
    roots.mozilla()
    incident, seen, diagnosis = nothing_seen()
    tables.observations(seen, wanted=incident.targets, kinds=())
    steps.Judgement(diagnosis=diagnosis, causes=(), runbook="")._repr_mimebundle_()
    steps.note("Nothing.")
    from_json(seen.to_json())


def nothing_seen() -> tuple[Incident, Observations, Diagnosis]:
    """Return an incident, that nothing was seen of it, and what that means."""
    from cfrunbook.diagnosis import judge
    from cfrunbook.evidence import Observations
    from cfrunbook.incident import Incident

    incident = Incident.load(origin="origin.example")
    seen = Observations(recorded_at=dt.datetime(2000, 1, 1, tzinfo=dt.UTC), inputs=incident.inputs)
    return incident, seen, judge(incident, seen)
