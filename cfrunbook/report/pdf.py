"""Print a page as PDF with the Chromium that is there; without one there is a sentence instead.

https://developer.chrome.com/docs/chromium/headless
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from cfrunbook.files import short_temporary_folder
from cfrunbook.text import visible

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
"""Names under which Chromium and Chrome are installed, in the order in which they are looked for."""
SECONDS = 60.0
"""Seconds that printing may take."""
GONE_SECONDS = 2.0
"""Seconds that killed processes may take to be gone."""
_OPTIONS = (
    "--headless",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--disable-sync",
    "--no-pdf-header-footer",
    # The page's own policy forbids scripts and fetching; should anything get around that, it finds no host.
    "--host-resolver-rules=MAP * ~NOTFOUND",
)


def browser() -> str | None:
    """Return the path of a Chromium on this machine, or None."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def print_page(page: Path, output: Path, *, seconds: float = SECONDS) -> str:
    """Print the HTML file `page` to the PDF file `output` and return an empty text, else why there is none.

    Takes at most `seconds`. Raises OSError if `output` cannot be written.
    """
    program = browser()
    if program is None:
        return f"no Chromium was found on PATH (looked for {', '.join(BROWSERS)}); print report.html from a browser"
    # Chromium makes a socket among temporary files, and breaks down where the name of that is too long for one.
    with tempfile.TemporaryDirectory(prefix="cfr-", dir=short_temporary_folder(), ignore_cleanup_errors=True) as folder:
        printed = Path(folder) / "report.pdf"
        command = [program, *_OPTIONS, f"--user-data-dir={folder}/profile", f"--print-to-pdf={printed}"]
        # As root Chromium does not start with its own sandbox (https://crbug.com/638180).
        command += ["--no-sandbox"] if os.geteuid() == 0 else []
        why = _run([*command, page.absolute().as_uri()], seconds, {**os.environ, "TMPDIR": folder})
        if not why and not (printed.is_file() and printed.read_bytes()[:5] == b"%PDF-"):
            why = f"{Path(program).name} ended without one"
        if not why:
            output.write_bytes(printed.read_bytes())
    return f"{why}; print report.html from a browser" if why else ""


def _run(command: list[str], seconds: float, environment: Mapping[str, str]) -> str:
    """Run `command` in a process group of its own, and return what went wrong; nothing of it is left running."""
    try:
        process = subprocess.Popen(  # noqa: S603 (a browser by its name, our own options)
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        return f"{Path(command[0]).name} could not be started ({error.strerror or error})"
    try:
        _, errors = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        return f"{Path(command[0]).name} did not finish within {seconds:g} s"
    finally:
        _end(process)
    if process.returncode:
        last = errors.decode("utf-8", "replace").strip().splitlines()[-1:] or [f"status {process.returncode}"]
        return f"{Path(command[0]).name} failed ({visible(last[0], 200)})"
    return ""


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left of a process group, and wait until all of it is gone: it may be writing to our folder."""
    until = time.monotonic() + GONE_SECONDS
    with suppress(ProcessLookupError, PermissionError):
        while time.monotonic() < until:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            time.sleep(0.005)
