"""What a step of a runbook concludes."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from cfrunbook import evidence
from cfrunbook.diagnosis import judge
from cfrunbook.findings import Cause
from cfrunbook.incident import Incident
from cfrunbook.views.steps import Judgement

RECORDING = Path(__file__).parent.parent / "data" / "port-refused.evidence.json"


@pytest.mark.parametrize("status", ["ok", "fault", "unknown"])
def test_a_runbook_about_everything_says_the_verdict_whatever_was_not_examined(status):
    diagnosis = judge(Incident.load(evidence=RECORDING), evidence.load(RECORDING))
    diagnosis = replace(diagnosis, verdict=replace(diagnosis.verdict, status=status, sentence="So it is."))
    assert "not_examined" in {result.status for result in diagnosis.causes}
    judged = Judgement(diagnosis=diagnosis, causes=())
    assert (judged.status, judged.sentence) == (status, "So it is.")
    assert Judgement(diagnosis=diagnosis, causes=(Cause.DNS,)).status == "not_examined"
