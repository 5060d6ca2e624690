"""Whatever people have is told by its content, becomes the right input, and nothing that they give does any harm."""

from __future__ import annotations

import contextlib
import gzip
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cfrunbook import recognizing
from cfrunbook.diagnosis import judge
from cfrunbook.errors import BadInput
from cfrunbook.evidence import GivenKind, Observations
from cfrunbook.incident import Incident
from cfrunbook.observation import observe_sync
from cfrunbook.recognizing import recognize, sources
from cfrunbook.text import visible
from tests.captures import REQUEST_ID, curl
from tests.recognizing import samples
from tests.recognizing.samples import ALARM, ARN, ID, LOG, OTHER_ID, PAGER, TICKET, URL, WHOLE, distribution

MISLEADING = "evidence.json.har.log.gz"
"""What a file is called counts for nothing."""


def kinds(found: recognizing.Recognition) -> list[str]:
    return [str(item.kind) for item in found.items]


def inputs(*items: object) -> dict[str, object]:
    return recognize(list(items)).inputs  # type: ignore[arg-type]


@pytest.mark.parametrize("sample", WHOLE)
def test_a_file_is_told_by_its_content_whatever_it_is_called(sample: str, tmp_path: Path):
    content, kind, name = WHOLE[sample]
    path = tmp_path / MISLEADING
    path.write_bytes(content)
    found = recognize([path])
    first = found.items[0]
    assert (first.kind, found.conflicts) == (kind, ())
    lone = sample in ("firewall: ipset", "firewall: prefix_lists", "firewall: prefix_list_entries")
    assert first.input == ("" if lone else name)
    assert first.input or first.notes or kind in ("other", "unknown", "alarm"), "what is not used says why"
    uploaded = recognize([("upload.bin", content)])
    needs_a_file = kind in ("function_code", "root_hints")
    assert needs_a_file or uploaded.items[0].kind == kind
    if kind not in ("unknown", "root_hints"):
        pasted = recognize([content.decode("utf-8", "replace")])
        assert sample in ("UTF-16", "picture", "packed page", "standard log, packed") or pasted.items[0].kind == kind


def test_every_kind_has_a_sample():
    elsewhere = {
        "distribution_id",
        "url",
        "name",
        "request_id",
        "pop",
        "time",
        "address",
        "evidence",
        "lab",
        "relocation",
    }
    assert {kind for _, kind, _ in WHOLE.values()} | elsewhere == {str(kind) for kind in GivenKind}


@pytest.mark.parametrize(
    ("word", "kind", "name", "value"),
    [
        (URL, "url", "url", URL),
        ("http://www.example.com:8080/a?b=c#d", "url", "url", "http://www.example.com:8080/a?b=c#d"),
        ("www.example.com/cart", "url", "url", "https://www.example.com/cart"),
        ("d111111abcdef8.cloudfront.net", "url", "url", "https://d111111abcdef8.cloudfront.net"),
        (ID, "distribution_id", "distribution", ID),
        (ARN, "distribution_id", "distribution", ID),
        ("arn:aws:lambda:us-east-1:123456789012:function:f", "other", "", None),
        ("shop.example.com", "name", "origin", "shop.example.com"),
        ("Shop.Example.com:8443", "name", "origin", "shop.example.com:8443"),
        ("shöp.example", "name", "origin", "xn--shp-tna.example"),
        (REQUEST_ID, "request_id", "", None),
        ("FRA56-P1", "pop", "", None),
        ("2026-11-22T18:03:00Z", "time", "at", "2026-11-22T18:03:00Z"),
        ("192.0.2.7", "address", "", None),
        ("2001:db8::7", "address", "", None),
        ("www.example.com:443:127.0.0.1:8443", "relocation", "connect_to", ["www.example.com:443:127.0.0.1:8443"]),
        (f"curl -sSi '{URL}?token=hunter2'", "url", "url", f"{URL}?token=hunter2"),
        ("x-cache: Error from cloudfront", "response", "response", None),
        ("dist.json", "unknown", "", None),
        ("./nothing/here", "unknown", "", None),
        ("hello", "unknown", "", None),
        ("", "unknown", "", None),
        ("502", "unknown", "", None),
        ("\x00", "unknown", "", None),
    ],
)  # fmt: skip
def test_a_word_is_told_by_its_form(word: str, kind: str, name: str, value: object):
    found = recognize([word])
    assert (found.items[0].kind, found.items[0].input) == (kind, name)
    if value is not None:
        assert found.inputs == {name: value}
    assert "hunter2" not in repr(found.items)


