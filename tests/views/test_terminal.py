from __future__ import annotations

import re
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from cfrunbook.findings import Diagnosis, Remedy, Stage, StageResult, Status, Step, Verdict
from cfrunbook.views import outline, tables, terminal
from cfrunbook.views.steps import Fix

SGR = re.compile(r"\x1b\[(0|1|2|31|32|33|34|35)m")


@pytest.mark.parametrize("width", [1, 60, 80, 120, 1000])
@pytest.mark.parametrize("color", [False, True])
def test_lines_fit_and_nothing_but_colours_is_sent(sample: Any, width: int, color: bool) -> None:
    text = terminal.render(sample.diagnosis, color=color, width=width)
    plain = SGR.sub("", text)

    assert (plain != text) is color
    assert all(c.isprintable() or c == "\n" for c in plain)
    if sample.diagnosis.inputs.get("lab", "").isalnum() or "lab" not in sample.diagnosis.inputs:
        for line in plain.split("\n"):
            unbroken = line.startswith(("    ", "  https://")) or line.startswith("PATH")
            assert unbroken or len(line) <= max(60, min(120, width)), line
    assert len(text) < 100_000


def test_order_and_words(samples: dict[str, Any]) -> None:
    text = terminal.render(samples["fault"].diagnosis, color=False, width=80)
    assert text.startswith("✕ The origin origin.shop.example.com leaves out the intermediate certificate")
    headings = [line for line in text.split("\n") if line and not line.startswith((" ", "✕"))]
    assert headings == [
        "PATH to https://origin.shop.example.com:443 (shop-origin)",
        "WHAT IT MEANS",
        "EVIDENCE",
        "SEE IT YOURSELF",
        "WHAT TO DO (any one of these)",
        "VERIFY THE FIX",
        "SOURCE",
        "ALSO FOUND",
        "NOT EXAMINED",
    ]
    assert "✕ Certificate › – Certificate name" in text
    assert "→ Certificate: Only the leaf was sent" in text


def test_commands_are_never_broken(samples: dict[str, Any]) -> None:
    diagnosis = samples["fault"].diagnosis
    text = terminal.render(diagnosis, color=True, width=60)
    assert f"\n    {diagnosis.findings[0].reproduce}\n" in text
    assert f"\n    {diagnosis.findings[0].verify.command}\n" in text


def test_unknown_says_the_next_check_once(samples: dict[str, Any]) -> None:
    text = terminal.render(samples["unknown"].diagnosis, color=False, width=80)
    assert text.count("NEXT CHECK") == 1
    assert "Run cfrunbook diagnose from a machine in the origin's network." in text
    assert "origin's security group" in text


def test_what_will_bite_is_told_with_what_to_do_where_there_is_no_fault(samples: dict[str, Any]) -> None:
    found = samples["ok"].diagnosis
    step = Step(text="Start the name server.", command="systemctl start named")
    warning = replace(found.findings[0], status=Status.WARNING, title="One is dead.", remedy=Remedy(steps=(step,)))
    warning = replace(warning, meaning="A resolver waits.")
    text = terminal.render(replace(found, findings=(warning, warning)), color=False, width=80)
    assert text.count("Start the name server.") == 1
    assert text.index("WORTH MENDING") < text.index("    A resolver waits.") < text.index("    systemctl start named")
    assert "WORTH MENDING" not in terminal.render(found, color=False, width=80)
    fault = replace(found, verdict=replace(found.verdict, status="fault"), findings=(warning,))
    assert "WORTH MENDING" not in terminal.render(fault, color=False, width=80)
    shown = Fix(findings=(warning,), sentence="No fault was found.")._repr_mimebundle_()
    for text in (shown[0]["text/plain"], shown[0]["text/html"]):
        assert text.index("No fault was found.") < text.index("One is dead.") < text.index("systemctl start named")


def test_a_lab_is_said_first(samples: dict[str, Any]) -> None:
    assert terminal.render(samples["ok"].diagnosis, color=False, width=80).startswith("LAB SCENARIO healthy")


def test_a_verdict_alone() -> None:
    nothing = Diagnosis(
        verdict=Verdict(status="unknown", sentence="Nothing was given.", next_check="Give --origin."),
        stages=(),
        causes=(),
        findings=(),
        not_examined=(),
    )
    assert terminal.render(nothing, color=False, width=80) == (
        "? Nothing was given.\n  Could not tell; confidence low (indirect).\n\nNEXT CHECK\n  Give --origin."
    )
    assert terminal.causes((), color=False, width=80) == "No cause was judged."
    assert terminal.not_examined((), width=80) == "Nothing that could be looked at was left out."


def test_tables(samples: dict[str, Any]) -> None:
    text = terminal.table(tables.connections(samples["fault"].observations))
    assert text.split("\n")[:2] == [
        "TCP connections",
        "  Id            To                                           Outcome    Detail  Time",
    ]
    assert terminal.table(tables.targets(())).endswith("no origin could be worked out from what was given.")


@given(st.text(max_size=400), st.integers(0, 200), st.booleans())
def test_no_sentence_can_move_the_cursor(sentence: str, width: int, color: bool) -> None:
    verdict = Verdict(status="fault", sentence=sentence)
    diagnosis = Diagnosis(verdict=verdict, stages=(), causes=(), findings=(), not_examined=())
    text = terminal.render(diagnosis, color=color, width=width)
    plain = SGR.sub("", text).replace("\n", "")
    assert not {unicodedata.category(c) for c in plain} & {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}


def test_the_path_points_at_the_root_cause_where_a_later_stage_speaks_first() -> None:
    stages = (
        StageResult(stage=Stage.TCP, status="fault", sentence="The port is closed.", findings=("port.refused",)),
        StageResult(stage=Stage.EDGE_FUNCTION, status="fault", sentence="Refused.", findings=("edge_function.x",)),
    )
    assert [outline.broken(stages, code) for code in (None, "edge_function.x", "dns.nxdomain")] == [
        stages[0],
        stages[1],
        stages[0],
    ]
