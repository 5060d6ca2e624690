"""The report page in a real browser: JavaScript off, every request refused; and what axe says of it."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cfrunbook import lab
from cfrunbook.causes import edge_function
from cfrunbook.diagnosis import judge
from cfrunbook.incident import Incident
from cfrunbook.observation import observe_sync
from cfrunbook.runbook import pictures
from cfrunbook.views import figures, html

pytestmark = pytest.mark.needs("chromium")

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), headless=True, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Any, tmp_path: Path, at: dt.datetime) -> Iterator[Any]:
    contexts = []

    def open_page(sample: Any, viewport: dict[str, int], **options: Any) -> tuple[Any, list[str]]:
        file = tmp_path / "report.html"
        page_html = html.report_page(
            sample.diagnosis,
            sample.observations,
            targets=sample.targets,
            figures=[figures.stage_path(sample.diagnosis)],
            generated_at=at,
        )
        file.write_text(page_html, encoding="utf-8")
        context = browser.new_context(viewport=viewport, java_script_enabled=False, **options)
        contexts.append(context)
        requests: list[str] = []
        context.on("request", lambda request: requests.append(request.url))
        context.route(lambda url: not url.startswith("file:"), lambda route: route.abort())
        page = context.new_page()
        page.goto(file.as_uri())
        assert requests.pop(0) == file.as_uri()
        return page, requests

    yield open_page
    for context in contexts:
        context.close()


@pytest.mark.parametrize("viewport", [PHONE, {"width": 1280, "height": 800}], ids=["phone", "desktop"])
def test_fits_the_screen_and_asks_for_nothing(open_page: Any, sample: Any, viewport: dict[str, int]) -> None:
    page, requests = open_page(sample, viewport)

    widths = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert widths[0] <= widths[1] == viewport["width"]
    label = page.locator(".cfr-verdict .cfr-label").bounding_box()
    assert label["y"] + label["height"] < viewport["height"]
    assert requests == []


@pytest.mark.parametrize("name", ["fault", "unknown", "ok"])
def test_first_screen_of_a_phone(open_page: Any, samples: dict[str, Any], name: str) -> None:
    page, _ = open_page(samples[name], PHONE)

    first = [".cfr-sentence", ".cfr-path >> nth=0", ".cfr-act h3 >> nth=0"]
    if name == "fault":
        first += [".cfr-stage.cfr-fault >> nth=0", ".cfr-broken", "text=Verify the fix >> nth=0"]
    for selector in first:
        box = page.locator(selector).bounding_box()
        assert box["y"] + box["height"] <= PHONE["height"], selector


def test_a_link_to_a_finding_leads_there(open_page: Any, samples: dict[str, Any]) -> None:
    page, _ = open_page(samples["fault"], PHONE)
    page.goto(page.url + "#finding-certificate.expires_soon")
    box = page.locator("[id='finding-certificate.expires_soon']").bounding_box()
    assert 0 <= box["y"] < PHONE["height"]


def test_print_opens_every_finding(open_page: Any, samples: dict[str, Any]) -> None:
    page, requests = open_page(samples["fault"], {"width": 1280, "height": 800})
    body = page.locator("[id='finding-certificate.expires_soon'] .cfr-body")
    assert not body.is_visible()
    page.emulate_media(media="print")
    assert body.is_visible()
    assert page.pdf(format="A4").startswith(b"%PDF")
    assert requests == []


def test_dark_as_the_system_is_and_light_in_print(open_page: Any, samples: dict[str, Any]) -> None:
    page, _ = open_page(samples["fault"], PHONE, color_scheme="dark")
    paper = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(paper) == "rgb(19, 23, 28)"
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate(paper) == "rgb(255, 255, 255)"


# --- accessible ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def full_page(at: dt.datetime) -> str:
    """A page with everything on it: access logs and their figures, functions' results, and what changed."""
    with lab.start("lambda-edge-header-read-only-deleted") as running:
        incident = Incident.load(lab=running.file)
        seen = observe_sync(incident)
    diagnosis = judge(incident, seen)
    return html.report_page(
        diagnosis,
        seen,
        targets=incident.targets,
        figures=pictures.everything(incident, seen, diagnosis),
        log_figures=pictures.of_logs(incident, seen, diagnosis),
        judged=edge_function.judged(seen.inputs.functions),
        notebooks=[html.NotebookLink("06_edge_function", "notebooks/06_edge_function.ipynb", "fault")],
        failed=[html.FailedNotebook("05_dns", "DeadKernelError: the kernel died")],
        files=[html.NotebookLink("evidence.json", "evidence.json", "everything that was seen")],
        generated_at=at,
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(
    browser: Any, samples: dict[str, Any], full_page: str, at: dt.datetime, tmp_path: Path, scheme: str
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    shown = {"full": full_page}
    for name, sample in samples.items():
        drawn = [figures.stage_path(sample.diagnosis)]
        shown[name] = html.report_page(sample.diagnosis, sample.observations, figures=drawn, generated_at=at)
    # axe is a script, and it is put in past the page's own policy, which allows none.
    context = browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme=scheme, bypass_csp=True)
    page, found = context.new_page(), {}
    for name, content in shown.items():
        (tmp_path / "page.html").write_text(content, encoding="utf-8")
        page.goto((tmp_path / "page.html").as_uri())
        page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        result = Axe().run(page)
        if result.violations_count:
            found[name] = result.generate_report()
    context.close()
    assert not found, "\n".join(f"{name}: {report}" for name, report in found.items())


def test_what_a_person_opens_by_keyboard(open_page: Any, samples: dict[str, Any]) -> None:
    page, _ = open_page(samples["fault"], PHONE)
    card = "[id='finding-certificate.expires_soon--shop-origin-443']"
    page.locator(f"{card} > summary").focus()
    page.keyboard.press("Enter")
    assert page.locator(f"{card} .cfr-body").is_visible()
    link = page.locator(f"{card} .cfr-codes a")
    assert link.inner_text() == "#finding-certificate.expires_soon--shop-origin-443"
