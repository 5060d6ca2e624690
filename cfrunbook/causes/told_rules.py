"""How a rule about CloudFront's own word is made: an access log's, or a captured response's."""

from __future__ import annotations

from typing import Any

from cfrunbook.findings import Cause, Rule, Stage, Status, Step


def rule(code: str, stage: Stage, status: Status, title: str, meaning: str, *, proof: Step, **more: Any) -> Rule:
    """Return a rule; its cause is what the code begins with. `proof` shows that a remedy worked, where there is one."""
    if "remedy" in more:
        more.setdefault("verify", proof)
    cause = Cause(code.partition(".")[0])
    return Rule(code=code, cause=cause, stage=stage, status=status, title=title, meaning=meaning, **more)
