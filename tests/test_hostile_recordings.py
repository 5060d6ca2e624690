"""Recordings in which every text is an attack: each is refused in one sentence, or judged and shown harmlessly.

Whatever an origin, a name server, a log, a configuration or a function's result can say ends up in a recording. So
every text of real ones is replaced, and then goes through all that shows it.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import suppress
from html.parser import HTMLParser
from typing import Any

import mistune
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cfrunbook import evidence, lab
from cfrunbook.causes import edge_function
from cfrunbook.diagnosis import judge
from cfrunbook.errors import BadInput
from cfrunbook.evidence import Observations
from cfrunbook.findings import Diagnosis
from cfrunbook.incident import Incident
from cfrunbook.observation import observe_sync
from cfrunbook.report import redacted
from cfrunbook.report.formats import DEFAULT
from cfrunbook.runbook import GUIDES, open_runbook, pictures
from cfrunbook.views import html, markdown, notification, terminal

AT = dt.datetime(2026, 11, 22, 3, 12, 5, tzinfo=dt.UTC)
MARKUP = (
    '</style></title>--><script>alert(1)</script><img src=x onerror=alert(2)><a href="javascript:alert(3)">x</a>"\'>'
)
TERMINAL = "\x1b[2J\x1b]0;owned\x07\r\n\x9b31m\x00\x7f"
DIRECTION = "\u202egnp.exe\u2066\u200f\u2028\ue000"
TICKET = (
    "`~~~|![i](https://evil.example/p.png) [l](javascript:alert(4)) <b>@everyone #123 https://evil.example/ *b* _i_"
)
TEMPLATE = "{{7*7}}{% raw %}{code}{0.__class__}%(x)s$\\frac{1}{0}$"
ATTACKS = {
    "short": "<script>alert(1)</script>",  # goes where no space and no control character may be
    "template": TEMPLATE,
    "everything": MARKUP + TERMINAL + DIRECTION + TICKET,
}
LARGE = ATTACKS["everything"] + "A" * 1_000_000 + ATTACKS["everything"]
SCENARIOS = ("certificate-missing-intermediate", "dns-stale-server-denies", "lambda-edge-header-read-only-deleted")
OURS = frozenset({
    "html", "head", "meta", "title", "link", "style", "body", "main", "header", "footer", "section", "nav", "h1", "h2",
    "h3", "h4", "p", "b", "br", "span", "div", "ul", "ol", "li", "a", "dl", "dt", "dd", "pre", "code", "table",
    "thead", "tbody", "tr", "th", "td", "details", "summary", "figure", "figcaption", "svg", "g", "path", "use",
    "defs", "clippath", "rect",
})  # fmt: skip
"""Elements that our pages are made of: none runs or fetches anything."""

Path_ = tuple[str, ...]


# --- recordings ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def recordings() -> dict[str, Any]:
    """Recordings as documents, by the scenario that was looked at."""
    documents = {}
    for name in SCENARIOS:
        with lab.start(name) as running:
            incident = Incident.load(lab=running.file)
            seen = msgspec.structs.replace(observe_sync(incident), inputs=incident.inputs)
        documents[name] = json.loads(seen.to_json())
    return documents


def places(value: Any, path: Path_ = ()) -> Iterator[Path_]:
    """Yield the place of each text, the elements of a list taken together."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from places(item, (*path, name))
    elif isinstance(value, list):
        for item in value:
            yield from places(item, (*path, "*"))
    elif isinstance(value, str):
        yield path


def with_text(value: Any, put: Callable[[Path_], str | None], path: Path_ = ()) -> Any:
    """Return a document with other texts: where `put` gives None, the text stays."""
    if isinstance(value, dict):
        return {name: with_text(item, put, (*path, name)) for name, item in value.items()}
    if isinstance(value, list):
        return [with_text(item, put, (*path, "*")) for item in value]
    if not isinstance(value, str) or (text := put(path)) is None:
        return value
    return text


def load(document: Any) -> tuple[Incident, Observations]:
    """Load a recording. Raises BadInput, which must be one harmless sentence, and nothing else."""
    try:
        seen = evidence.from_json(json.dumps(document).encode())
        return Incident.load(evidence=seen), seen
    except BadInput as error:
        if not harmless(said := str(error)) or len(said) > 1000:
            raise AssertionError(said) from error
        raise


PARTS = {"inputs": lambda path: path[0] == "inputs", "observations": lambda path: path[0] != "inputs"}


def takes_any(document: Any, attack: str, part: Callable[[Path_], bool]) -> list[Path_]:
    """Return the places of a part at which the attack is taken, also together; elsewhere it is refused."""
    chosen: set[Path_] = set()
    for place in filter(part, sorted(set(places(document)))):
        tried = chosen | {place}
        with suppress(BadInput):
            load(with_text(document, lambda path, tried=tried: attack if path in tried else None))
            chosen = tried
    assert len(chosen) > 5
    return sorted(chosen)


def attacked(document: Any, attack: str, part: Callable[[Path_], bool]) -> Any:
    """Return the document with an attack in every text of a part that may hold it."""
    chosen = takes_any(document, attack, part)
    return with_text(document, lambda path: attack if path in chosen else None)


# --- what is shown ------------------------------------------------------------------------------------------------


def harmless(text: str, also: str = "") -> bool:
    """Whether nothing in a text moves a cursor, hides or reorders anything."""
    return not [
        c for c in text if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"} and c not in "\n" + also
    ]


