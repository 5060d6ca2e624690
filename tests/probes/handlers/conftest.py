"""Handlers written on the spot, and the events they get."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from cfrunbook.probes.handlers import HandlerLimits, HandlerRun, run_handler

REQUEST = {"clientIp": "192.0.2.7", "method": "GET", "uri": "/a", "querystring": "", "headers": {}}


def edge_event(event_type: str = "viewer-request", **parts: Any) -> dict[str, Any]:
    config = {
        "distributionDomainName": "d111111abcdef8.cloudfront.net",
        "eventType": event_type,
        "requestId": "4TyzHTaY",
    }
    return {"Records": [{"cf": {"config": config, "request": REQUEST, **parts}}]}


def function_event(**request: Any) -> dict[str, Any]:
    given = {"method": "GET", "uri": "/a", "querystring": {}, "headers": {}, "cookies": {}, **request}
    context = {"distributionId": "EDFDVBD6EXAMPLE", "eventType": "viewer-request", "requestId": "4TyzHTaY"}
    return {"version": "1.0", "context": context, "viewer": {"ip": "192.0.2.7"}, "request": given}


Runner = Callable[..., HandlerRun]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """The folder of a deployment package."""
    folder = tmp_path / "package"
    folder.mkdir()
    return folder


@pytest.fixture
def run(package: Path) -> Runner:
    """Write `code` to a file and run it; more files and options by name."""

    def runner(file: str, code: str, *, files: dict[str, str] | None = None, **options: Any) -> HandlerRun:
        for name, text in {**(files or {}), file: code}.items():
            path = package / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text))
        options.setdefault("kind", "lambda-edge")
        options.setdefault("event", edge_event() if options["kind"] == "lambda-edge" else function_event())
        options.setdefault("limits", HandlerLimits(seconds=30))
        return asyncio.run(run_handler(package / options.pop("path", file), **options))

    return runner
