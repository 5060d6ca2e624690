"""Every scenario of the lab is started once for all that is asked of it: by the edge, by us, and after it was mended."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cfrunbook as cf
from cfrunbook import lab
from cfrunbook.files import write_whole
from cfrunbook.lab.edge import Answer, fetch_all

PATIENCE = 10.0
"""Seconds in which whatever answers does so, also on a busy machine."""
IMPATIENCE = 0.3
"""Seconds for what is expected to come too late."""


shared: Path | None = None
"""The folder in which the processes of one run tell each other what they saw (`conftest.pytest_configure`)."""


@dataclass(frozen=True)
class Look:
    """What one scenario showed, to us and to the edge."""

    observations: cf.Observations
    diagnosis: cf.Diagnosis
    answers: dict[str, tuple[Answer, ...]]
    """By method: what the edge answers, over all addresses and name servers that it may pick."""
    mended: frozenset[int] | None
    """The statuses that it answers to any method after mending; None: there is nothing to mend."""

    @property
    def reading(self) -> frozenset[int]:
        """The statuses that the edge answers to GET, with which our probe asks."""
        return frozenset(a.status for a in self.answers["GET"])

    @property
    def writing(self) -> frozenset[int]:
        """And to POST, where the behavior allows it."""
        return frozenset(a.status for a in self.answers.get("POST", self.answers["GET"]))


@cache
def looked_at(name: str) -> Look:
    """Look at a scenario once for several tests; those that share it run in one process (`conftest.scope_of`)."""
    expected = lab.SCENARIOS[name].expected
    is_late = 504 in {expected.cloudfront_status, *expected.edge_answers}
    with lab.start(name) as running:
        answers = asked(running, IMPATIENCE if is_late else PATIENCE)
        incident = cf.Incident.load(**running.options)
        observations = cf.observe_sync(incident)
        mended = None
        if running.is_mendable:
            running.mend()
            mended = frozenset(a.status for said in asked(running, PATIENCE).values() for a in said)
    look = Look(observations, cf.judge(incident, observations), answers, mended)
    if shared:
        shared.mkdir(exist_ok=True)
        write_whole(shared / name, json.dumps(sorted({f.code for f in look.diagnosis.findings})).encode())
    return look


def codes(name: str) -> frozenset[str]:
    """Return the codes of what was found, also where another process has looked."""
    if shared and (shared / name).exists():
        return frozenset(json.loads((shared / name).read_bytes()))
    return frozenset(f.code for f in looked_at(name).diagnosis.findings)


def asked(running: lab.Running, patience: float) -> dict[str, tuple[Answer, ...]]:
    """Return what the edge answers, by method.

    A handshake does not know of methods: AWS's library is asked once, but where the answer to any depends on it.
    """
    return {
        method: fetch_all(
            running.edge_facts,
            method=method,
            patience=patience,
            with_s2n=method == "GET" or running.scenario.needs_s2n,
        )
        for method in running.setup.methods
    }
