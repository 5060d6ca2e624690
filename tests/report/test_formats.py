"""What a report is written as: the files that were asked for, and a sentence where one cannot be made."""

from __future__ import annotations

import re
import stat
import tempfile
from pathlib import Path

import pytest

from cfrunbook.errors import BadInput
from cfrunbook.report import formats, pdf
from cfrunbook.report.formats import DEFAULT, Format

PAGE = "<!doctype html><html lang=en><title>t</title><h1>A page</h1><script>document.title='x'</script></html>"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, DEFAULT),
        ([], DEFAULT),
        ("html", {Format.HTML}),
        ("html,PDF", {Format.HTML, Format.PDF}),
        (["markdown", "json , pdf"], {Format.MARKDOWN, Format.JSON, Format.PDF}),
        (["html", "all"], set(Format)),
    ],
)
def test_formats_are_named_by_commas_or_words(given, expected):
    assert formats.parse(given) == frozenset(expected)


def test_another_format_is_one_sentence():
    with pytest.raises(BadInput, match=r"--format: 'docx' is none of html, markdown, json, pdf and all\."):
        formats.parse("html,docx")


@pytest.mark.needs("chromium")
@pytest.mark.parametrize("temporary", ["t", "t" * 80])
def test_a_page_is_printed_and_nothing_is_left(tmp_path, monkeypatch, temporary):
    place = tmp_path / temporary
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    monkeypatch.setenv("TMPDIR", str(place))
    page = tmp_path / "report.html"
    page.write_text(PAGE)
    assert pdf.print_page(page, tmp_path / "report.pdf") == ""
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF-")
    assert not list(place.iterdir())


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (None, r"no Chromium was found on PATH \(looked for chromium, .*\); print report.html from a browser"),
        ("exit 0", "chromium ended without one; print report.html from a browser"),
        ("echo 'no \033[2J display' >&2; exit 3", r"chromium failed \(no .*display\); print"),
        ("exec sleep 60", r"chromium did not finish within 0\.2 s"),
    ],
)
def test_without_a_browser_that_works_there_is_a_sentence(tmp_path, monkeypatch, script, why):
    browser(tmp_path, monkeypatch, script)
    said = pdf.print_page(
        tmp_path / "report.html", tmp_path / "report.pdf", seconds=0.2 if "sleep" in str(script) else 20
    )
    assert re.match(why, said), said
    assert "\x1b" not in said
    assert not Path(tmp_path / "report.pdf").exists()


def browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str | None) -> None:
    """Have a shell script be the only Chromium there is, or none."""
    (tmp_path / "bin").mkdir()
    if script is not None:
        program = tmp_path / "bin" / "chromium"
        program.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
