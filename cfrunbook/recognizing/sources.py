"""What a person names: files, folders, texts, bytes, standard input; each read in bounds and handed to its reader."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from cfrunbook import files
from cfrunbook.errors import BadInput
from cfrunbook.evidence import GivenKind
from cfrunbook.recognizing import contents, words
from cfrunbook.recognizing.taken import Content, Taken, other
from cfrunbook.redaction import redact_words
from cfrunbook.text import visible

Item = str | Path | bytes | tuple[str, bytes]
"""A file or folder, a text or one word, bytes, or bytes with the name of the file they were in (an upload)."""

MAX_FILES = 2000
"""Files of one folder that are looked at one by one."""
MAX_FOLDER_BYTES = 256 * 1024 * 1024
"""Bytes of one folder's files that are read, beyond the beginnings of logs."""
_SAMPLE = 24
"""Files by which a larger folder is known as one of logs."""
_NOT_EVIDENCE = frozenset({".ipynb", ".pyc", ".DS_Store"})


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What one thing that was given was taken for."""

    given: str
    """Its name, or how it begins, in a form that may be shown."""
    taken: tuple[Taken, ...]


def read(item: Item) -> Iterator[Found]:
    """Yield what an item holds: one thing found for each file of a folder. Raises BadInput for one of another type."""
    if isinstance(item, tuple):
        yield _upload(item)
    elif isinstance(item, bytes):
        yield _found("bytes" if not _is_short(item) else _quoted(contents.decoded(item)), Content(content=item))
    elif isinstance(item, os.PathLike):
        yield from _path(Path(item))
    elif isinstance(item, str):
        yield from _text(item)
    else:
        raise BadInput(f"Anything: give files, folders, texts or bytes, not a value of type {type(item).__name__}.")


def _upload(item: tuple[str, bytes]) -> Found:
    if len(item) != 2 or not isinstance(item[0], str) or not isinstance(item[1], bytes | bytearray | memoryview):
        raise BadInput("Anything: a pair is a file's name and its bytes.")
    name = visible(item[0], 200) or "an upload"
    content = bytes(item[1])
    if len(content) > contents.MAX_BYTES:
        return Found(given=name, taken=tuple(_too_large()))
    return _found(name, Content(content=content, name=name))


def _text(text: str) -> Iterator[Found]:
    """Yield what a string is: a text of several lines; else a file of that name; else a word or a text."""
    plain = text.strip()
    if not plain:
        yield Found(given="nothing", taken=(Taken(kind=GivenKind.UNKNOWN, what="nothing: it is empty"),))
    elif plain == "-":
        yield _standard_input()
    elif "\n" in plain or len(plain) > 4096:
        yield _of_text(text)
    elif "://" in plain[:20] and " " not in plain:
        yield Found(given=_quoted(plain), taken=tuple(words.read(plain) or contents.read(_content(plain))))
    elif _exists(plain):
        yield from _path(Path(plain).expanduser())
    elif (found := words.read(plain)) is not None:
        yield Found(given=_quoted(plain), taken=tuple(found))
    elif (missing := _missing(plain)) is not None:
        yield Found(given=visible(plain, 200), taken=(missing,))
    else:
        yield _of_text(plain)


def _of_text(text: str) -> Found:
    content = _content(text)
    if len(content.content) > contents.MAX_BYTES:
        return Found(given="a text", taken=tuple(_too_large()))
    number = text.strip().count("\n") + 1
    return _found(_quoted(text) if number == 1 else f"a text of {number} lines", content)


def _content(text: str) -> Content:
    return Content(content=text.encode("utf-8", "surrogatepass" if text.isascii() else "replace"))


def _quoted(text: str) -> str:
    """Return how a text begins, without what looks like a secret; words of a known form are shown as they are."""
    found = words.read(text.strip())
    if found and found[0].shown:
        return visible(found[0].shown, 300)
    return f"“{visible(redact_words(text.strip()[:80]), 80)}”"


def _is_short(content: bytes) -> bool:
    return len(content) < 300 and b"\n" not in content.strip()


def _missing(word: str) -> Taken | None:
    """Return that a word names a file that is not there; None where it is rather a text."""
    ending = word.rpartition(".")[2].lower() if "." in word.rpartition("/")[2] else ""
    is_name = " " not in word and (ending in words.FILE_ENDINGS or word.startswith(("/", "./", "../", "~")))
    if not is_name or len(word) > 1000:
        return None
    return Taken(
        kind=GivenKind.UNKNOWN, what="a file that is not there", notes=(f"There is no file {visible(word, 300)}.",)
    )


def _exists(name: str) -> bool:
    try:
        return Path(name).expanduser().exists()
    except (OSError, ValueError, RuntimeError):
        return False


def _standard_input() -> Found:
    """Return what comes by standard input, at most as much as is looked at of a file."""
    content = sys.stdin.buffer.read(contents.MAX_BYTES + 1)
    if len(content) > contents.MAX_BYTES:
        return Found(given="standard input", taken=tuple(_too_large()))
    return _found("standard input", Content(content=content, name="standard input"))


def _too_large() -> list[Taken]:
    return other(
        f"more than {contents.MAX_BYTES // (1024 * 1024)} MiB, and no access log", "Give the part that matters."
    )


def _found(given: str, content: Content) -> Found:
    return Found(given=given, taken=tuple(contents.read(content)))


# --- files and folders --------------------------------------------------------------------------------------------


def _path(path: Path) -> Iterator[Found]:
    try:
        mode = path.stat()
    except FileNotFoundError:
        yield Found(given=visible(path, 300), taken=tuple(_unreadable("a file that is not there", path)))
        return
    except (OSError, ValueError) as error:
        yield Found(given=visible(path, 300), taken=tuple(_unreadable("a file that cannot be read", path, error)))
        return
    if stat.S_ISDIR(mode.st_mode):
        yield from _folder(path)
    else:
        yield _file(path, mode)


def _unreadable(what: str, path: Path, error: Exception | None = None) -> list[Taken]:
    why = f": {getattr(error, 'strerror', None) or error}" if error else ""
    return [
        Taken(kind=GivenKind.UNKNOWN, what=f"{what}{visible(why, 120)}", notes=(f"Its name: {visible(path, 300)}",))
    ]


def _file(path: Path, mode: os.stat_result) -> Found:
    """Return what a file is: a log by its beginning, all else by all of it. What is no regular file is read once."""
    shown = visible(path, 300)
    regular = stat.S_ISREG(mode.st_mode)
    try:
        if regular and mode.st_size > contents.HEAD:
            with path.open("rb") as file:
                head = file.read(contents.HEAD)
            if contents.begins_as_log(head):
                return _found(shown, Content(content=head, name=shown, path=path))
            if mode.st_size > contents.MAX_BYTES:
                return Found(given=shown, taken=tuple(_too_large()))
        content = files.read_bounded(path, "Anything", contents.MAX_BYTES)
    except BadInput as error:
        return Found(given=shown, taken=tuple(_unreadable("a file that cannot be read", path, error)))
    except OSError as error:
        return Found(given=shown, taken=tuple(_unreadable("a file that cannot be read", path, error)))
    return _found(shown, Content(content=content, name=shown, path=path if regular else None))


def _folder(folder: Path) -> Iterator[Found]:
    """Yield what the files of a folder are. One that holds logs alone is one thing, however many there are."""
    inside = list(_inside(folder))
    shown = visible(folder, 300)
    if not inside:
        yield Found(given=shown, taken=(Taken(kind=GivenKind.UNKNOWN, what="a folder with nothing in it to look at"),))
        return
    step = max(1, len(inside) // _SAMPLE)
    if len(inside) > 1 and all(_is_log(path) for path in inside[::step]) and (
        len(inside) > MAX_FILES or all(_is_log(path) for path in inside)
    ):  # fmt: skip
        number = f"{len(inside):,}" if len(inside) <= MAX_FILES else f"more than {MAX_FILES:,}"
        taken = Taken(
            kind=GivenKind.LOGS, what=f"a folder of {number} access logs", input="logs", value=folder, shown=shown
        )
        yield Found(given=shown, taken=(taken,))
        return
    if len(inside) > MAX_FILES:
        note = f"It has more than {MAX_FILES:,} files, which are not all logs: name those that matter."
        yield Found(given=shown, taken=(Taken(kind=GivenKind.UNKNOWN, what="a large folder", notes=(note,)),))
        return
    left = MAX_FOLDER_BYTES
    for path in inside:
        mode = path.stat()
        if left < 0:
            note = f"Of a folder at most {MAX_FOLDER_BYTES // (1024 * 1024)} MiB are read: name the files that matter."
            yield Found(given=shown, taken=(Taken(kind=GivenKind.UNKNOWN, what="a large folder", notes=(note,)),))
            return
        found = _file(path, mode)
        if found.taken[0].kind is not GivenKind.LOGS:
            left -= mode.st_size
        yield msgspec.structs.replace(
            found, taken=tuple(msgspec.structs.replace(taken, is_inside=True) for taken in found.taken)
        )


def _inside(folder: Path) -> Iterator[Path]:
    """Yield the regular files of a folder by name, at most one more than `MAX_FILES`; no hidden ones, no notebooks."""
    number = 0
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__")))
        for name in sorted(names):
            path = Path(place, name)
            if name.startswith(".") or path.suffix in _NOT_EVIDENCE:
                continue
            try:
                is_file = stat.S_ISREG(path.stat().st_mode)
            except OSError:
                continue
            if is_file:
                yield path
                number += 1
                if number > MAX_FILES:
                    return


def _is_log(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return contents.begins_as_log(file.read(contents.HEAD if path.suffix != ".gz" else 65_536))
    except OSError:
        return False


def all_of(items: Iterable[Item]) -> list[Found]:
    """Return what every item is. Raises BadInput for an item of a type that is none of these."""
    given = [items] if isinstance(items, str | bytes | os.PathLike) else list(items)
    return [found for item in given for found in read(item)]
