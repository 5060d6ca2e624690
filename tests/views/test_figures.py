from __future__ import annotations

import datetime as dt
import os
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest

from cfrunbook.findings import STAGES, Path, StageResult
from cfrunbook.views import drawing, figures
from cfrunbook.x509 import certificate, path
from cfrunbook.x509.roots import from_der

SVG = "{http://www.w3.org/2000/svg}"


def check(picture: figures.Picture) -> figures.Picture:
    """A well-formed drawing without script, text to be laid out, reference to elsewhere or comment."""
    root = ElementTree.fromstring(picture.svg)
    assert {e.tag.removeprefix(SVG) for e in root.iter()} <= {"svg", "g", "path", "use", "defs", "clipPath", "rect"}
    ids = {e.attrib["id"] for e in root.iter() if "id" in e.attrib}
    for element in root.iter():
        href = element.attrib.get("href")
        assert href is None or href.removeprefix("#") in ids
        assert not [name for name in element.attrib if name.startswith("on")]
    assert "<!--" not in picture.svg
    assert "://" not in picture.svg.replace("http://www.w3.org/2000/svg", "").replace(picture.alt, "").replace(
        root.attrib["aria-label"], ""
    )
    assert picture.alt
    assert picture.title
    data, _ = picture._repr_mimebundle_()
    assert data["text/html"].startswith('<figure class="cfr cfr-figure"><style>')
    assert picture.alt in data["text/plain"]
    return picture


def test_stage_path(sample: Any) -> None:
    picture = check(figures.stage_path(sample.diagnosis))
    assert figures.stage_path(sample.diagnosis) == picture


def test_stage_path_of_one_target_and_of_many(samples: dict[str, Any]) -> None:
    stages = samples["fault"].diagnosis.stages
    one = Path(target="a:443", title="", stages=stages)
    assert check(figures.stage_path(one)).alt.startswith("a:443: Distribution ok,")
    many = tuple(
        Path(target=str(i), title="", stages=(StageResult(stage=STAGES[0], status="ok", sentence=""),))
        for i in range(20)
    )
    import msgspec

    check(figures.stage_path(msgspec.structs.replace(samples["fault"].diagnosis, paths=many)))
    check(figures.stage_path(msgspec.structs.replace(samples["fault"].diagnosis, paths=(), stages=())))


def test_the_same_in_another_process(samples: dict[str, Any]) -> None:
    code = (
        "from cfrunbook.findings import *; from cfrunbook.views import figures;"
        "p = Path(target='a:443', title='a $x$', stages=tuple("
        "StageResult(stage=s, status='fault' if s == 'dns' else 'ok', sentence='') for s in STAGES));"
        "print(figures.stage_path(p).svg)"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1]
    stages = tuple(StageResult(stage=s, status="fault" if s == "dns" else "ok", sentence="") for s in STAGES)
    assert runs[0] == figures.stage_path(Path(target="a:443", title="a $x$", stages=stages)).svg + "\n"


def test_colours_follow_the_page(samples: dict[str, Any]) -> None:
    svg = figures.stage_path(samples["fault"].diagnosis).svg
    assert "var(--cfr-fault,#b42a17)" in svg
    assert re.search(r"(?<!,)#[0-9a-f]{6}", svg.replace("#000000", "")) is None


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("a$b_c^{d}$", "a$b_c^{d}$"),
        ("例え.テスト", "\\u4f8b\\u3048.\\u30c6\\u30b9\\u30c8"),
        ("\x1b[2J\u202ex", "\\x1b[2J\\u202ex"),
        ("ünï → ✓", "ünï → ✓"),
        ("𠀀", "\\U00020000"),
    ],
)
def test_drawable(value: str, wanted: str) -> None:
    assert drawing.drawable(value) == wanted


def test_fit_cuts_to_the_width() -> None:
    assert drawing.fit("short", 200, 11) == "short"
    cut = drawing.fit("W" * 300, 100, 11)
    assert cut.endswith("…")
    assert drawing.text_width(cut, 11) <= 100
    assert drawing.fit("W", 0, 11) == "…"


Maker = Callable[..., Any]


@pytest.fixture
def draw_chain(chain: Any, at: dt.datetime) -> Callable[..., figures.Picture]:
    def draw(*sent: Any, root: Any = chain.root) -> figures.Picture:
        roots = from_der([root.der], name="test")
        ders = [item if isinstance(item, bytes) else item.der for item in sent]
        return check(figures.chain(path.analyze(ders, roots=roots, at=at)))

    return draw


