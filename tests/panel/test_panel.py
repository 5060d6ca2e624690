"""The panel without a browser: its buttons are clicked, its fields filled in, and what it says and shows is read."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from cfrunbook import evidence, lab
from cfrunbook.panel import codes, stopping
from cfrunbook.panel.frontend import notebook_name, shows_widgets
from cfrunbook.panel.panel import Panel, panel_of
from cfrunbook.panel.progress import Progress
from cfrunbook.report.folder import Report
from cfrunbook.runbook import AGENDA, GUIDES, PARAMETERS, open_runbook
from cfrunbook.runbook.guides import given
from cfrunbook.views.mime import DIAGNOSIS

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>\x1b]0;x\x07\u202e"


@pytest.fixture(scope="module")
def expired():
    with lab.start("certificate-expired") as running:
        yield running


@pytest.fixture(scope="module")
def silent():
    with lab.start("port-silent") as running:
        yield running


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def text(html: str) -> str:
    """What a person reads of a widget."""
    plain = re.sub(r"<[^>]+>", " ", re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL))
    return re.sub(r"\s+", " ", unescape(plain)).strip()


def clicked(panel: Panel, button: Any) -> str:
    """Click, wait, and return what the panel says."""
    assert not button.disabled
    button.click()
    for _ in range(600):
        with suppress(TimeoutError):  # short waits: a signal that comes just before one is handled after it
            panel.wait(0.1)
            break
    return text(panel.status.value)


def parts(widget: Any) -> Iterator[Any]:
    """A widget and all that is in it."""
    yield widget
    for child in getattr(widget, "children", ()):
        yield from parts(child)


def words(panel: Panel) -> dict[str, str]:
    return {name: row.value.word for name, row in panel.rows.items()}


def beside(panel: Panel) -> dict[str, str]:
    """The errors that stand beside fields."""
    found = {name: entry.beside.value for name, entry in panel.form._entries.items()}
    return {name: text(html) for name, html in found.items() if 'role="alert"' in html}


# --- the buttons ---------------------------------------------------------------------------------------------------


def test_run_all_does_every_step_but_verify_and_says_the_verdict(expired):
    panel = Panel(open_runbook("03_certificate", lab=expired.file))
    assert (panel.cancel.disabled, panel.save.disabled, panel.rows["judge"].copy.disabled) == (True, True, True)
    said = clicked(panel, panel.run_all)
    assert said.startswith("✕ Fault found: Certificate 0 (leaf, CN=origin.shop.example) expired")
    assert words(panel) == {
        "look": "done", "figure-chain": "done", "figure-validity": "done", "figure-served": "done",
        "judge": "fault", "fix": "done", "verify": "after the fix", "next": "done",
    }  # fmt: skip
    assert panel.rows["look"].value.took
    assert panel.rows["judge"].value.meaning.startswith("Certificate 0")
    data, _ = panel.shown["judge"]
    assert data[DIAGNOSIS]["verdict"]["code"] == "certificate.expired"
    assert data["text/plain"].startswith("✕ 6. Finding: fault")
    assert "<details" in data["text/html"]
    assert "<script" not in data["text/html"]
    assert panel.shown["verify"][0]["text/html"] == ""
    assert "seen 20" in text(panel.head.value)


def test_a_step_by_itself_looks_first_and_verify_looks_again(expired):
    panel = Panel(open_runbook("03_certificate", lab=expired.file))
    clicked(panel, panel.rows["figure-validity"].run)
    assert words(panel)["look"] == words(panel)["figure-validity"] == "done"
    first = panel.runbook.observations
    said = clicked(panel, panel.rows["verify"].run)
    assert said.startswith("✕ Not fixed yet: Before and now: Certificate 0")
    assert panel.runbook.observations is first
    assert len(panel.keeping.kept) == 2, "both looks are kept"


def test_cancel_keeps_what_was_seen_and_claims_nothing(silent, monkeypatch):
    panel = Panel(open_runbook("04_port", lab=silent.file, deadline=600))
    monkeypatch.setattr(Progress, "__call__", lambda progress, line: panel.cancel.click())
    said = clicked(panel, panel.run_all)
    assert said.startswith("? Could not tell: No fault was found, but the rest of the look")
    assert words(panel)["look"] == "stopped"
    assert "whether there is something to fix is open" in panel.rows["fix"].value.meaning
    assert (panel.cancel.disabled, panel.run_all.disabled) == (True, False)
    assert len(panel.keeping.kept) == 1


def test_one_thing_at_a_time(silent):
    panel = Panel(open_runbook("04_port", lab=silent.file, deadline=600))
    panel.run_all.click()
    panel.rows["judge"].run.click()
    panel.cancel.click()
    panel.wait()
    assert words(panel)["look"] == "stopped"


def test_evidence_is_saved_beside_the_notebook_and_never_overwritten(expired, folder):
    panel = Panel(open_runbook("03_certificate", lab=expired.file))
    clicked(panel, panel.rows["judge"].run)
    said = clicked(panel, panel.save)
    clicked(panel, panel.save)
    files = sorted(folder.glob("evidence-*.json"))
    assert len(files) == 2
    assert files[0].name in said or files[1].name in said
    assert f'runbook.save("{files[1].name}")' in said or f'runbook.save("{files[0].name}")' in said
    assert open_runbook("03_certificate", evidence=files[0]).recorded


READ_ONLY = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && cd "$1" || exit 99; shift; exec "$@"'
FULL = 'mount -t tmpfs -o size=4k none "$1" && cd "$1" || exit 99; shift; exec "$@"'
CLICKED = """
import json
from cfrunbook.panel.panel import Panel
from cfrunbook.runbook import open_runbook
panel = Panel(open_runbook("04_port", origin="shop.example", connect_to=["shop.example:443:127.0.0.1:9"]))
for button in (panel.run_all, panel.save, panel.report):
    button.click()
    panel.wait()
    print(json.dumps(panel.status.value))
