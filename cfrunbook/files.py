"""Files that a person names: read in bounds, written whole. What cannot be done is said in one sentence."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path

from cfrunbook.errors import BadInput
from cfrunbook.text import visible

MAX_FILE_BYTES = 64 * 1024 * 1024
MOST_BEFORE_SOCKETS = 45
"""Characters. A Unix socket's name may have 107 on Linux, 103 on macOS; Chromium's takes 58, a kernel's less."""
_OWN_STREAM = re.compile(r"/dev/(?:fd/([0-9]+)|stdout|stderr)")


def read_bounded(path: Path, what: str, limit: int = MAX_FILE_BYTES) -> bytes:
    """Return the bytes of `path`; BadInput, in one sentence naming `what`, if missing, unreadable or over `limit`."""
    path = Path(path)
    try:
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except FileNotFoundError:
        raise BadInput(f"{what}: no such file: {visible(path)}.") from None
    except OSError as error:
        raise BadInput(f"{what}: cannot read {visible(path)}: {error.strerror or error}.") from error
    except ValueError:  # a NUL or a lone surrogate
        raise BadInput(f"{what}: {visible(path)} is not a file name.") from None
    if len(content) > limit:
        most = f"{limit >> 20} MiB" if limit >> 20 else f"{limit >> 10} KiB"
        raise BadInput(f"{what}: {visible(path)} is larger than {most}; refused.")
    return content


def write_whole(path: Path, content: bytes) -> None:
    """Write `content` to `path`: a regular file whole or not at all, anything else (a FIFO, /dev/stdout) in place.

    A symbolic link stays and its target is written. A new file gets the permissions that the umask allows, one that
    is there keeps its own. Raises BadInput with one sentence.
    """
    path = Path(path)
    try:
        if own := _OWN_STREAM.fullmatch(str(path)):
            # Opened by its name, a redirected stream would be truncated or replaced behind its owner's back.
            number = int(own[1]) if own[1] else 1 + path.name.endswith("err")
            with os.fdopen(os.dup(number), "wb") as stream:
                stream.write(content)
            return
        try:
            mode: int | None = path.stat().st_mode
        except FileNotFoundError:
            mode = None
        if mode is None or stat.S_ISREG(mode):
            _replace(Path(os.path.realpath(path)), content, mode)
        else:
            path.write_bytes(content)
    except OSError as error:
        raise BadInput(f"Cannot write {visible(path)}: {error.strerror or error}.") from error
    except (ValueError, OverflowError):  # a NUL, a lone surrogate, a descriptor beyond all numbers
        raise BadInput(f"Cannot write {visible(path)}: it is not a file name.") from None


def short_temporary_folder() -> Path:
    """Return where temporary files go; `/tmp` where the name of that leaves no room for those of sockets in it."""
    import tempfile

    place = Path(tempfile.gettempdir())
    common = Path("/tmp")  # noqa: S108 - for mkdtemp, which makes it private
    return common if len(str(place)) > MOST_BEFORE_SOCKETS and os.access(common, os.W_OK) else place


def write_aside(name: str, content: bytes) -> Path | None:
    """Write where temporary files go what cannot be where it belongs; return where it is, None if nowhere."""
    import shutil
    import tempfile

    try:
        folder = Path(tempfile.mkdtemp(prefix="cfrunbook-kept-"))
    except OSError:
        return None
    try:
        (folder / name).write_bytes(content)
    except OSError:  # no room for it, and none for a part of it
        shutil.rmtree(folder, ignore_errors=True)
        return None
    return folder / name


def write_new(paths: Iterable[Path], content: bytes) -> Path:
    """Write `content`, whole or not at all, to the first of `paths` that is not there; return that one.

    Of two processes that do so at once, each gets a path of its own. Raises BadInput with one sentence.
    """
    for path in paths:
        try:
            _put_new(path, content)
        except FileExistsError:
            continue
        except OSError as error:
            raise BadInput(f"Cannot write {visible(path)}: {error.strerror or error}.") from error
        return path
    raise BadInput(f"Cannot write {visible(path)}: every name of that kind is taken.")


def _put_new(path: Path, content: bytes) -> None:
    """Write to a temporary neighbour of `path` and link it. Raises FileExistsError where there is something."""
    if os.path.lexists(path):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
    temporary = path.with_name(f".{os.urandom(8).hex()}.part")
    try:
        with temporary.open("xb") as file:
            file.write(content)
        try:
            path.hardlink_to(temporary)
        except FileExistsError:
            raise
        except OSError:  # not every file system has links
            path.touch(exist_ok=False)  # the name is ours from now on
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _replace(path: Path, content: bytes, mode: int | None) -> None:
    """Write to a temporary neighbour of `path` and rename it, so that nothing half-written is ever seen."""
    temporary = path.with_name(f".{os.urandom(8).hex()}.part")
    if mode is not None and not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))  # a rename would not ask
    try:
        with temporary.open("xb") as file:
            if mode is not None:
                temporary.chmod(mode & 0o777)
            file.write(content)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
