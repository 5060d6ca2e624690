from __future__ import annotations

import datetime as dt
from html.parser import HTMLParser
from typing import Any

import msgspec
import pytest

from cfrunbook.evidence import Observations, SecondOpinion
from cfrunbook.findings import Diagnosis, Verdict
from cfrunbook.views import figures, html, outline, page_parts, style, tables
from cfrunbook.views.outline import Anchor, anchors

VOID = {"meta", "link", "br"}
TAGS = VOID | {
    "html",
    "head",
    "title",
    "style",
    "body",
    "main",
    "header",
    "h1",
    "h2",
    "h3",
    "h4",
    "p",
    "b",
    "span",
    "div",
    "section",
    "nav",
    "ul",
    "ol",
    "li",
    "a",
    "dl",
    "dt",
    "dd",
    "pre",
    "code",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "details",
    "summary",
    "figure",
    "figcaption",
    "footer",
    "svg",
    "g",
    "path",
    "use",
    "defs",
    "clippath",
    "rect",
}
ATTRIBUTES = {
    "charset", "http-equiv", "content", "name", "rel", "href", "lang", "class", "id", "title", "aria-hidden",
    "aria-label", "role", "tabindex", "scope", "colspan", "data-label", "open", "style",
}  # fmt: skip
SVG_ATTRIBUTES = {
    "xmlns", "viewbox", "d", "transform", "x", "y", "width", "height", "clip-path", "href", "id", "style", "role",
    "aria-label",
}  # fmt: skip


