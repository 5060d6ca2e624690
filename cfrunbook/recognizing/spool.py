"""Access logs that came as bytes, put where a reader of files finds them, until this process ends."""

from __future__ import annotations

import atexit
import hashlib
import re
import shutil
import tempfile
from functools import lru_cache
from pathlib import Path

from cfrunbook.errors import BadInput
from cfrunbook.files import write_whole


def put(content: bytes, name: str) -> Path:
    """Return a file with `content`, readable by its owner alone; the same bytes are kept once. Raises BadInput.

    Its name ends in that of the upload: a log's own name says which hour it is of.
    """
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", name.replace("\\", "/").rpartition("/")[2])[-100:].lstrip(".") or "log"
    folder = _folder() / hashlib.sha256(content).hexdigest()[:16]
    path = folder / plain
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        is_there = path.is_file()
    except OSError as error:
        raise BadInput(f"Access logs: no place for what was pasted: {error.strerror or error}.") from None
    if not is_there:
        write_whole(path, content)
    return path


@lru_cache(maxsize=1)
def _folder() -> Path:
    """Return this process's own folder, which goes when it ends."""
    try:
        folder = tempfile.mkdtemp(prefix="cfrunbook-")
    except OSError as error:
        raise BadInput(f"Access logs: no place for what was pasted: {error.strerror or error}.") from None
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)