panel.form._received({"new": ({"name": "x.txt", "content": memoryview(b"HTTP/1.1 502 Bad Gateway\\r\\n\\r\\n")},)})
print(json.dumps(panel.status.value))
"""


@pytest.mark.needs("unshare")
@pytest.mark.parametrize(
    ("mount", "why"),
    [(READ_ONLY, "Read-only file system"), (FULL, "No space left on device")],
    ids=["read-only", "full"],
)
def test_a_folder_that_cannot_be_written_costs_a_sentence_and_not_the_evidence(folder, mount, why):
    """A real one, which only this process sees; what was seen is where temporary files go."""
    for name in ("work", "t"):
        (folder / name).mkdir()
    under = ("unshare", "--map-root-user", "--mount", "sh", "-c", mount, "sh", str(folder / "work"))
    path = os.pathsep.join([str(Path(evidence.__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [*under, sys.executable, "-c", CLICKED],
        env={**os.environ, "TMPDIR": str(folder / "t"), "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    *told, uploaded = [text(json.loads(line)) for line in done.stdout.splitlines()]
    begin = (
        r"✕ Fault found: shop\.example:443 refuses connections .* Cannot write \.cfrunbook/04_port\S*",
        r"✕ Cannot write evidence-\S+\.json",
        r"✕ Cannot write the report to incident",
    )
    for said, beginning in zip(told, begin, strict=True):
        kept = re.fullmatch(rf"{beginning}: {why}; what was seen is in (\S+)\.", said)
        assert kept, said
        assert evidence.load(Path(kept[1])).connections[0].outcome == "refused"
    assert re.fullmatch(rf"✕ Cannot write \.cfrunbook/04_port\S*: {why}\.", uploaded)


def test_that_nothing_was_kept_is_said_of_that_look_alone(expired, folder):
    (folder / ".cfrunbook").write_text("in the way of a folder", encoding="utf-8")
    panel = Panel(open_runbook("03_certificate", lab=expired.file))
    said = clicked(panel, panel.rows["judge"].run), clicked(panel, panel.rows["verify"].run)
    assert all("Cannot write .cfrunbook/03_certificate: File exists; what was seen is in " in one for one in said)
    panel.runbook.save("kept.json")
    panel.form.field("lab").value, panel.form.field("evidence").value = "", "kept.json"
    assert re.fullmatch(r"✕ Fault found: (?!.*Cannot write).*", clicked(panel, panel.rows["judge"].run))


def test_write_report(expired, monkeypatch):
    asked: list[Path] = []

    def write(incident: Any, observations: Any, diagnosis: Any, *, output: Path) -> Report:
        asked.append(output)
        return Report(path=output / "x", verdict=diagnosis.verdict, runs=())

    monkeypatch.setattr("cfrunbook.report.write_report", write)
    panel = Panel(open_runbook("03_certificate", lab=expired.file))
    clicked(panel, panel.rows["judge"].run)
    said = clicked(panel, panel.report)
    assert said == '✓ Written: incident/x. as code: await runbook.report("incident")'
    assert 'href="incident/x/report.html"' in panel.shown["report"][0]["text/html"]
    assert asked == [Path("incident")]


def test_commands_are_copied_as_they_are(expired):
    panel = Panel(open_runbook("03_certificate", lab=expired.file))
    clicked(panel, panel.rows["judge"].run)
    panel.rows["judge"].copy.click()
    assert panel.clipboard.text.startswith("openssl s_client -connect 127.0.0.1:")
    (output,) = panel.clipboard.widget.outputs
    assert "navigator.clipboard.writeText" in output["data"]["application/javascript"]
    panel.clipboard.copy('</script>"\u2028', "it")
    script = panel.clipboard.widget.outputs[0]["data"]["application/javascript"]
    assert "</script>" not in script
    assert "\u2028" not in script


def test_where_no_script_runs_the_commands_are_shown_to_be_copied(expired, monkeypatch):
    monkeypatch.setenv("VSCODE_PID", "1")
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    panel = Panel(open_runbook("03_certificate", lab=expired.file))
    clicked(panel, panel.rows["judge"].run)
    panel.rows["judge"].copy.click()
    shown = panel.clipboard.widget.value
    assert "One click selects the commands of “Finding”" in shown
    assert panel.clipboard.text in text(shown)
    panel.clipboard.copy(HOSTILE, HOSTILE)
    assert "<script" not in panel.clipboard.widget.value


def test_what_breaks_inside_is_a_sentence_and_the_other_steps_go_on(expired, monkeypatch):
    panel = Panel(open_runbook("03_certificate", lab=expired.file))

    def broken(*_: object) -> None:
        raise ZeroDivisionError(HOSTILE)

    monkeypatch.setattr(panel.runbook, "figure", broken)
    assert clicked(panel, panel.run_all).startswith("✕ Fault found")
    assert words(panel)["figure-chain"] == "failed"
    assert words(panel)["judge"] == "fault"
    assert "a mistake of ours: ZeroDivisionError" in panel.rows["figure-chain"].value.meaning
    assert "<script" not in panel.rows["figure-chain"]._line.value + panel.shown["figure-chain"][0]["text/html"]


# --- cells and the panel -------------------------------------------------------------------------------------------


def test_a_look_in_a_cell_is_followed_and_what_was_shown_of_an_earlier_one_goes(expired):
    panel = Panel(open_runbook("03_certificate", lab=expired.file))
    clicked(panel, panel.rows["judge"].run)
    asyncio.run(panel.runbook.look())
    assert words(panel) == {**dict.fromkeys(panel.rows, "not run yet"), "look": "done", "verify": "after the fix"}
    assert panel.shown["judge"][0]["text/html"] == ""
    assert text(panel.status.value).startswith("✕ Fault found")
    panel.close()
    asyncio.run(panel.runbook.look())
    assert len(panel.keeping.kept) == 2, "a panel that was closed keeps nothing"


def test_an_interrupted_look_keeps_what_was_seen(silent):
    runbook = open_runbook("04_port", lab=silent.file, deadline=600)

    async def interrupted() -> None:
        looking: asyncio.Task[Any] | None = None

        def stop(_: str) -> None:
            assert looking is not None
            looking.cancel()

        looking = asyncio.create_task(runbook.look(progress=stop))
        with pytest.raises(asyncio.CancelledError):
            await looking

    asyncio.run(interrupted())
    assert runbook.observations.stopped_after is not None
    assert len(runbook.observations.connections) == 1


def test_two_runbooks_share_nothing(expired, silent):
    one, two = Panel(open_runbook("03_certificate", lab=expired.file)), Panel(open_runbook("04_port", lab=silent.file))
    clicked(one, one.rows["look"].run)
    assert not two.runbook.has_looked
    assert (len(one.keeping.kept), len(two.keeping.kept)) == (1, 0)
    assert set(words(two).values()) == {"not run yet", "after the fix"}


def test_after_a_restart_the_last_evidence_is_offered_and_judged_without_looking(expired, monkeypatch):
    before = Panel(open_runbook("03_certificate", lab=expired.file))
    clicked(before, before.rows["look"].run)
    after = Panel(open_runbook("03_certificate", lab=expired.file))
    assert text(after.status.value) == "i Run all looks now; or resume from what was seen earlier."
    ((label, path),) = after.recordings.options
    assert re.fullmatch(r"Evidence of 20\S+ \S+ UTC", label)
    monkeypatch.setattr("cfrunbook.probes.tcp.connect", None)
    assert clicked(after, after.resume).startswith("✕ Fault found: Certificate 0")
    assert after.form.field("evidence").value == path
    assert after.resume.layout.display is None or after._resuming.layout.display == "none"


def test_of_two_looks_in_one_second_the_later_is_the_newest(expired):
    """A look and its verification take less than that where nothing is slow."""
    panel = Panel(open_runbook("03_certificate", lab=expired.file))
    asyncio.run(panel.runbook.look())
    paths = [panel.keeping.keep(panel.runbook.observations) for _ in range(11)]
    assert [kept.path for kept in panel.keeping.kept] == paths[:0:-1]
    assert len(set(paths)) == 11
    (panel.keeping.folder / "evidence-20200101T000000Z.json").mkdir()
    assert evidence.load(panel.keeping.keep(panel.runbook.observations)).connections, "whatever cannot be removed"


def test_the_end_of_the_kernel_ends_a_look_and_keeps_what_was_seen(silent, monkeypatch):
    panel = Panel(open_runbook("04_port", lab=silent.file, deadline=600))
    seen_something = threading.Event()
    monkeypatch.setattr(Progress, "__call__", lambda progress, line: seen_something.set())
    panel.rows["look"].run.click()
    assert seen_something.wait(60)
    monkeypatch.setattr(stopping, "PATIENCE", 60)
    stopping._at_exit()
    assert not panel.work.busy
    assert evidence.load(panel.keeping.kept[0].path).connections


def kept_soon(panel: Panel) -> Path:
    """Wait until something is kept, and return the newest."""
    for _ in range(600):
        if panel.keeping.kept:
            break
        with suppress(TimeoutError):
            panel.wait(0.1)
    return panel.keeping.kept[0].path


def test_a_look_that_takes_long_is_kept_while_it_goes_on(silent, monkeypatch):
    """For a kernel that is killed; at its end the whole look is in the same file."""
    monkeypatch.setattr("cfrunbook.observation.SO_FAR", 0.01)
    monkeypatch.setattr("cfrunbook.panel.panel.PATIENCE", 60)
    panel = Panel(open_runbook("04_port", lab=silent.file, deadline=600))
    panel.rows["look"].run.click()
    so_far = evidence.load(kept_soon(panel))
    assert panel.work.busy
    panel.close()
    assert not panel.work.busy
    (kept,) = panel.keeping.kept
    seen = evidence.load(kept.path)
    assert seen == panel.runbook.observations
    assert (seen.recorded_at, seen.stopped_after is not None) == (so_far.recorded_at, True)
    assert so_far.stopped_after <= seen.stopped_after


def test_a_runbook_shown_again_has_its_panel_with_what_it_is_doing(silent, monkeypatch):
    """As where a page is loaded again: its widgets are new, and the look that goes on is told to them."""
    monkeypatch.setenv("CFRUNBOOK_WIDGETS", "yes")
    displayed: list[Any] = []

    class Handle:
        display_id = "x"

        def update(self, *_: Any, **__: Any) -> None:
            pass

    def display(data: Any, *, display_id: object = None, **_: Any) -> Handle:
        displayed.append((data, display_id))
        return Handle()

    looking = threading.Event()
    monkeypatch.setattr(Progress, "__call__", lambda progress, line: looking.set())
    monkeypatch.setattr("cfrunbook.panel.panel.PATIENCE", 60)
    monkeypatch.setattr("IPython.display.display", display)
    monkeypatch.setattr("cfrunbook.panel.frontend.shows_widgets", lambda: True)
    runbook = open_runbook("04_port", lab=silent.file, deadline=600)
    runbook._ipython_display_()
    panel = panel_of(runbook)
    panel.form.field("vantage").value = "here"
    clicked(panel, panel.use)
    panel.rows["look"].run.click()
    assert looking.wait(60)
    before, first, number = panel.widget, displayed[0], len(displayed)
    runbook._ipython_display_()
    assert panel_of(runbook) is panel
    assert all(widget.comm is None for widget in parts(before)), "the widgets of before are gone"
    assert all(widget.comm is not None for widget in parts(panel.widget)), "and take none of the new ones with them"
    assert panel.form.field("vantage").value == "here"
    assert displayed[number][0] != first[0]
    assert {shown_as for _, shown_as in displayed[number + 1 :]} == {"x"}, "results on another page follow too"
    assert clicked(panel, panel.cancel).startswith("? Could not tell")
    assert panel.run_all.disabled is False

    other = Panel(open_runbook("04_port", lab=silent.file))
    other.show()
    assert text(other.status.value) == "i Run all looks now; or resume from what was seen earlier."
    assert panel.widget.comm is None


def test_an_interrupted_kernel_stops_panels_but_takes_no_interrupt_from_a_cell(silent, monkeypatch):
    panel = Panel(open_runbook("04_port", lab=silent.file, deadline=600))
    monkeypatch.setattr(Progress, "__call__", lambda progress, line: os.kill(os.getpid(), signal.SIGINT))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # as it is in a cell
    try:
        stopping._listen()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # as ipykernel has it between cells
        stopping._listen()
        assert clicked(panel, panel.run_all).startswith("? Could not tell")
    finally:
        signal.signal(signal.SIGINT, before)
    assert words(panel)["look"] == "stopped"


# --- the form ------------------------------------------------------------------------------------------------------


def test_every_parameter_has_a_field_that_gives_back_what_was_given():
    values: dict[str, Any] = {"origin": "a.example", "resolver": ["192.0.2.1", "192.0.2.2"], "deadline": 2.5,
              "keep_alive": True, "pace": "fast", "distribution": {"Origins": {}}, "response": ["HTTP/1.1 502\nx: y\n"],
              "trust_store": Path("x.pem")}  # fmt: skip
    from cfrunbook.panel.form import Form

    form = Form(values, upload=lambda name, content: name, told=print)
    assert form.values == values
    form.more.value = True
    assert set(form._entries) == set(PARAMETERS)
    assert form.values == values
    assert "HTTP/1.1 502" not in form.field("response").value
    form.field("deadline").value = "3"
    form.field("resolver").value = "192.0.2.9\n\n"
    form.field("keep_alive").value = False
    assert form.values == {k: v for k, v in values.items() if k != "keep_alive"} | {
        "deadline": "3",
        "resolver": ["192.0.2.9"],
    }


def test_a_distribution_offers_its_origins_and_names(expired):
    panel = Panel(open_runbook("03_certificate", lab=expired.file))
    assert panel.form.field("origin").options == ("origin.shop.example",)
    names = ("www.shop.example", "d111111abcdef8.cloudfront.net")
    assert panel.form.field("host").options == names
    assert panel.form.field("url").options == tuple(f"https://{name}/" for name in names)


BAD = {
    "at": ("yesterday", "At: 'yesterday' is not a time"),
    "deadline": ("soon", "Deadline: 'soon' is not"),
    "evidence": ("missing.json", "Evidence: no such file: missing.json."),
    "resolver": ("dns.example", "--resolver 'dns.example': expected an IP address"),
    "url": ("https://", "URL: "),
}


def test_what_cannot_be_used_is_said_at_its_field_and_nothing_is_lost(expired):
    panel = Panel(open_runbook("03_certificate", lab=expired.file))
    clicked(panel, panel.rows["judge"].run)
    seen = panel.runbook.observations
    for field, (value, said) in BAD.items():
        panel.form.field(field).value = value
        assert clicked(panel, panel.use).endswith("Nothing was changed.")
        assert set(beside(panel)) == {field}
        assert said in beside(panel)[field]
        assert panel.form.field(field).value == value
        assert panel.runbook.observations is seen
        panel.form.field(field).value = ""
    panel.form.field("pace").value = "fast"
    assert "nothing was looked at yet" in clicked(panel, panel.use)
    assert (panel.runbook.has_looked, beside(panel)) == (False, {})


def test_practice_gives_way_to_what_is_real():
    panel = Panel(open_runbook("04_port"))
    assert text(panel.status.value).startswith("i Nothing was given, so this is practice")
    panel.form.field("origin").value = "shop.example.com"
    clicked(panel, panel.use)
    assert panel.runbook.given == {"origin": "shop.example.com"}
    assert "lab" not in text(panel.head.value)


def give(panel: Panel, name: str, content: bytes) -> str:
    panel.form._received({"new": ({"name": name, "content": memoryview(content)},)})
    return text(panel.status.value)


def test_files_and_pasted_text_are_kept_beside_the_notebook_and_put_where_they_belong(expired, folder):
    panel = Panel(open_runbook("03_certificate", lab=expired.file))
    said = give(panel, "../../etc/x.txt", b"HTTP/1.1 502 Bad Gateway\r\nX-Cache: Error from cloudfront\r\n\r\n")
    assert "a captured response (a status line, header fields, as of curl -i; 502)." in said
    (path,) = panel.form.values["anything"]
    assert Path(path).parent == panel.keeping.folder
    assert (folder / path).read_bytes().startswith(b"HTTP/1.1 502")
    panel.form.pasted.value = "*filter\n-A INPUT -j DROP\nCOMMIT\n"
    panel.form.add.click()
    assert panel.form.pasted.value == ""
    assert [Path(p).name for p in panel.form.values["anything"]] == [Path(path).name, "pasted.txt"]
    assert "choose what it is" in give(panel, HOSTILE, b"\x00\xff?")
    panel.form.use_as.value = "function_result"
    assert "is taken as: Edge function: Results." in give(panel, "r.json", b"{}")
    assert (folder / ".cfrunbook" / ".gitignore").read_text() == "*\n"


def test_a_file_of_no_use_is_refused_in_a_sentence_and_taken_nowhere(expired):
    panel = Panel(open_runbook("03_certificate", lab=expired.file))
    useless = {
        "nothing: it is empty": b"",
        "binary, and of no kind that is known here": bytes(range(256)) * 400,
        "is larger than 64 MiB: put it beside the notebook": bytes(200_000_000),
        "nothing that is known here": HOSTILE.encode() * 20_000,
    }
    for said, content in useless.items():
        assert said in give(panel, HOSTILE, content)
        assert "<script" not in panel.status.value
        assert "anything" not in panel.form.values


# --- what it says --------------------------------------------------------------------------------------------------


def test_hostile_text_stays_text(expired, folder):
    panel = Panel(open_runbook("03_certificate", lab=expired.file, vantage=HOSTILE))
    clicked(panel, panel.run_all)
    panel.to_code.value = True
    drawn = [panel.head.value, panel.status.value, panel.script.value]
    drawn += [row._line.value for row in panel.rows.values()]
    drawn += [data["text/html"] for data, _ in panel.shown.values()]
    for html in drawn:
        assert "<script" not in html
        assert "<img" not in html
        assert "\x1b" not in html
        assert "\u202e" not in html


def test_progress_counts_place_by_place_and_bounds_what_it_lists():
    times = iter(float(n) for n in range(10_000))
    drawn: list[str] = []
    progress = Progress("Looking", drawn.append, clock=lambda: next(times))
    for line in ("a:443 at ::1: connected", "a:443 at ::1, suite-x", "a:443 at ::1, suite-y", HOSTILE):
        progress(line)
    assert progress.underway.places[1].counted == "2 cipher suites, 1 answer"
    for number in range(100):
        progress(f"{number}.example: x")
    assert (len(progress.underway.places), progress.underway.more) == (6, 96)
    assert "<script" not in "".join(drawn)


def test_as_code_is_what_the_buttons_do(expired):
    runbook = open_runbook("03_certificate", lab=str(expired.file), resolver=["192.0.2.1"], response=["HTTP/1.1 502\n"])
    assert codes.opening(runbook) == (
        f'runbook = cf.open_runbook("03_certificate", resolver=["192.0.2.1"], lab="{expired.file}", response=[response])'
    )
    compile(
        codes.script(open_runbook("03_certificate", lab=expired.file)), "x", "exec", flags=0x2000
    )  # top-level await


def test_every_step_says_in_a_line_what_it_came_to():
    panel = Panel(open_runbook("05_dns"))
    clicked(panel, panel.run_all)
    came_to = {name: row.value.meaning for name, row in panel.rows.items()}
    assert came_to["figure-servers"] == "shop.lab: its name servers answer in 2 different ways."
    assert came_to["table-resolutions"] == "origin.shop.lab: 203.0.113.10, from the zone's name servers."
    assert [name for name, meaning in came_to.items() if not meaning] == ["verify"]
    panel = Panel(open_runbook("06_edge_function"))
    clicked(panel, panel.run_all)
    came_to = {name: row.value.meaning for name, row in panel.rows.items()}
    assert came_to["results"].endswith("origin-response. CloudFront would answer 502: 1 rule is broken.")
    assert not came_to["fix"].endswith(":")
    assert panel.rows["logs"].value.word == "done"


@pytest.mark.parametrize("name", list(GUIDES))
def test_every_runbook_has_its_steps(name):
    assert [s.method for s in AGENDA[name] if s.method != "wanted"][-4:] == ["judge", "fix", "verify", "next"]
    assert [step.method for step in AGENDA[name] if step.needs_look is False][-1] == "look"
    assert len({step.id for step in AGENDA[name]}) == len(AGENDA[name])


# --- whether there is a panel --------------------------------------------------------------------------------------


class Kernel:
    """A kernel that got a request from somebody who is there, or is not."""

    def __init__(self, attended: bool) -> None:
        self.attended = attended

    def get_parent(self, channel: str) -> dict[str, Any]:
        assert channel == "shell"
        return {"content": {"allow_stdin": self.attended}}


class Shell:
    """IPython's shell, as far as it is asked."""

    def __init__(self, attended: bool, **names: Any) -> None:
        self.kernel, self.user_ns = Kernel(attended), names


