"""What the fuzzers share: led by coverage where atheris is installed, else blind mutation of the same seeds; replay.

https://pypi.org/project/atheris/
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

SECONDS = 20
"""What each fuzzer takes by default in `make fuzz`; a real run takes minutes or hours."""
ONE_INPUT_S = 10
"""Seconds after which an input counts as a hang."""

try:
    atheris: Any = importlib.import_module("atheris")
except ModuleNotFoundError:
    atheris = None

Test = Callable[[bytes], None]


def instrumented(*packages: str) -> AbstractContextManager[object]:
    """Return in what context to import what is to be led by coverage."""
    found: AbstractContextManager[object] = atheris.instrument_imports(include=packages) if atheris else nullcontext()
    return found


def guided(test: Test, seeds: Sequence[bytes], seconds: int, corpus: Path, max_input: int) -> None:
    """Let libFuzzer run; ends the process."""
    for number, seed in enumerate(seeds):
        (corpus / f"seed-{number}").write_bytes(seed)
    limits = [f"-max_total_time={seconds}", f"-max_len={max_input}", f"-timeout={ONE_INPUT_S}", "-rss_limit_mb=2048"]
    quiet = ["-len_control=10", "-print_final_stats=1", "-reload=0", "-verbosity=0"]
    atheris.Setup([sys.argv[0], *limits, *quiet, str(corpus)], test)
    atheris.Fuzz()


def blind(test: Test, seeds: Sequence[bytes], seconds: int, seed: int, max_input: int) -> int:
    """Mutate the seeds without guidance; return an exit status."""
    chance, executions = random.Random(seed), 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        data = mutated(chance.choice(seeds), chance, seeds)[:max_input]
        started = time.monotonic()
        try:
            test(data)
            if time.monotonic() - started > ONE_INPUT_S:
                raise AssertionError("a hang")
        except Exception as error:  # noqa: BLE001 - whatever is raised is the finding
            path = Path(f"crash-{hashlib.sha1(data).hexdigest()}")
            path.write_bytes(data)
            print(f"{type(error).__name__}: {error}\nafter {executions} executions, input in {path}")
            return 1
        executions += 1
    print(f"{executions} executions in {seconds} s, mutated blindly (seed {seed}): nothing found")
    return 0


def mutated(data: bytes, chance: random.Random, corpus: Sequence[bytes]) -> bytes:
    """Return an input a few edits away."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        place = chance.randrange(len(changed) + 1)
        match chance.randrange(5):
            case 0 if changed:
                changed[place % len(changed)] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
            case 1:
                changed[place:place] = chance.randbytes(chance.choice((1, 3, 40)))
            case 2:
                del changed[place : place + chance.choice((1, 3, 40))]
            case 3:
                other = chance.choice(corpus)
                changed[place:] = other[chance.randrange(len(other)) :]
            case _:
                changed += changed[place:] * chance.choice((1, 1, 50))
    return bytes(changed)


def main(title: str, test: Test, seeds: Sequence[bytes], max_input: int) -> int:
    """Fuzz for a while, or replay what was found; `title` is the first line of the help."""
    parser = argparse.ArgumentParser(description=title)
    parser.add_argument("replay", nargs="*", type=Path, metavar="FILE", help="inputs to replay instead of fuzzing")
    parser.add_argument("--seconds", type=int, default=SECONDS, help=f"how long (default: {SECONDS})")
    parser.add_argument("--seed", type=int, default=1, help="for blind mutation (default: 1)")
    parser.add_argument("--corpus", type=Path, help="folder in which atheris keeps what it found worth keeping")
    options = parser.parse_args()
    for path in options.replay:
        test(path.read_bytes())
        print(f"{path}: nothing found")
    if options.replay:
        return 0
    for seed in seeds:
        test(seed)
    if atheris is None:
        print("atheris is not installed (pip install atheris): mutating blindly instead")
        return blind(test, seeds, options.seconds, options.seed, max_input)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        corpus = options.corpus or Path(folder)
        corpus.mkdir(parents=True, exist_ok=True)
        guided(test, seeds, options.seconds, corpus, max_input)
    return 0