class Reading(HTMLParser):
    """Reads a page and complains about whatever is not ours."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in OURS, tag
        for name, value in attrs:
            assert not name.startswith("on"), (tag, name)
            assert name not in ("src", "srcset", "formaction", "xlink:href", "ping", "action"), (tag, name)
            if name == "href":
                assert re.match(r"#|data:,$|https://(?!evil)|\d\d_\w+\.ipynb$", value or ""), value
            if name == "style":
                assert "url(" not in (value or ""), value

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_decl(self, decl: str) -> None:
        assert decl == "doctype html"

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(data)


def check_page(page: str) -> None:
    reading = Reading(convert_charrefs=True)
    reading.feed(page)
    reading.close()
    assert harmless(page, "\u200b")
    assert len(page) < 3_000_000


def check_markdown(text: str) -> None:
    assert harmless(text, "\u200b")
    waiting = list(mistune.create_markdown(renderer=None, plugins=["table", "url", "strikethrough"])(text))
    while waiting:
        node = waiting.pop()
        waiting += node.get("children", [])
        assert node["type"] != "image"
        if node["type"] in ("inline_html", "block_html"):
            assert node["raw"] == "<br>", node
        if node["type"] == "link":
            assert node["attrs"]["url"].startswith("https://"), node
            assert "evil.example" not in node["attrs"]["url"], node
        if node["type"] == "text":
            assert "@everyone" not in node["raw"]


def check_bundle(shown: Any) -> None:
    """Check what a cell shows in a notebook: text, page, figure."""
    if shown is None:
        return
    data = shown._repr_mimebundle_()
    data = data[0] if isinstance(data, tuple) else data
    assert harmless(data["text/plain"]), data["text/plain"]
    for kind, content in data.items():
        if kind in ("text/html", "image/svg+xml"):
            check_page(content)
        elif kind == "text/markdown":
            check_markdown(content)


def check_views(incident: Incident, seen: Observations) -> Diagnosis:
    """Judge, and show that in every way but the notebooks'."""
    diagnosis = judge(incident, seen)
    drawn = pictures.everything(incident, seen, diagnosis)
    page = html.report_page(
        diagnosis,
        seen,
        targets=incident.targets,
        figures=drawn,
        log_figures=pictures.of_logs(incident, seen, diagnosis),
        judged=edge_function.judged(seen.inputs.functions, seen.function_runs, origins=incident.known_origins),
        generated_at=AT,
    )
    check_page(page)
    check_markdown(markdown.summary(diagnosis, seen))
    assert harmless(terminal.render(diagnosis, color=False, width=80))
    told = json.loads(notification.of(diagnosis, seen, report="incident", problems=[MARKUP + TERMINAL]).to_json())
    texts = [told[n] for n in ("title", "sentence", "origin", "url", "distribution", "seen_from", "next_step", "lab")]
    texts += [*told["problems"], told["slack"]["text"], told["pagerduty"]["payload"]["summary"]]
    texts += [*told["pagerduty"]["payload"]["custom_details"].values(), told["servicenow"]["description"]]
    assert all(harmless(text, "\u200b") for text in texts), texts
    assert not {"<", ">"} & set(told["slack"]["text"])
    assert msgspec.json.decode(diagnosis.to_json(), type=Diagnosis).verdict == diagnosis.verdict
    return diagnosis


@pytest.mark.parametrize(
    ("attack", "part"),
    [("short", "inputs"), ("everything", "inputs"), ("everything", "observations"), ("template", "observations")],
)
def test_every_text_of_a_recording_may_be_hostile(recordings, attack, part):
    for document in recordings.values():
        check_views(*load(attacked(document, ATTACKS[attack], PARTS[part])))


@pytest.mark.parametrize("part", PARTS)
def test_runbooks_show_hostile_texts_as_text(recordings, part):
    for document in recordings.values():
        _, seen = load(attacked(document, ATTACKS["everything"], PARTS[part]))
        for name in GUIDES:
            runbook = open_runbook(name, evidence=seen)
            check_bundle(runbook)
            for shown in asyncio.run(runbook.run()):
                check_bundle(shown)


@pytest.mark.parametrize("part", PARTS)
def test_the_edition_to_share_shows_hostile_texts_as_text(recordings, tmp_path, part):
    for number, document in enumerate(recordings.values()):
        incident, seen = load(attacked(document, ATTACKS["everything"], PARTS[part]))
        folder = tmp_path / str(number)
        folder.mkdir()
        with suppress(BadInput):  # it is not written where it cannot be made; a report goes on without
            redacted.write(
                folder,
                incident=incident,
                observations=seen,
                diagnosis=judge(incident, seen),
                formats=DEFAULT,
                written_at=AT,
            )
            check_page((folder / "report.html").read_text(encoding="utf-8"))
            check_markdown((folder / "summary.md").read_text(encoding="utf-8"))


def test_a_text_of_a_megabyte_is_cut(recordings):
    document = recordings["certificate-missing-intermediate"]
    taken = takes_any(document, ATTACKS["everything"], lambda _: True)
    for first in range(8):
        some = taken[first::8]
        with suppress(BadInput):
            check_views(*load(with_text(document, lambda path, some=some: LARGE if path in some else None)))


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_text_anywhere(recordings, data):
    document = recordings[data.draw(st.sampled_from(SCENARIOS))]
    texts = st.text(max_size=60) | st.sampled_from(sorted(ATTACKS.values()))
    chosen = data.draw(st.dictionaries(st.sampled_from(sorted(set(places(document)))), texts, min_size=1, max_size=4))
    with suppress(BadInput, UnicodeEncodeError):
        check_views(*load(with_text(document, chosen.get)))
