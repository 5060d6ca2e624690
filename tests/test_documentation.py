"""What README, docs/ and CONTRIBUTING say holds: links lead somewhere, commands and options exist, none is left out."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from cfrunbook import cli

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "benchmarks" / "README.md"])
each = pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@each
def test_links_lead_somewhere(page: Path):
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if link.startswith(("https://", "http://")):
            continue
        file, _, anchor = link.partition("#")
        target = page.parent / file if file else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def commands(page: Path) -> Iterator[list[str]]:
    """Yield the command lines of cfrunbook in a page's blocks and in code between sentences, as words."""
    text = page.read_text(encoding="utf-8")
    blocks = "\n".join(re.findall(r"^```\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL))
    for line in [*blocks.splitlines(), *re.findall(r"`([^`\n]+)`", text)]:
        plain = re.split(r"\s#\s|\s{2,}[#→]", line)[0]
        for part in re.split(r"&&|;|\||\$ | -- ", plain):
            words = part.strip().split()
            if words and words[0].rpartition("/")[2] == "cfrunbook" and len(words) > 1:
                yield [word for word in shlex.split(part, posix=False) if word not in ("…",)][1:]


@each
def test_commands_and_their_options_exist(page: Path):
    for words in commands(page):
        if words[0].startswith("-"):
            continue
        assert words[0] in cli._COMMANDS, words
        known = cli._parser(words[0]).format_help()
        group = next(a for a in cli._parser(words[0])._actions if getattr(a, "choices", None))
        parser = group.choices[words[0]]  # type: ignore[index]
        inner = next((a for a in parser._actions if isinstance(getattr(a, "choices", None), dict)), None)
        if inner is not None and len(words) > 1:
            assert words[1] in inner.choices, words
            parser = inner.choices[words[1]]
        known = parser.format_help()
        for option in (word.partition("=")[0] for word in words if word.startswith("--")):
            assert re.search(rf"{option}\b(?!-)", known), (option, words)


def test_every_input_is_in_the_table():
    table = (ROOT / "docs" / "inputs.md").read_text(encoding="utf-8")
    table += (ROOT / "docs" / "report.md").read_text(encoding="utf-8")
    lacking = [name for name in cli._INPUTS if f"--{name}" not in table]
    assert lacking == []