class Outline(HTMLParser):
    """Every element and attribute of a page; complains about tags that do not match."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self.stack: list[str] = []
        self.comments: list[str] = []
        self.feed(page)
        self.close()
        assert not self.stack

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        assert len({name for name, _ in attrs}) == len(attrs), f"{tag}: an attribute twice"
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.stack
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.stack or self.stack[-1] != "style":
            self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def values(self, attribute: str) -> list[str]:
        return [attrs[attribute] for _, attrs in self.elements if attribute in attrs]


@pytest.fixture(scope="module")
def pages(samples: dict[str, Any], at: dt.datetime) -> dict[str, str]:
    return {
        name: html.report_page(
            sample.diagnosis,
            sample.observations,
            targets=sample.targets,
            figures=[figures.stage_path(sample.diagnosis)],
            notebooks=[html.NotebookLink("03 certificate", "notebooks/03_certificate.html", "fault")],
            failed=[html.FailedNotebook("05 dns", "DeadKernelError: the kernel died\n  in cell 3")],
            generated_at=at,
        )
        for name, sample in samples.items()
    }


@pytest.mark.parametrize("name", ["fault", "unknown", "ok", "hostile"])
def test_page_has_only_elements_and_attributes_of_ours(pages: dict[str, str], name: str) -> None:
    outline = Outline(pages[name])

    assert {tag for tag, _ in outline.elements} <= TAGS
    inside = False
    for tag, attributes in outline.elements:
        inside = inside or tag == "svg"
        allowed = SVG_ATTRIBUTES if tag in {"svg", "g", "path", "use", "defs", "clippath", "rect"} else ATTRIBUTES
        assert set(attributes) <= allowed, tag
    assert outline.comments == []
    assert "<script" not in pages[name].lower()


@pytest.mark.parametrize("name", ["fault", "unknown", "ok", "hostile"])
def test_page_fetches_nothing_and_links_only_where_it_should(pages: dict[str, str], name: str) -> None:
    outline = Outline(pages[name])

    for tag, attributes in outline.elements:
        href = attributes.get("href", "")
        if tag == "link":
            assert href == "data:,"
        elif tag == "a":
            assert href.startswith(("#", "notebooks/", "https://docs.aws.amazon.com/")), href
        else:
            assert href == "" or (tag == "use" and href.startswith("#"))
        assert "src" not in attributes
    assert "url(" not in style.page_css()
    assert "@import" not in style.page_css()


@pytest.mark.parametrize("name", ["fault", "unknown", "ok", "hostile"])
def test_ids_are_unique_and_every_anchor_leads_somewhere(pages: dict[str, str], name: str) -> None:
    outline = Outline(pages[name])
    ids = outline.values("id")

    assert len(set(ids)) == len(ids)
    assert {h[1:] for h in outline.values("href") if h.startswith("#")} <= set(ids)


def test_hostile_strings_are_bounded_and_have_no_invisible_characters(pages: dict[str, str]) -> None:
    page = pages["hostile"]

    assert len(page) < 600_000
    assert not [c for c in page if c in "\x00\x1b\x07\u202e\u2066" or 0xD800 <= ord(c) < 0xE000]
    assert "49" not in Outline(page).text.split("{{7*7}}")[0][-3:]
    assert "{{7*7}}" in Outline(page).text
    page.encode("utf-8")


def test_page_answers_in_order(pages: dict[str, str]) -> None:
    text = Outline(pages["fault"]).text
    wanted = [
        "leaves out the intermediate certificate Example R11",
        "CloudFront answers 502",
        "Certificate: Only the leaf was sent",
        "What to do",
        "Any one of these:",
        "ssl_certificate /etc/nginx/tls/fullchain.pem;",
        "Verify the fix",
        "Causes, one by one",
        "handshake-1: one certificate, its issuer was not sent",
        "certificate.missing_intermediate",
        "#finding-certificate.missing_intermediate--shop-origin-443",
        "Not examined",
        "no function result was given",
        "What was examined",
        "Seen from bastion-eu-1",
        "https://origin.shop.example.com:443",
        "Figures",
        "Every command",
        "openssl s_client -connect 203.0.113.10:443",
        "Raw evidence",
        "ECDHE-RSA-AES128-GCM-SHA256",
        "CN=Example R11",
        "05 dns did not finish",
        "DeadKernelError: the kernel died",
        "03 certificate",
        "https://www.shop.example.com/cart",
        "cryptography 46.0.3",
    ]
    position = 0
    for words in wanted:
        found = text.find(words, position)
        assert found >= 0, words
        position = found


def test_findings_have_stable_anchors_and_the_root_cause_is_open(pages: dict[str, str]) -> None:
    page = Outline(pages["fault"])
    details = [a for tag, a in page.elements if tag == "details" and a.get("id", "").startswith("finding-")]
    assert [a["id"] for a in details][:2] == [
        "finding-certificate.missing_intermediate--shop-origin-443",
        "finding-certificate.expires_soon--shop-origin-443",
    ]
    assert ["open" in a for a in details] == [True] + [False] * 4
    assert {"finding-certificate.missing_intermediate", "finding-certificate.expires_soon"} <= set(page.values("id"))


def test_the_anchor_of_a_finding_does_not_depend_on_the_others(samples: dict[str, Any]) -> None:
    first, second = samples["fault"].diagnosis.findings[:2]
    elsewhere = msgspec.structs.replace(first, target="api:8443")
    code = f"finding-{first.code}"
    assert anchors([first, second, elsewhere])[2] == Anchor(f"{code}--api-8443")
    assert anchors([elsewhere, first])[0] == Anchor(f"{code}--api-8443", code)
    assert anchors([elsewhere, first])[1].own == anchors([first])[0].own
    alike = anchors([first, first, first])
    assert [a.own.removeprefix(alike[0].own) for a in alike] == ["", "-2", "-3"]
    assert [a.shared for a in alike] == [code, "", ""]
    assert anchors([msgspec.structs.replace(first, target="")]) == (Anchor(code),)


def test_each_cause_has_its_section_and_the_root_cause_comes_first(samples: dict[str, Any]) -> None:
    diagnosis = samples["fault"].diagnosis
    shown = page_parts.causes(diagnosis)
    assert shown[0].cause is diagnosis.verdict.cause
    assert {s.cause for s in shown} == {r.cause for r in diagnosis.causes} | {f.cause for f in diagnosis.findings}
    assert [p.finding for s in shown for p in s.findings if p.opened] == [outline.root(diagnosis)]
    assert sum(len(s.findings) for s in shown) == len(diagnosis.findings)
    sides = dict(shown[0].evidence)
    assert list(sides) == ["For", "Against", "Missing"]


def test_every_command_is_there_once_by_its_purpose(samples: dict[str, Any]) -> None:
    groups = page_parts.commands(samples["fault"].diagnosis)
    assert [g.title for g in groups] == ["See it yourself", "What to do", "Verify the fix"]
    all_of_them = [command for g in groups for _, command in g.commands]
    assert len(set(all_of_them)) == len(all_of_them)


def test_a_lab_says_so(pages: dict[str, str]) -> None:
    assert "LAB SCENARIO healthy" in Outline(pages["ok"]).text
    assert "LAB SCENARIO" not in pages["fault"]


def test_evidence_leads_to_its_observation(pages: dict[str, str]) -> None:
    outline = Outline(pages["fault"])
    assert "#obs-handshake-1" in outline.values("href")
    assert "obs-handshake-1" in outline.values("id")


def test_policy_forbids_everything_but_inline_style(pages: dict[str, str]) -> None:
    policy = next(a["content"] for _, a in Outline(pages["ok"]).elements if "http-equiv" in a)
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:;")


def test_the_least_there_can_be(at: dt.datetime) -> None:
    nothing = Diagnosis(
        verdict=Verdict(status="unknown", sentence="Nothing was given."),
        stages=(),
        causes=(),
        findings=(),
        not_examined=(),
    )
    text = Outline(html.report_page(nothing, generated_at=at)).text

    assert "Nothing was given." in text
    assert "No findings." in text
    assert "Judged from what was given; nothing was probed." in text
    assert html.diagnosis(nothing).html
    assert html.observations(Observations(recorded_at=at)).text == "Nothing was observed."
    assert "no origin could be worked out" in html.targets(()).html


def test_fragments_carry_their_style_and_a_text_form(sample: Any) -> None:
    shown = [
        html.diagnosis(sample.diagnosis),
        html.verdict(sample.diagnosis),
        html.path(sample.diagnosis),
        html.path(sample.diagnosis.stages),
        html.findings(sample.diagnosis.findings),
        *(html.finding(f) for f in sample.diagnosis.findings),
        html.causes(sample.diagnosis),
        html.not_examined(sample.diagnosis.not_examined),
        html.observations(sample.observations),
        html.targets(sample.targets),
    ]
    for fragment in shown:
        outline = Outline(fragment.html)
        assert outline.elements[0] == ("div", {"class": "cfr"})
        assert [tag for tag, _ in outline.elements].count("style") == 1
        assert {tag for tag, _ in outline.elements} <= TAGS
        assert fragment.text
        assert fragment._repr_mimebundle_() == ({"text/plain": fragment.text, "text/html": fragment.html}, {})
    assert len(style.fragment_css()) < 12_000


def test_a_path_may_come_from_one_target(samples: dict[str, Any]) -> None:
    diagnosis = samples["fault"].diagnosis
    assert html.path(diagnosis.paths[1]).text == html.path(diagnosis).text


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://docs.aws.amazon.com/x.html#y", True),
        ("https://www.rfc-editor.org/rfc/rfc5280", True),
        ("http://docs.aws.amazon.com/", False),
        ("javascript:alert(1)", False),
        ("//evil.example/", False),
        ("https://", False),
        ("https://[::1", False),
        ("https://a\u202eb.example/", False),
        ("https://x.example/" + "a" * 600, False),
        ("", False),
    ],
)
def test_linkable(url: str, allowed: bool) -> None:
    assert html.linkable(url) is allowed


@pytest.mark.parametrize(
    ("href", "wanted"),
    [
        ("notebooks/03_certificate.html", "notebooks/03_certificate.html"),
        ("a b.html", "a%20b.html"),
        ("javascript:alert(1)", "javascript%3Aalert%281%29"),
        ("//evil.example/x", "evil.example/x"),
        ("\\\\evil\\x", "evil%5Cx"),
        ('x"onclick="', "x%22onclick%3D%22"),
    ],
)
def test_relative(href: str, wanted: str) -> None:
    assert html.relative(href) == wanted


def test_source_title() -> None:
    title = html.source_title("https://docs.aws.amazon.com/AmazonCloudFront/latest/x/http-502-bad-gateway.html#dns")
    assert title == "docs.aws.amazon.com › http-502-bad-gateway › dns"


def test_a_second_opinion_has_a_table_of_its_own() -> None:
    def row(**more: object) -> tuple[str, ...]:
        asked = {"id": "second-opinion-1", "host": "a.example", "port": 443, "address": "192.0.2.1", "sni": "a.example"}
        opinion = SecondOpinion(**asked | {"policy": "P", "connected": False, "elapsed_ms": 61.0} | more)  # type: ignore[arg-type]
        seen = Observations(recorded_at=dt.datetime(2026, 11, 22, tzinfo=dt.UTC), second_opinions=(opinion,))
        assert tables.second_opinions(seen) in tables.observations(seen)
        return tables.second_opinions(seen).rows[0]

    where = ("second-opinion-1", "a.example:443 at 192.0.2.1", "a.example", "P")
    refused = row(error="ALERT", detail="TLS alert received", alert=40)
    assert refused == (*where, "ALERT: handshake_failure (40), TLS alert received", "", "61 ms")
    assert row(error="CERT_EXPIRED")[4] == "CERT_EXPIRED"
    connected = row(connected=True, version=0x0304, cipher="TLS_AES_128_GCM_SHA256", group="secp256r1")
    assert connected[4:6] == ("connected", "TLS 1.3, TLS_AES_128_GCM_SHA256, secp256r1")


def test_tables_name_what_was_negotiated_and_count_what_is_left_out(samples: dict[str, Any]) -> None:
    seen = samples["fault"].observations
    hello = tables.handshakes(seen).rows[0]
    assert hello[5] == "TLS 1.2, ECDHE-RSA-AES128-GCM-SHA256, X25519"

    many = msgspec.structs.replace(seen, handshakes=seen.handshakes * 300)
    table = tables.handshakes(many)
    assert (len(table.rows), table.left_out) == (400, 200)
    assert "and 200 more" in html.table(table).html
    assert len(tables.certificates(many).rows) == 1

    strange = tables.handshakes(samples["hostile"].observations).rows[0]
    assert "unassigned (254)" in strange[4]
    assert "0x9999" in strange[5]
    refused = tables.connections(samples["unknown"].observations).rows[0]
    assert refused[1] == "api.example.net:8443 at 198.51.100.7 (relocated to 127.0.0.1:40001)"
    assert refused[3].startswith("ICMP type 3 code 13 from 192.0.2.1")


@pytest.mark.parametrize(
    ("sentence", "parts"),
    [
        ("It expired. CloudFront answers 502.", ("It expired. CloudFront answers 502.", "")),
        (
            "It expired. CloudFront answers 502. CloudFront says so too: 1 of 2.",
            ("It expired. CloudFront answers 502.", "CloudFront says so too: 1 of 2."),
        ),
        (
            "They disagree. CloudFront answers 502 to those. The logs fit.",
            ("They disagree. CloudFront answers 502 to those.", "The logs fit."),
        ),
        ("This is a 504, not a 502: silent.", ("This is a 504, not a 502: silent.", "")),
    ],
)
def test_what_else_speaks_for_a_verdict_stands_below_it(sentence: str, parts: tuple[str, str]) -> None:
    assert outline.sentence_parts(sentence) == parts
