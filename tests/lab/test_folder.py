"""A folder goes with its owner, also with one that was killed, and nobody else's is touched."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cfrunbook.lab.folder import PREFIX, OwnedFolder


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def killed(folder_code: str = "OwnedFolder()") -> Path:
    """Return the folder of a process that ended by SIGKILL."""
    code = (
        "import signal; from cfrunbook.lab.folder import OwnedFolder;"
        f"owned = {folder_code}; (owned.path / 'lab.json').write_text('x');"
        "print(owned.path, flush=True); signal.pause()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        folder = Path(process.stdout.readline().strip())
        process.kill()
        assert process.wait(30) == -signal.SIGKILL
    return folder


def test_it_is_there_until_removed(temporary: Path) -> None:
    owned = OwnedFolder()
    assert owned.path.parent == temporary
    assert owned.path.is_dir()
    (owned.path / "x").write_text("x")
    owned.remove()
    owned.remove()
    assert not list(temporary.iterdir())


def test_it_goes_when_nobody_holds_it(temporary: Path) -> None:
    owned = OwnedFolder()
    del owned
    assert not list(temporary.iterdir())


def test_what_a_killed_process_left_is_removed_at_the_next_start(temporary: Path) -> None:
    folder = killed()
    assert (folder / "lab.json").is_file()
    owned = OwnedFolder()
    assert list(temporary.iterdir()) == [owned.path]
    owned.remove()


def test_folders_in_use_stay(temporary: Path) -> None:
    code = (
        "import sys; from cfrunbook.lab.folder import OwnedFolder; owned = OwnedFolder();"
        "print(owned.path, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        theirs = Path(process.stdout.readline().strip())
        mine, another = OwnedFolder(), OwnedFolder()
        assert set(temporary.iterdir()) == {theirs, mine.path, another.path}
        process.stdin.close()
        assert process.wait(30) == 0
    assert set(temporary.iterdir()) == {mine.path, another.path}
    mine.remove()
    another.remove()


def test_what_is_not_ours_stays(temporary: Path) -> None:
    (temporary / f"{PREFIX}file").write_text("a file")
    (temporary / f"{PREFIX}unlocked").mkdir()  # no lock file: somebody who is just starting, or somebody else's
    (temporary / "other").mkdir()
    (temporary / "other" / ".owner").write_text("another name")
    (temporary / f"{PREFIX}link").symlink_to(temporary / "other", target_is_directory=True)
    (temporary / f"{PREFIX}tricky").mkdir()
    (temporary / f"{PREFIX}tricky" / ".owner").symlink_to(temporary / "other" / ".owner")
    before = set(temporary.iterdir())
    OwnedFolder().remove()
    assert set(temporary.iterdir()) == before
    assert (temporary / "other" / ".owner").is_file()


def test_another_users_folder_stays(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = killed()
    monkeypatch.setattr("os.getuid", lambda: folder.stat().st_uid + 1)
    OwnedFolder().remove()
    assert folder.is_dir()


def test_many_starts_at_once_do_not_remove_each_others(temporary: Path) -> None:
    for _ in range(3):
        killed()
    code = (
        "from cfrunbook.lab.folder import OwnedFolder\n"
        "for _ in range(50):\n"
        "    owned = OwnedFolder(); (owned.path / 'x').write_text('x'); assert (owned.path / 'x').is_file()\n"
        "    owned.remove()\n"
    )
    processes = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(4)]
    assert [process.wait(60) for process in processes] == [0, 0, 0, 0]
    assert not list(temporary.iterdir())
