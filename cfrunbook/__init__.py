"""cfrunbook: when CloudFront answers 502, look at the origin the way CloudFront does, and say what is wrong.

>>> import cfrunbook as cf
>>> incident = cf.Incident.load(origin="shop.example.com", host="www.example.com")
>>> diagnosis = await cf.diagnose(incident)  # or, in a plain script, cf.diagnose_sync(incident)
>>> diagnosis.verdict.sentence

The names below are what a notebook or a script needs; they are imported on first use, so that `import cfrunbook`
costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from cfrunbook import aws as aws
    from cfrunbook import causes as causes
    from cfrunbook import lab as lab
    from cfrunbook.aws.fetching import Fetched as Fetched
    from cfrunbook.aws.fetching import fetch as fetch
    from cfrunbook.diagnosis import diagnose as diagnose
    from cfrunbook.diagnosis import diagnose_sync as diagnose_sync
    from cfrunbook.diagnosis import judge as judge
    from cfrunbook.errors import BadInput as BadInput
    from cfrunbook.evidence import Observations as Observations
    from cfrunbook.findings import Cause as Cause
    from cfrunbook.findings import Diagnosis as Diagnosis
    from cfrunbook.findings import Finding as Finding
    from cfrunbook.findings import Status as Status
    from cfrunbook.incident import Incident as Incident
    from cfrunbook.observation import observe as observe
    from cfrunbook.observation import observe_sync as observe_sync
    from cfrunbook.runbook import Runbook as Runbook
    from cfrunbook.runbook import open_runbook as open_runbook

_HOME = {
    "BadInput": "errors",
    "Cause": "findings",
    "Diagnosis": "findings",
    "Fetched": "aws.fetching",
    "Finding": "findings",
    "Incident": "incident",
    "Observations": "evidence",
    "Runbook": "runbook",
    "Status": "findings",
    "diagnose": "diagnosis",
    "diagnose_sync": "diagnosis",
    "fetch": "aws.fetching",
    "judge": "diagnosis",
    "observe": "observation",
    "observe_sync": "observation",
    "open_runbook": "runbook",
}
_ROOMS = ("aws", "causes", "lab")

__all__ = [*_HOME, *_ROOMS, "__version__"]  # noqa: PLE0604 - all are strings


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return import_module(f"cfrunbook.{name}")
    if name in _HOME:
        return getattr(import_module(f"cfrunbook.{_HOME[name]}"), name)
    raise AttributeError(f"module 'cfrunbook' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
