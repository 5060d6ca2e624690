from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import mistune
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrunbook.findings import Cause, CauseResult, Statement, Witness
from cfrunbook.views import markdown

OURS = {"paragraph", "text", "heading", "strong", "codespan", "block_code", "list", "list_item", "block_text", "table",
        "table_head", "table_body", "table_row", "table_cell", "blank_line", "linebreak", "softbreak"}  # fmt: skip


def nodes(text: str) -> Iterator[dict[str, Any]]:
    """Every node of `text` as GitHub's flavour of Markdown, by another implementation."""
    parse = mistune.create_markdown(renderer=None, plugins=["table", "url", "strikethrough", "task_lists"])
    waiting = list(parse(text))
    while waiting:
        node = waiting.pop()
        yield node
        waiting += node.get("children", [])


def test_summary_holds_what_a_ticket_needs(samples: dict[str, Any]) -> None:
    sample = samples["fault"]
    text = markdown.summary(sample.diagnosis, sample.observations)
    wanted = [
        "## ❌ The origin origin.shop.example.com leaves out the intermediate certificate Example R11",
        "CloudFront answers **502**",
        "seen from bastion-eu-1 at 2026-11-22 03:12:05 UTC",
        "❌ **Certificate** → ➖ Certificate name",
        "**Certificate:** Only the leaf was sent",
        "### Evidence",
        "- `handshake-1` one certificate was sent",
        "```sh\nopenssl s_client -connect 203.0.113.10:443",
        "### What to do (any one of these)",
        "- nginx: point ssl\\_certificate",
        "  ssl_certificate_key /etc/nginx/tls/privkey.pem;",
        "### Verify the fix",
        "Source: <https://docs.aws.amazon.com/",
        "### Causes",
        "| Certificate or chain | ❌ fault | handshake-1: one certificate",
        "| Edge function | ➖ not examined: No function result was given. |",
        "### Also found",
        "`certificate.expires_soon`",
        "### Not examined",
        "- **Edge functions**: no function result was given",
    ]
    position = 0
    for words in wanted:
        found = text.find(words, position)
        assert found >= 0, words
        position = found
    links = [n["attrs"]["url"] for n in nodes(text) if n["type"] == "link"]
    assert links == [sample.diagnosis.findings[0].source]


def test_hostile_strings_stay_text(samples: dict[str, Any]) -> None:
    sample = samples["hostile"]
    text = markdown.summary(sample.diagnosis, sample.observations)

    kinds = [n for n in nodes(text) if n["type"] not in OURS]
    assert [n for n in kinds if not (n["type"] == "inline_html" and n["raw"] == "<br>")] == []
    prose = " ".join(n["raw"] for n in nodes(text) if n["type"] == "text")
    assert "@everyone" not in prose
    assert "#123" not in prose
    assert "@\u200beveryone" in prose
    assert len(text) < 100_000
    assert all(c.isprintable() or c in "\n\u200b" for c in text)
    text.encode("utf-8")


def test_unknown_and_ok(samples: dict[str, Any]) -> None:
    unknown = markdown.summary(samples["unknown"].diagnosis)
    assert unknown.startswith("## ❔ ")
    assert "### Next check\n\nRun cfrunbook diagnose from a machine" in unknown
    ok = markdown.summary(samples["ok"].diagnosis, samples["ok"].observations)
    assert ok.startswith("**LAB SCENARIO** `healthy`")
    assert "### Found\n\n- ✅ The chain of origin.test:443" in ok


def test_a_command_in_a_table_can_be_copied() -> None:
    command = "dig +norecurse @ns1.example shop.example A | grep -c A"
    missing = Statement(
        says="nobody | asked", witness=Witness.PROBE, strength="weak", next_check=f"Ask the server itself: `{command}`."
    )
    table = markdown._causes([CauseResult(cause=Cause.DNS, status="unknown", why="", missing=(missing,))])
    found = list(nodes(table))
    # GitHub takes the backslash away: https://github.github.com/gfm/#example-200
    assert [node["raw"].replace(r"\|", "|") for node in found if node["type"] == "codespan"] == [command]
    assert len([node for node in found if node["type"] == "table_cell"]) == 10


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("plain", "`plain`"),
        ("a`b", "``a`b``"),
        ("`", "`` ` ``"),
        ("``` x", "```` ``` x ````"),
        ("", "` `"),
    ],
)
def test_code(value: str, wanted: str) -> None:
    assert markdown.code(value) == wanted


def test_block_fence_is_longer_than_any_inside() -> None:
    assert markdown.block("a\n`````\nb").startswith("``````\n")
    assert [n["raw"] for n in nodes(markdown.block("a\n```\nb"))] == ["a\n```\nb\n"]


@given(st.text(max_size=200))
def test_any_text_stays_text(value: str) -> None:
    assert {n["type"] for n in nodes("x " + markdown.text(value))} <= {"paragraph", "text"}


@given(st.text(alphabet="`a\\ |~<", max_size=30))
def test_any_code_stays_code(value: str) -> None:
    kinds = [n["type"] for n in nodes(f"x {markdown.code(value)} y")]
    assert sorted(kinds) == ["codespan", "paragraph", "text", "text"]
