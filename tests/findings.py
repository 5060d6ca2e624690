"""Findings of any rule, without a judge: every placeholder is filled with a word."""

from __future__ import annotations

from string import Formatter
from typing import Any

from cfrunbook.findings import Evidence, Finding, Rule, Step


def made(rule: Rule, *, observation: str = "connection-1", target: str = "", **data: Any) -> Finding:
    """Return what a rule says of a made-up observation; `data` is beside the words for its placeholders."""
    steps: list[Step] = [*rule.remedy.steps, rule.verify]
    texts = [
        rule.title,
        rule.meaning,
        rule.reproduce,
        rule.next_check,
        *(t for s in steps for t in (s.text, s.command)),
    ]
    fields = [(name, form) for text in texts for _, name, form, _ in Formatter().parse(text) if name]
    words: dict[str, Any] = {name: f"<{name}>" for name, _ in fields}
    words |= {name: 7 for name, form in fields if form or name == "count"}
    evidence = [Evidence(observation=observation, says="it was seen")]
    return rule.apply({**words, **data}, target=target, evidence=evidence)
