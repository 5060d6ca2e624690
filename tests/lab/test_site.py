"""The site of a running scenario: files and back without loss, edits that take, and edits that are refused."""

from __future__ import annotations

import errno
import gc
import json
import os
import shutil
import ssl
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cfrunbook as cf
from cfrunbook import lab
from cfrunbook.errors import BadInput
from cfrunbook.lab import edge_config, issuing, site
from cfrunbook.lab.authority import Authority
from cfrunbook.lab.distribution import document
from cfrunbook.lab.edge import fetch_all
from cfrunbook.lab.following import Follower
from tests.scenarios import distinct

ORIGIN = Path("origins/origin.shop.example")


def test_what_is_read_from_untouched_files_is_what_was_written(tmp_path: Path) -> None:
    authority = Authority()
    for name, scenario in distinct().items():
        setup = scenario.set_up(authority)
        site.write(tmp_path / name, setup, authority)
        content = site.read(tmp_path / name, setup)
        assert content.setup == setup, name
        assert content.document == document(setup), name


def test_only_their_owner_may_read_the_files(tmp_path: Path) -> None:
    authority = Authority()
    site.write(tmp_path / "site", distinct()["healthy"].set_up(authority), authority)
    files = [path for path in (tmp_path / "site").rglob("*") if path.is_file()]
    assert files
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "site", *files))


# --- edits that take ----------------------------------------------------------------------------------------------


@pytest.fixture
def running(request: pytest.FixtureRequest) -> Iterator[lab.Running]:
    with lab.start(request.param, deadline=10.0) as started:  # only what stays broken waits that long
        yield started


def on(name: str) -> Any:
    return pytest.mark.parametrize("running", [name], indirect=True, ids=[name])


def answers(running: lab.Running, patience: float = 5.0) -> set[int]:
    return {answer.status for answer in fetch_all(running.edge_facts, patience=patience)}


def verdict(running: lab.Running) -> tuple[str, str | None]:
    found = cf.diagnose_sync(cf.Incident.load(lab=running.file)).verdict
    return found.status, found.code


def edit(path: Path, change: Callable[[Any], None]) -> None:
    value = json.loads(path.read_bytes())
    change(value)
    path.write_text(json.dumps(value))


def config(value: Any) -> Any:
    return value["Distribution"]["DistributionConfig"]


@on("certificate-missing-intermediate")
def test_a_chain_file_that_is_put_in_order(running: lab.Running) -> None:
    chain = running.site / ORIGIN / "address-1-port-443/fullchain.pem"
    chain.write_bytes(chain.read_bytes() + (running.site / "authority/intermediate.pem").read_bytes())
    before = running.connect_to
    assert answers(running) == {502}
    running.reload()
    assert (answers(running), verdict(running), running.connect_to) == ({200}, ("ok", None), before)


@on("tls-name-mismatch")
def test_a_certificate_that_is_issued_anew(running: lab.Running) -> None:
    issuing.issue(running.site, ["origin.shop.example"], running.site / ORIGIN / "address-1-port-443")
    running.reload()
    assert (answers(running), verdict(running)) == ({200}, ("ok", None))


@on("tls-name-forwarded-host")
def test_a_policy_that_is_changed(running: lab.Running) -> None:
    def leave_host_out(value: Any) -> None:
        config(value)["DefaultCacheBehavior"]["OriginRequestPolicyId"] = "b689b0a8-53d0-40ab-baf2-68738e2966ac"

    edit(running.site / "distribution.json", leave_host_out)
    running.reload()
    assert (answers(running), verdict(running)) == ({200}, ("ok", None))


@on("port-refused")
def test_a_port_that_comes_and_goes(running: lab.Running) -> None:
    server, before = running.site / ORIGIN / "server.json", running.connect_to
    issuing.issue(running.site, ["origin.shop.example"], running.site / ORIGIN)
    good = {"answers": "https", "certificate": "fullchain.pem", "key": "privkey.pem"}
    for port, status in ((good, 200), ({"answers": "drops"}, 504), (good, 200), ({"answers": "refuses"}, 502)):
        edit(server, lambda value, port=port: value["addresses"][0]["ports"].update({"443": port}))  # type: ignore[misc]
        running.reload()
        assert answers(running, 0.3 if status == 504 else 5.0) == {status}
        assert running.connect_to == before


@on("healthy")
def test_a_port_that_nobody_has_and_one_that_is_opened(running: lab.Running) -> None:
    def other_port(value: Any) -> None:
        config(value)["Origins"]["Items"][0]["CustomOriginConfig"]["HTTPSPort"] = 8443

    edit(running.site / "distribution.json", other_port)
    running.reload()
    assert (answers(running), verdict(running)) == ({502}, ("fault", "port.refused"))
    server = running.site / ORIGIN / "server.json"
    edit(server, lambda value: value["addresses"][0]["ports"].update({"8443": value["addresses"][0]["ports"]["443"]}))
    running.reload()
    assert (answers(running), verdict(running)) == ({200}, ("ok", None))