class TestChain:
    def test_good(self, draw_chain: Any, chain: Any) -> None:
        alt = draw_chain(chain.leaf, chain.intermediate).alt
        assert alt.endswith("The path leads to a trusted root.")
        assert "root, trusted: need not be sent" in alt

    def test_missing_intermediate(self, draw_chain: Any, chain: Any) -> None:
        picture = draw_chain(chain.leaf)
        assert "CN=Example R11 (intermediate: MISSING, was not sent)" in picture.alt
        assert "The path breaks off" in picture.alt
        assert "stroke-dasharray" in picture.svg

    def test_wrong_order_with_root_and_strangers(self, draw_chain: Any, chain: Any, certificate_maker: Maker) -> None:
        stranger = certificate_maker("stranger.example.com")
        alt = draw_chain(chain.leaf, chain.root, chain.intermediate, stranger, chain.leaf).alt
        assert "1 CN=Example Root X1 (out of order: belongs in place 2)" in alt
        assert "2 CN=Example R11 (out of order: belongs in place 1)" in alt
        assert "3 CN=stranger.example.com (does not belong to this chain)" in alt
        assert "4 CN=origin.shop.example.com (the same as 0, sent again)" in alt
        assert alt.endswith("but the certificates were not sent in its order.")

    def test_untrusted_root(self, draw_chain: Any, chain: Any, certificate_maker: Maker) -> None:
        other = certificate_maker("Other Root", ca=True)
        alt = draw_chain(chain.leaf, chain.intermediate, chain.root, root=other).alt
        assert alt.count("root: not in the trust store") == 2

    def test_self_signed(self, draw_chain: Any, certificate_maker: Maker) -> None:
        alt = draw_chain(certificate_maker("alone.example.com")).alt
        assert "server certificate, signed by itself" in alt

    def test_expired(self, draw_chain: Any, chain: Any, certificate_maker: Maker, at: dt.datetime) -> None:
        old = certificate_maker("old.example.com", chain.intermediate, not_after=at - dt.timedelta(days=1))
        alt = draw_chain(old, chain.intermediate).alt
        assert "0 CN=old.example.com (expired)" in alt
        assert alt.endswith("a certificate on it is not fit for its place.")

    def test_another_key_with_the_issuers_name(self, draw_chain: Any, chain: Any, certificate_maker: Maker) -> None:
        namesake = certificate_maker("Example R11", chain.root, ca=True)
        assert "1 CN=Example R11 (right name, wrong key)" in draw_chain(chain.leaf, namesake).alt

    def test_nothing_junk_and_too_many(self, draw_chain: Any, chain: Any) -> None:
        assert draw_chain().alt.startswith("As sent: nothing.")
        assert "cannot be read" in draw_chain(b"junk", b"").alt
        assert draw_chain(*([chain.leaf] * 100)).alt.count("sent again") == 9


class TestValidity:
    def test_states(self, chain: Any, certificate_maker: Maker, at: dt.datetime) -> None:
        day = dt.timedelta(days=1)
        spans = {
            "expired.test": (at - 90 * day, at - 3 * day),
            "soon.test": (at - 90 * day, at + 5 * day),
            "future.test": (at + 6 * day, at + 90 * day),
            "hours.test": (at - 90 * day, at + dt.timedelta(hours=5)),
        }
        made = [certificate_maker(n, chain.root, not_before=b, not_after=e) for n, (b, e) in spans.items()]
        facts = [certificate.read(c.der) for c in (*made, chain.root)]
        alt = check(figures.validity_timeline(facts, at)).alt
        assert "CN=expired.test: 2026-08-24 to 2026-11-19, expired 3 days ago." in alt
        assert "CN=soon.test: 2026-08-24 to 2026-11-27, 5 days left." in alt
        assert "not valid for another 6 days." in alt
        assert "5 hours left" in alt
        assert "11 years left" in alt

    def test_absurd_dates(self, certificate_maker: Maker, at: dt.datetime) -> None:
        first = dt.datetime(1950, 1, 1, tzinfo=dt.UTC)
        last = dt.datetime(9999, 12, 31, 23, 59, 59, tzinfo=dt.UTC)
        made = certificate_maker("old.test", not_before=first, not_after=last)
        facts = certificate.read(made.der)
        for moment in (at, first, last, dt.datetime.min.replace(tzinfo=dt.UTC), dt.datetime.max.replace(tzinfo=dt.UTC)):
            check(figures.validity_timeline([facts], moment))

    def test_none(self, at: dt.datetime) -> None:
        assert check(figures.validity_timeline([], at)).alt == "No certificate whose validity could be read."
        check(figures.validity_timeline([certificate.read(b"junk")], at))

    def test_more_than_fit(self, chain: Any, at: dt.datetime) -> None:
        assert check(figures.validity_timeline([certificate.read(chain.leaf.der)] * 30, at)).alt.count("left") == 10