def test_a_file_of_that_name_comes_before_an_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ID).write_bytes(WHOLE["get-distribution"][0])
    assert kinds(recognize([ID])) == ["distribution"]


# --- several things in one --------------------------------------------------------------------------------------


def test_a_pagers_message_is_taken_apart():
    found = recognize([PAGER])
    assert {item.kind: item.value for item in found.items} == {
        "url": f"{URL}?session=[redacted]",
        "distribution_id": ID,
        "request_id": REQUEST_ID,
        "pop": "FRA56-P1",
        "time": "2026-11-22T18:03:00Z",
    }
    assert found.inputs == {"url": f"{URL}?session=hunter2", "distribution": ID}, "links to consoles are left alone"
    assert "hunter2" not in repr(found.items) + repr(found.parameters)


def test_a_ticket_with_a_transcript_gives_the_response_and_what_stands_around_it():
    found = recognize([TICKET])
    assert found.items[0].kind == "response"
    assert found.inputs.keys() == {"response", "distribution", "url"}
    assert (found.inputs["url"], found.inputs["distribution"]) == (URL, ID)
    assert found.inputs["response"][0].status == 502


@pytest.mark.parametrize(
    "alarm", ["alarm", "alarm by SNS", "alarm by a pager", "alarm by EventBridge", "describe-alarms"]
)
def test_an_alarm_says_which_distribution_and_when(alarm: str):
    found = recognize([WHOLE[alarm][0]])
    assert found.inputs == {"distribution": ID, "at": "2026-11-22T18:03:11Z"}
    assert "'shop 502s' about 502ErrorRate" in found.items[0].what


def test_an_alarm_of_something_else_says_so():
    found = recognize(
        [json.dumps({**ALARM, "Trigger": {"MetricName": "HTTPCode_ELB_502_Count", "Namespace": "AWS/ApplicationELB"}})]
    )
    assert "not about CloudFront" in " ".join(found.items[0].notes)
    assert "distribution" not in found.inputs


@pytest.mark.parametrize(
    "text",
    [
        f"ETag: {OTHER_ID} was returned",
        "ECONNREFUSED and EXCEPTION and ERROR502",
        "origin-access-identity/cloudfront/E127EXAMPLE51Z",
    ],
)
def test_what_only_looks_like_an_id_is_none(text: str):
    assert "distribution" not in inputs(text)


def test_words_on_lines_are_each_told():
    assert inputs(f"{ID}\n{URL}\n2026-11-22T18:00:00Z\n") == {
        "distribution": ID, "url": URL, "at": "2026-11-22T18:00:00Z",
    }  # fmt: skip


# --- the choice --------------------------------------------------------------------------------------------------


def files(folder: Path, **contents: bytes) -> Path:
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return folder


def test_a_folder_is_looked_at_file_by_file(tmp_path: Path):
    files(
        tmp_path,
        a=WHOLE["get-distribution"][0],
        b=WHOLE["cache policy"][0],
        c=PAGER.encode(),
        d=WHOLE["firewall: iptables"][0],
        e=LOG,
        f=curl().encode(),
    )
    (tmp_path / "x.ipynb").write_bytes(WHOLE["Jupyter notebook"][0])
    (tmp_path / ".hidden").write_bytes(LOG)
    found = recognize([str(tmp_path)])
    assert found.inputs.keys() == {"distribution", "policies", "url", "firewall", "logs", "response"}
    assert found.inputs["distribution"] == tmp_path / "a", "a file says more than the id in a message"
    assert found.inputs["logs"] == [tmp_path / "e"]
    assert not [item for item in found.items if "ipynb" in item.given or "hidden" in item.given]


def test_a_folder_of_logs_is_one_thing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for number in range(30):
        (tmp_path / f"E.2026-11-22-{number:02}.gz").write_bytes(gzip.compress(LOG))
    found = recognize([tmp_path])
    assert (len(found.items), found.inputs) == (1, {"logs": [tmp_path]})
    assert "30 access logs" in found.items[0].what
    monkeypatch.setattr(sources, "MAX_FILES", 20)
    assert recognize([tmp_path]).inputs == {"logs": [tmp_path]}
    (tmp_path / "A").write_bytes(b"hello")
    assert "name those that matter" in recognize([tmp_path]).items[0].notes[0]