@on("one-address-of-three-refuses")
def test_an_address_that_is_taken_out(running: lab.Running) -> None:
    edit(running.site / ORIGIN / "server.json", lambda value: value["addresses"].pop(1))
    running.reload()
    assert (answers(running), verdict(running)) == ({200}, ("ok", None))


@on("dns-nodata")
def test_a_zone_that_gets_its_record(running: lab.Running) -> None:
    zone = running.site / "dns/shop.lab.zone"
    zone.write_text(f"{zone.read_text()}origin A 203.0.113.10\n")
    running.reload()
    assert (answers(running), verdict(running)) == ({200}, ("ok", None))


@on("dns-all-servers-dead")
def test_name_servers_that_come_back(running: lab.Running) -> None:
    def well(value: Any) -> None:
        for server in value.values():
            server.pop("faults", None)

    places = running.name_servers
    edit(running.site / "dns/name-servers.json", well)
    running.reload()
    assert (answers(running), verdict(running), running.name_servers) == ({200}, ("ok", None), places)


@on("lambda-edge-status-missing")
def test_a_function_that_is_corrected_and_broken_again(running: lab.Running) -> None:
    result = running.site / "function/result.json"
    broken = result.read_bytes()
    result.write_text('{"status": "200", "statusDescription": "OK"}')
    running.reload()
    assert (answers(running), verdict(running)[0]) == ({200}, "ok")
    result.write_text('{"status": "2000"}')
    running.reload()
    assert (answers(running), verdict(running)[0]) == ({502}, "fault")
    result.write_bytes(broken)
    running.reload()
    assert answers(running) == {502}


# --- edits that are refused ---------------------------------------------------------------------------------------

REFUSED: dict[str, tuple[str, Any, str]] = {
    "no JSON": ("distribution.json", b"{", "distribution.json: "),
    "a list": ("distribution.json", b"[]", "the shape of a distribution"),
    "no distribution": ("distribution.json", b"{}", "DefaultCacheBehavior is missing"),
    "an origin that is not there": (
        "distribution.json",
        lambda value: config(value)["DefaultCacheBehavior"].update(TargetOriginId="x"),
        "no origin with the id 'x'",
    ),
    "a port that CloudFront does not take": (
        "distribution.json",
        lambda value: config(value)["Origins"]["Items"][0]["CustomOriginConfig"].update(HTTPSPort=444),
        "HTTPSPort is 444",
    ),
    "a name that nobody has": (
        "distribution.json",
        lambda value: config(value)["Origins"]["Items"][0].update(DomainName="example.com"),
        "the lab has no server 'example.com'",
    ),
    "no certificate": (f"{ORIGIN}/address-1-port-443/fullchain.pem", b"nothing", "no certificate in PEM"),
    "no key": (f"{ORIGIN}/address-1-port-443/privkey.pem", b"nothing", "no private key in PEM"),
    "a key of another certificate": (f"{ORIGIN}/address-1-port-443/privkey.pem", None, "not the key of the first"),
    "a missing file": (f"{ORIGIN}/server.json", "/dev/null", "truncated"),
    "a file elsewhere": (
        f"{ORIGIN}/server.json",
        lambda value: value["addresses"][0]["ports"]["443"].update(certificate="../../authority/root.pem"),
        "not inside this folder",
    ),
    "an unknown word": (
        f"{ORIGIN}/server.json",
        lambda value: value["addresses"][0]["ports"]["443"].update(answer="https"),
        "unknown field `answer`",
    ),
    "no ciphers": (
        f"{ORIGIN}/server.json",
        lambda value: value["addresses"][0]["ports"]["443"].update(ciphers="NONE-SUCH"),
        "OpenSSL does not take",
    ),
    "versions upside down": (
        f"{ORIGIN}/server.json",
        lambda value: value["addresses"][0]["ports"]["443"].update(minimum="TLSv1.3", maximum="TLSv1.2"),
        "`minimum` is above `maximum`",
    ),
    "no port": (
        f"{ORIGIN}/server.json",
        lambda value: value["addresses"][0]["ports"].update({"https": {"answers": "http"}}),
        "not a port number",
    ),
    "no address": (f"{ORIGIN}/server.json", lambda value: value["addresses"].clear(), "1 to 16 addresses"),
}


@pytest.fixture(scope="module")
def healthy() -> Iterator[lab.Running]:
    with lab.start("healthy") as running:
        yield running


