"""A look that is stopped: it ends at once, what was seen until then is kept, and nothing is cleared by it."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from cfrunbook import evidence, lab
from cfrunbook.diagnosis import judge
from cfrunbook.evidence import Observations
from cfrunbook.incident import Incident
from cfrunbook.observation import observe


def stopped_after(incident: Incident, lines: int) -> Observations:
    """Look until so many lines of progress were told."""

    async def look() -> Observations:
        stop, told = asyncio.Event(), 0

        def progress(_: str) -> None:
            nonlocal told
            told += 1
            if told == lines:
                stop.set()

        seen = await observe(incident, progress=progress, stop=stop)
        assert asyncio.all_tasks() == {asyncio.current_task()}, "no probe goes on"
        return seen

    return asyncio.run(look())


@pytest.mark.parametrize("name", ["healthy", "dns-healthy", "certificate-expired"])
def test_part_of_a_look_never_clears_an_origin_and_never_finds_another_fault(name: str) -> None:
    with lab.start(name) as running:
        incident = Incident.load(lab=running.file)
        whole = judge(incident, stopped_after(incident, -1)).verdict
        for lines in (1, 2, 4, 9):
            seen = stopped_after(incident, lines)
            verdict = judge(incident, seen).verdict
            assert seen.stopped_after is not None
            assert (verdict.status, verdict.code) in {("unknown", None), (whole.status, whole.code)} - {("ok", None)}
            if verdict.status == "unknown":
                assert "the rest of the look" in verdict.sentence or "was stopped" in verdict.sentence
                assert verdict.next_check == "Look again, and let it come to its end."


def test_it_does_not_wait_for_what_is_silent() -> None:
    with lab.start("port-silent") as running:
        incident = msgspec.structs.replace(Incident.load(lab=running.file), deadline=600.0)

        async def look() -> Observations:
            stop = asyncio.Event()
            asyncio.get_running_loop().call_later(0.05, stop.set)
            return await observe(incident, stop=stop)

        seen = asyncio.run(look())
    assert seen.stopped_after is not None
    assert evidence.from_json(seen.to_json()) == seen


def test_a_look_that_comes_to_its_end_was_not_stopped() -> None:
    with lab.start("healthy") as running:
        seen = stopped_after(Incident.load(lab=running.file), 10_000)
    assert seen.stopped_after is None
    assert not [n for n in seen.not_observed if n.what == "the rest of the look"]


def test_what_goes_wrong_inside_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    with lab.start("healthy") as running:
        incident = Incident.load(lab=running.file)
        monkeypatch.setattr("cfrunbook.probes.tcp.connect", broken)
        with pytest.raises(ExceptionGroup):
            stopped_after(incident, 10_000)