def test_a_name_is_the_viewers_where_the_distribution_says_so(tmp_path: Path):
    document = WHOLE["get-distribution"][0]
    assert inputs(document, "www.example.com")["url"] == "https://www.example.com/"
    assert inputs(document, "shop.example.com")["origin"] == "shop.example.com"
    assert "not for one that viewers ask for" in recognize(["www.example.com"]).items[0].notes[0]


def test_of_two_distributions_the_url_decides_or_it_is_said():
    one, two = json.dumps(distribution()), json.dumps(distribution(OTHER_ID, "www.example.org"))
    assert "There are 2 distributions" in recognize([one, two]).conflicts[0]
    found = recognize([one, two, "https://www.example.org/"])
    assert (found.conflicts, found.inputs["distribution"]) == ((), two.encode())
    with pytest.raises(BadInput, match=r"^Anything: There are 2 distributions .*: say which one"):
        Incident.load(anything=[one, two])
    assert Incident.load(anything=[one, two], distribution=json.loads(one)).distribution.id == ID  # type: ignore[union-attr]
    assert not recognize([one, ID]).conflicts, "an id beside its own configuration is the same"


def test_a_recording_in_a_folder_does_not_keep_one_from_looking(tmp_path: Path):
    lone = observe_sync(Incident.load(anything=[URL]))
    files(tmp_path, r=lone.to_json(), d=WHOLE["get-distribution"][0])
    found = recognize([tmp_path])
    assert "evidence" not in found.inputs
    assert "to judge it instead, name it" in " ".join(next(i for i in found.items if i.kind == "evidence").notes)
    assert recognize([tmp_path / "r", tmp_path / "d"]).inputs["evidence"] == tmp_path / "r"
    assert recognize([tmp_path / "r"]).items[0].notes == ("It is judged, and nothing is probed.",)
    assert isinstance(recognize([("r", lone.to_json())]).inputs["evidence"], Observations)


def test_what_was_given_by_name_wins_and_lists_add_up():
    policy = samples.POLICY
    incident = Incident.load(
        anything=[json.dumps(distribution()), f"{URL}/other", json.dumps(samples.VPC_ORIGIN)],
        url="https://www.example.com/named",
        policies=[policy],
    )
    assert incident.inputs.url == "https://www.example.com/named"
    assert len(incident.inputs.policies) == 2
    left_out = next(item for item in incident.inputs.recognized if item.kind == "url")
    assert (left_out.input, left_out.notes[0]) == ("", "It is left out: --url was given.")
    facts = {fact.value: fact.why for fact in incident.describe() if fact.label == "Given"}
    assert len(facts) == 3


def test_code_is_not_run_because_it_was_given(tmp_path: Path):
    code = tmp_path / "index.js"
    code.write_text(samples.JAVASCRIPT)
    incident = Incident.load(anything=[code])
    assert (incident.handler, incident.inputs.recognized[0].input) == (None, "")
    event = json.dumps(samples.FUNCTION_EVENT)
    assert Incident.load(anything=[code, event], run_handler=True).handler is not None


def test_a_result_takes_its_kind_from_the_event_beside_it():
    result, event = {"method": "GET", "uri": "/", "headers": {}}, json.dumps(samples.FUNCTION_EVENT)
    alone = recognize([json.dumps(result)])
    assert (alone.items[0].input, alone.inputs) == ("", {})
    assert "--function-kind" in alone.items[0].notes[0]
    incident = Incident.load(anything=[json.dumps(result), event])
    assert incident.inputs.functions[0].kind == "cloudfront-function"


def test_logs_that_were_pasted_are_counted():
    incident = Incident.load(anything=[LOG.decode()])
    assert incident.inputs.logs is not None
    assert incident.inputs.logs.errors == 2


def test_what_was_recognised_travels_with_the_recording():
    incident = Incident.load(anything=[PAGER, "192.0.2.1"], distribution=distribution())
    kept = incident.inputs.recognized
    recorded = observe_sync(Incident.load(anything=[REQUEST_ID]))
    again = Incident.load(evidence=recorded)
    assert again.inputs.recognized[0].value == REQUEST_ID
    assert [item.kind for item in kept][:2] == ["url", "distribution_id"]
    said = judge(again, recorded)
    assert said.verdict.status == "unknown"


