"""What edge functions returned, as it is shown: each violation at its place, hostile values harmless, bounds kept."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

import pytest

from cfrunbook.causes import edge_function as cause
from cfrunbook.evidence import FunctionResult
from cfrunbook.findings import Status
from cfrunbook.functions import documents
from cfrunbook.functions.model import Violation
from cfrunbook.functions.recording import unmasked
from cfrunbook.functions.validation import rules
from cfrunbook.views import function, html
from cfrunbook.views.result_tree import MAX_LINES, MAX_TEXT, lines

RULE = rules()["lambda_edge.header_disallowed"]
WARNING = rules()["lambda_edge.status_number"]


def violation(*path: str | int, rule: Any = RULE) -> Violation:
    return Violation(rule, path, "", {"header": "connection", "number": 200})


def shown(value: Any, *violations: Violation) -> list[str]:
    return ["  " * line.depth + line.text + " ←" * len(line.violations) for line in lines(value, violations)]


def given(value: Any, **more: Any) -> FunctionResult:
    more = {"name": "r.json", "kind": "lambda-edge", "event_type": "viewer-request", **more}
    document = documents.read(value) if isinstance(value, bytes) else documents.of_value(value)
    return FunctionResult(result=unmasked(document), **more)


def judged(*values: Any) -> tuple[cause.Judged, ...]:
    return cause.judged(tuple(given(value, name=f"{number}.json") for number, value in enumerate(values)))


# --- the tree -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "marked"),
    [
        ((), "{"),
        (("status",), '  "status": "200",'),
        (("headers",), '  "headers": {'),
        (("headers", "x"), '    "x": ['),
        (("headers", "x", 0), "      {"),
        (("headers", "x", 0, "value"), '        "value": "a"'),
        (("headers", "x", 1), '    "x": ['),  # not there: at what would hold it
        (("headers", "via"), '  "headers": {'),
        (("headers", "via", 0, "value"), '  "headers": {'),
        (("origin", "custom"), "{"),
        (("status", "x"), '  "status": "200",'),
        (("headers", 0), '  "headers": {'),
    ],
)
def test_a_violation_is_at_its_place_or_at_what_would_hold_it(path, marked):
    value = {"status": "200", "headers": {"x": [{"value": "a"}]}, "body": ""}
    assert [line for line in shown(value, violation(*path)) if line.endswith("←")] == [f"{marked} ←"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ["null"]),
        ({}, ["{}"]),
        ([], ["[]"]),
        ({"a": [], "b": {}}, ["{", '  "a": [],', '  "b": {}', "}"]),
        ([1, True, None, "x"], ["[", "  1,", "  true,", "  null,", '  "x"', "]"]),
        (float("nan"), ["NaN"]),
        ({'q"': "\x1b\u202e\ud800"}, ["{", '  "q\\"": "\\u001b\\u202e\\ud800"', "}"]),
    ],
    ids=repr,
)
def test_a_value_is_shown_as_json(value, expected):
    assert shown(value) == expected


def test_what_is_long_is_cut_and_says_how_long_it_was():
    (line,) = shown("x" * 12_345)
    assert line == '"' + "x" * MAX_TEXT + '"… (12,345 characters)'


def test_of_a_long_tree_what_is_wrong_is_always_shown():
    value = {"headers": {f"h{number}": [{"value": "x"}] for number in range(1000)}, "body": "x"}
    made = lines(value, [violation("headers", "h900", 0, "value")])
    assert len(made) < 2 * MAX_LINES
    assert [line.path for line in made if line.violations] == [("headers", "h900", 0, "value")]
    assert {("headers",), ("headers", "h900"), ("headers", "h900", 0)} <= {line.path for line in made}
    assert [line.text for line in made[-9:]] == [
        '"h900": [', "{", '"value": "x"', "}", "],", "… and 866 more", "},", "… and 1 more", "}"
    ]  # fmt: skip


def test_a_huge_result_has_a_small_tree():
    assert len(lines([1] * 4_000_000, [violation(3_999_999)])) < MAX_LINES + 10


def test_the_worst_of_a_line_is_its_status():
    (line,) = lines("200", [violation(rule=WARNING), violation()])
    assert line.status is Status.FAULT
    assert lines("200", [])[0].status is None


# --- the results --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "status", "says"),
    [
        ({"status": "200", "body": "abc"}, "ok", "CloudFront would use it as a response. It counts 3 of 40,960 bytes."),
        ({"status": 200}, "warning", "CloudFront would use it as a response. It counts 0 of 40,960 bytes."),
        ({"headers": {"connection": "x"}}, "fault", "CloudFront would answer 502: "),
        (None, "fault", "CloudFront would answer 502: 1 rule is broken."),
        (b"[" * 100, "fault", "CloudFront would answer 502: 1 rule is broken."),
        (b" " * (documents.MAX_BYTES + 1), "fault", "CloudFront would answer 503: 1 rule is broken."),
        (
            b'{"a":' * 100 + b"1" + b"}" * 100,
            "unknown",
            "Nothing that was checked is wrong; 1 of the rules could not be",
        ),
    ],
    ids=["ok", "warning", "fault", "null", "no JSON", "too large", "too deep"],
)
def test_what_cloudfront_makes_of_it_in_a_sentence(value, status, says):
    (one,) = judged(value)
    assert function.status(one) == status
    assert function.sentence(one).startswith(says)


def test_without_an_event_type_no_limit_is_claimed():
    (one,) = cause.judged((given({"status": "200", "body": "abc"}, event_type=""),))
    assert "bytes" not in function.sentence(one)


def test_several_results_are_counted():
    values = ({"status": "200"}, {"status": 200}, None, {"status": "200"}, b'{"a":' * 100 + b"1" + b"}" * 100)
    assert function.summary(judged(*values)) == (
        "5 results: 1 would be an error, 1 could not be told, 1 would be used, with a warning, 2 would be used."
    )
    assert function.summary(judged(None)) == ""


def test_of_many_results_the_worst_are_shown():
    made = function.results(judged(*[{"status": "200"}] * 50, None, {"status": 200}))
    assert len(made.results) == function.MAX_SHOWN
    assert made.left_out == 52 - function.MAX_SHOWN
    assert [one.status for one in made.results[:3]] == ["fault", "warning", "ok"]


def test_a_long_corrected_result_is_cut():
    (one,) = function.results(judged({"status": 200, "body": "x" * 30_000})).results
    assert one.corrected.endswith("\n… cut")
    assert len(one.corrected) < function.MAX_CORRECTED + 10


def test_what_cannot_be_read_has_no_tree_but_its_reason():
    (one,) = function.results(judged(b"<html>")).results
    assert [line.text for line in one.lines] == ["(no JSON that could be shown)"]
    assert [v.rule.id for v in one.lines[0].violations] == ["lambda_edge.json_invalid"]


HOSTILE = {
    "status": "<script>alert(1)</script>\x1b[2J\u202e",
    "headers": {'<img src=x onerror="x">\x1b]0;x\x07': [{"value": "</code></li><script>x</script>"}]},
    "body": "</section><script>x</script>",
}


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert not any(name.startswith("on") for name, _ in attrs)


def test_hostile_values_are_harmless_everywhere():
    made = judged(HOSTILE)
    fragment = html.results(made)
    bundle = fragment._repr_mimebundle_()
    page = str(bundle["text/html"] if isinstance(bundle, dict) else bundle[0]["text/html"])
    parser = _Tags()
    parser.feed(page)
    assert not parser.tags & {"script", "img"}
    for text in (page, function.plain(made)):
        assert "\x1b" not in text
        assert "\u202e" not in text
    assert "&lt;script&gt;" in page
    assert json.dumps(function.to_builtins(made[0]))


def test_nothing_given_is_said():
    assert "No edge function" in html.results(()).text
    assert function.plain(()) == ""
