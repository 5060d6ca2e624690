"""Bytecode beside our modules, as an installation with pip has it and the peers written in Python have too.

Of a checkout it is written when a module is first imported, but never with PYTHONDONTWRITEBYTECODE, as containers often
have it: every start would compile everything anew, and that would be measured.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path


def write() -> None:
    """Write what is missing or out of date. In a process of its own: who measures memory stays small."""
    spec = find_spec("cfrunbook")
    assert spec is not None
    assert spec.origin is not None
    package, benchmarks = Path(spec.origin).parent, Path(__file__).parent.parent
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(package), str(benchmarks)], check=False)