# --- bad input ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("items", "says"),
    [
        (["hello"], "“hello” is nothing that is known here. Give a failing URL"),
        (["dist.json"], "dist.json is a file that is not there. There is no file dist.json."),
        ([WHOLE["private key"][0]], "a private key. Nothing here needs it"),
        (["192.0.2.1"], "--connect-to NAME:443:192.0.2.1:443"),
        (["hello", "world"], "The other 1 are of no use either."),
        ([7], "not a value of type int"),
        ([("a", "b")], "a pair is a file's name and its bytes"),
        ([""] * 501, "at most 500"),
    ],
)
def test_what_is_of_no_use_is_said_in_one_sentence(items: list[object], says: str):
    with pytest.raises(BadInput) as raised:
        Incident.load(anything=items)  # type: ignore[arg-type]
    assert says in str(raised.value)
    assert str(raised.value).startswith("Anything: ")
    assert "\n" not in str(raised.value)


def test_files_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    assert recognize([loop]).items[0].what.startswith("a file that")
    assert recognize([tmp_path]).items[0].what == "a folder with nothing in it to look at"
    monkeypatch.setattr("cfrunbook.recognizing.contents.MAX_BYTES", 1000)
    monkeypatch.setattr("cfrunbook.recognizing.contents.HEAD", 900)
    (tmp_path / "big").write_bytes(b"{" + b" " * 2000)
    assert "and no access log" in recognize([tmp_path / "big"]).items[0].what
    (tmp_path / "log").write_bytes(LOG * 10)
    assert recognize([tmp_path / "log"]).items[0].kind == "logs", "a log may be as large as it likes"
    assert "and no access log" in recognize([("up", b" x" * 2000)]).items[0].what


def test_a_bomb_is_not_unpacked():
    packed = gzip.compress(bytes(1 << 26))
    assert recognize([packed]).items[0].kind in ("other", "unknown")


SEEDS = [content for content, _, _ in WHOLE.values()]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Return a real sample that was cut, joined with another or scribbled on."""
    content = draw(st.sampled_from(SEEDS))[:6000]
    start = draw(st.integers(0, len(content)))
    end = draw(st.integers(start, len(content)))
    put = draw(
        st.one_of(st.binary(max_size=40), st.text(max_size=20).map(lambda t: t.encode("utf-8", "surrogatepass")))
    )
    return content[:start] + put + draw(st.sampled_from([content[end:], draw(st.sampled_from(SEEDS))[:3000]]))


ANYTHING = st.one_of(
    st.binary(max_size=300), st.text(max_size=300), mutated(), mutated().map(lambda b: b.decode("latin-1"))
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(ANYTHING, max_size=3))
@example([b'{"a":' * 3000])
@example(["[" * 100_000])
@example(["https://" + "a" * 9000, "E" * 5000, "1" * 5000, "\ud800", "\x00"])
@example([b'{"Origins": 7, "DefaultCacheBehavior": []}', b'{"CachePolicy": {"Id": 7}}', b'{"MetricAlarms": [7, null]}'])
@example([b"\n\n{\x80"])
@example([b'{"log": {"entries": {}}}', b'{"prefixes": [], "syncToken": 1}', b'{"Records": [{"cf": {}}]}'])
def test_whatever_is_given_there_is_an_answer_or_one_sentence(items: list[bytes | str]):
    safe = [item for item in items if not (isinstance(item, str) and item.strip() in ("-", "/", "~"))]
    found = recognize(safe)
    assert len(found.items) >= min(1, len(safe))
    assert all(visible(item.given) == item.given and visible(item.what, 900) == item.what for item in found.items)
    with contextlib.suppress(BadInput):
        assert Incident.load(anything=safe).inputs.recognized


def test_where_nothing_says_what_to_look_at_that_is_the_verdict():
    incident = Incident.load(anything=[URL])
    said = judge(incident, observe_sync(incident))
    assert said.verdict.status == "unknown"
    assert "does not say which origin it is of" in said.verdict.sentence
    assert said.wanted[0].key == "distribution"