@pytest.mark.parametrize(("name", "change", "sentence"), REFUSED.values(), ids=REFUSED)
def test_a_bad_edit_is_one_sentence_and_changes_nothing(
    healthy: lab.Running, name: str, change: Any, sentence: str
) -> None:
    path = healthy.site / name
    before, setup = path.read_bytes(), healthy.setup
    if callable(change):
        edit(path, change)
    else:
        path.write_bytes(Authority().root.key_pem if change is None else b"" if isinstance(change, str) else change)
    try:
        with pytest.raises(BadInput) as caught:
            healthy.reload()
    finally:
        path.write_bytes(before)
    said = str(caught.value)
    assert sentence in said
    assert "\n" not in said
    assert said.endswith(".")
    assert healthy.setup is setup
    assert answers(healthy) == {200}


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("shop.lab.zone", b"origin A nowhere\n", "not a zone that a name server can load"),
        ("name-servers.json", b'{"example.com": {"zones": []}}', "not an IP address"),
        ("name-servers.json", b'{"192.0.2.1": {"zones": [], "faults": ["angry"]}}', "angry"),
    ],
)
def test_a_bad_zone_is_one_sentence_and_changes_nothing(name: str, content: bytes, sentence: str) -> None:
    with lab.start("dns-alias-loop") as running:
        before, places = running.setup, running.name_servers
        (running.site / "dns" / name).write_bytes(content)
        with pytest.raises(BadInput, match=sentence):
            running.reload()
        assert (running.setup, running.name_servers) == (before, places)


@given(st.recursive(st.none() | st.integers() | st.text(max_size=8), lambda x: st.lists(x) | st.dictionaries(st.sampled_from(["Id", "Items", "Distribution", "DistributionConfig", "Origins", "DefaultCacheBehavior", "DomainName", "TargetOriginId", "CustomOriginConfig", "HTTPPort", "OriginProtocolPolicy"]), x), max_leaves=20))  # fmt: skip
def test_whatever_a_distribution_holds_it_is_read_or_refused(value: Any) -> None:
    with suppress(ValueError):
        edge_config.read(value if isinstance(value, dict) else {"Distribution": value})


PATTERNS = [
    ("/cart", "/cart", True),
    ("cart*", "/cart/1", True),
    ("/*.jpg", "/a/b.jpg", True),
    ("/?.jpg", "/ab.jpg", False),
    ("/a.b", "/axb", False),
    ("/Cart", "/cart", False),
    ("*", "/", True),
]


@pytest.mark.parametrize(("pattern", "path", "takes"), PATTERNS)
def test_path_patterns(pattern: str, path: str, takes: bool) -> None:
    assert edge_config.Behavior(pattern, "", (), host_forwarded=False, allows_http=False).takes(path) == takes


# --- noticing -----------------------------------------------------------------------------------------------------


@on("healthy")
def test_the_lab_notices_once_the_files_are_settled(running: lab.Running) -> None:
    follower = Follower(running)
    assert follower.look() is None
    path = running.site / "distribution.json"
    good = path.read_bytes()
    path.write_bytes(b"{")
    assert follower.look() is None  # somebody may still be writing
    assert "not used, all stays as it was: distribution.json" in str(follower.look())
    assert follower.look() is None
    path.write_bytes(good)
    os.utime(path, ns=(1, 1))
    assert [noticed.refused if (noticed := follower.look()) else None for _ in range(3)] == [None, "", None]


@on("healthy")
def test_what_is_refused_half_way_is_not_said_to_have_changed_nothing(
    running: lab.Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    follower = Follower(running)
    path = running.site / ORIGIN / "server.json"
    path.write_text(path.read_text().replace('"443"', '"444"'))
    monkeypatch.setattr(running.servers, "listen", fails)
    assert follower.look() is None
    assert str(follower.look()).endswith(" not all of it is used: Address already in use.")


def fails(*_: object) -> None:
    raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))


def test_folders_that_go_while_they_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two"):
        (tmp_path / name / "inside").mkdir(parents=True)
    seen = Path.stat

    def gone(path: Path, **given: bool) -> os.stat_result:
        if path.name == "inside":
            shutil.rmtree(tmp_path / {"one": "two", "two": "one"}[path.parent.name], ignore_errors=True)
        return seen(path, **given)

    monkeypatch.setattr(Path, "stat", gone)
    names = {Path(name).name for name, *_ in site.fingerprint(tmp_path)}
    assert names == {"one", "two", "inside"}


# --- leaks --------------------------------------------------------------------------------------------------------


def open_files() -> list[str]:
    found = []
    for path in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # what lists them was one itself
            found.append(str(path.readlink()).partition(":")[0])
    return sorted(found)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
def test_mending_and_stopping_leave_nothing_open() -> None:
    for name in ("port-dropped", "dns-stale-server-denies", "healthy-short-records"):
        with lab.start(name) as first:  # what is imported on the way stays open, once
            assert first.viewers
        gc.collect()
        before = open_files()
        with warnings.catch_warnings():
            warnings.simplefilter("error", ResourceWarning)
            with lab.start(name) as running:
                assert running.viewers
                assert bool(running.recursor()) == name.startswith("dns")
                if running.is_mendable:
                    running.mend()
                running.reload()
                assert answers(running) == {200}
            gc.collect()
        assert open_files() == before, name


def test_tls_versions_have_names() -> None:
    with lab.start("tls-protocol-old-only") as running:
        server = json.loads((running.site / ORIGIN / "server.json").read_bytes())
    port = server["addresses"][0]["ports"]["443"]
    assert (port["minimum"], port["maximum"]) == ("TLSv1", "TLSv1.1")
    assert ssl.TLSVersion.TLSv1_1
