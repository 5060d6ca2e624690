"""What the result codes of one cause have in common, said once: a rule table is then only what differs."""

from __future__ import annotations

import msgspec

from cfrunbook.findings import Cause, Remedy, Rule, Stage, Status, Step


class Family(msgspec.Struct, frozen=True):
    """Makes the rules of one cause at one stage; what a row does not say is taken from here."""

    cause: Cause
    stage: Stage
    source: str
    reproduce: str
    verify: Step

    def rule(
        self,
        code: str,
        status: Status,
        title: str,
        meaning: str,
        *,
        source: str = "",
        remedy: Remedy | None = None,
        reproduce: str = "",
        verify: Step | None = None,
        cloudfront_status: int | None = None,
        next_check: str = "",
    ) -> Rule:
        """Return a rule. A fault gives 502 unless `cloudfront_status` says otherwise; without remedy, no `verify`."""
        if cloudfront_status is None and status is Status.FAULT:
            cloudfront_status = 502
        return Rule(
            code=f"{self.cause}.{code}",
            cause=self.cause,
            stage=self.stage,
            status=status,
            title=title,
            meaning=meaning,
            source=source or self.source,
            reproduce=reproduce or self.reproduce,
            remedy=remedy or Remedy(),
            verify=(verify or self.verify) if remedy else Step(text=""),
            cloudfront_status=cloudfront_status,
            next_check=next_check,
        )