LAB = {"JPY_SESSION_NAME": "/home/me/03_certificate.ipynb"}


@pytest.mark.parametrize(
    ("environ", "shell", "shown"),
    [
        (LAB, lambda: Shell(True), True),
        ({}, lambda: Shell(True), False),  # a console
        (LAB, lambda: Shell(False), False),  # papermill, started from a notebook
        ({}, lambda: Shell(False), False),  # papermill
        ({}, lambda: Shell(True, __vsc_ipynb_file__="x.ipynb"), True),
        ({"VSCODE_PID": "1"}, lambda: Shell(True), True),
        ({"SERVER_SOFTWARE": "voila/0.5.13"}, lambda: Shell(False), True),
        ({**LAB, "CFRUNBOOK_WIDGETS": "no"}, lambda: Shell(True), False),
        ({"CFRUNBOOK_WIDGETS": "yes"}, lambda: Shell(False), True),
        ({"CFRUNBOOK_WIDGETS": "yes", **LAB}, lambda: None, False),  # no notebook at all
    ],
)
def test_widgets_are_for_people_before_something_that_shows_them(
    environ: dict[str, str], shell: Callable[[], Any], shown: bool
):
    assert shows_widgets(environ, shell()) is shown


@pytest.mark.parametrize("variable", [("SERVER_SOFTWARE", "voila/0.5.13"), ("VSCODE_PID", "1")])
def test_voila_and_vs_code_show_results_in_widgets(expired, monkeypatch, variable):
    """The one does not follow display handles, the other not always."""
    displayed: list[Any] = []
    monkeypatch.setenv(*variable)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    monkeypatch.setattr("IPython.display.display", lambda *given, **_: displayed.append(given))
    panel = Panel(open_runbook("03_certificate", lab=expired.file))
    panel.show()
    assert len(displayed) == 2
    clicked(panel, panel.rows["judge"].run)
    assert "certificate.expired" in panel._handles["judge"].widget.value


def test_a_notebook_is_known_by_its_file():
    assert notebook_name(LAB, Shell(True)) == "03_certificate"
    assert notebook_name(LAB, Shell(True, __vsc_ipynb_file__="/x/mine.ipynb")) == "mine"
    assert notebook_name({}, None) == ""


def test_without_widgets_it_displays_static_html(expired):
    runbook = open_runbook("03_certificate", lab=expired.file)
    with pytest.raises(NotImplementedError):  # IPython then takes the next representation
        runbook._ipython_display_()
    assert given(runbook.given) == runbook.given
