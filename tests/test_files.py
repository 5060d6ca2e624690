"""What is written is whole, and what is not a regular file stays what it is."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from cfrunbook.errors import BadInput
from cfrunbook.files import read_bounded, write_aside, write_new, write_whole


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_regular_file_is_replaced_at_once(tmp_path: Path) -> None:
    path = tmp_path / "evidence.json"
    write_whole(path, b"old")
    with path.open("rb") as before:
        write_whole(path, b"new")
        assert before.read() == b"old", "who reads the old file reads it to its end"
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == ["evidence.json"]


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "evidence.json"
    path.write_bytes(b"old")

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(BadInput, match=r"Cannot write .*evidence\.json: No space left on device\."):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["evidence.json"]


def test_a_neighbour_is_never_in_the_way(tmp_path: Path) -> None:
    (tmp_path / ".evidence.json.part").write_bytes(b"somebody else's")
    write_whole(tmp_path / "evidence.json", b"{}")
    assert (tmp_path / ".evidence.json.part").read_bytes() == b"somebody else's"


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_a_new_file_has_the_permissions_of_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        write_whole(tmp_path / "new.json", b"{}")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new.json").stat().st_mode) == 0o666 & ~umask


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666])
def test_a_file_that_is_there_keeps_its_permissions(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "evidence.json"
    path.write_bytes(b"")
    path.chmod(mode)
    write_whole(path, b"{}")
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_a_file_that_may_not_be_written_is_not_replaced_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "evidence.json"
    path.write_bytes(b"old")
    path.chmod(0o444)
    if os.geteuid() == 0:  # who may write everything
        monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(BadInput, match="Permission denied"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("exists", [True, False])
def test_a_symbolic_link_stays_one(tmp_path: Path, exists: bool) -> None:
    (tmp_path / "kept").mkdir()
    target = tmp_path / "kept" / "real.json"
    if exists:
        target.write_bytes(b"old")
    link = tmp_path / "link.json"
    link.symlink_to("kept/real.json")
    write_whole(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert names(target.parent) == ["real.json"]


def test_a_fifo_stays_one_and_its_reader_gets_the_content(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(fifo.read_bytes()))
    reader.start()
    write_whole(fifo, b"{}")
    reader.join(timeout=10)
    assert got == [b"{}"]
    assert stat.S_ISFIFO(fifo.stat().st_mode)
    assert names(tmp_path) == ["fifo"]


@pytest.mark.parametrize("through_a_link", [False, True])
def test_a_device_stays_one(tmp_path: Path, through_a_link: bool) -> None:
    path = Path("/dev/null")
    if through_a_link:
        path = tmp_path / "null"
        path.symlink_to("/dev/null")
    write_whole(path, b"{}")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1"])
def test_standard_output_that_is_redirected_to_a_file_is_added_to(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    os.write(1, b"before ")
    write_whole(Path(name), b"{}")
    os.write(1, b" after")
    assert capfd.readouterr().out == "before {} after"


@pytest.mark.parametrize(
    "name",
    [
        "nowhere/evidence.json",
        ".",
        "a\0b",
        "\ud800.json",
        "/dev/fd/987654",
        f"/dev/fd/{2**70}",
        "file/evidence.json",
        "loop",
    ],
)
def test_what_cannot_be_written_is_said_in_one_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(BadInput, match=r"^Cannot write ") as refused:
        write_whole(tmp_path / name, b"{}")
    assert "\n" not in str(refused.value)
    assert names(tmp_path) == ["file", "loop"]


@pytest.mark.parametrize(("limit", "most"), [(200_000, "195 KiB"), (20 * 1024 * 1024, "20 MiB")])
def test_what_is_too_large_is_said_with_the_limit(tmp_path: Path, limit: int, most: str) -> None:
    path = tmp_path / "large"
    path.touch()
    os.truncate(path, limit + 1)
    with pytest.raises(BadInput, match=f"larger than {most}; refused"):
        read_bounded(path, "File", limit)


def test_names_that_are_not_text_are_names_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"\xff.json")
    write_whole(path, b"{}")
    assert read_bounded(path, "It") == b"{}"


def test_of_what_cannot_be_kept_aside_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert write_aside("no folder/evidence.json", b"{}") is None
    assert names(tmp_path) == []
    kept = write_aside("evidence.json", b"{}")
    assert kept is not None
    assert kept.read_bytes() == b"{}"


def test_a_new_file_takes_no_other_ones_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [tmp_path / name for name in ("a", "b", "c", "d", "e")]
    paths[0].write_text("mine")
    paths[1].symlink_to("nowhere")
    assert write_new(paths, b"first") == paths[2]

    def no_links(path: Path, _: object) -> None:
        if path == paths[3]:
            path.write_text("another process's, meanwhile")
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("pathlib.Path.hardlink_to", no_links)
    assert write_new(paths, b"second") == paths[4]
    with pytest.raises(BadInput, match=r"Cannot write .*e: every name of that kind is taken\."):
        write_new(paths, b"third")
    assert [p.read_bytes() for p in (paths[0], *paths[2:])] == [
        b"mine",
        b"first",
        b"another process's, meanwhile",
        b"second",
    ]
    assert names(tmp_path) == ["a", "b", "c", "d", "e"]
