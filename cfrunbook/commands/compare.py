"""`cfrunbook compare`: what changed between two configurations or two recordings, and what of it can cause a 502."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cfrunbook.comparison_inputs import Side
    from cfrunbook.findings import Comparison

EXAMPLE = "cfrunbook compare before.json after.json --url https://www.example.com/cart"
DESCRIPTION = "Say what changed between two configurations or two recordings: what can cause a 502 first."
STATUSES = (
    "Exit status: 0 no difference that can cause a 502, 1 there is one (or a fault that was not there before),\n"
    "2 bad input, 3 could not tell; 70 a defect."
)


def options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options to `parser`."""
    what = "get-distribution, get-distribution-config, bare config or list item; a recording (evidence.json); a policy"
    parser.add_argument("before", metavar="BEFORE", help=what)
    parser.add_argument("after", metavar="AFTER", help="the same at another time; or the staging distribution")
    parser.add_argument("--url", default="", metavar="URL", help="the failing URL: which changes its requests meet")
    parser.add_argument(
        "--policies",
        nargs="+",
        action="extend",
        default=[],
        metavar="FILE",
        help="get-origin-request-policy, get-cache-policy output that goes with the configurations",
    )
    parser.epilog = f"Example:\n  {EXAMPLE}\n\n{STATUSES}"


def call(given: argparse.Namespace, *, color: bool, width: int) -> int:
    """Compare, print, and return the exit status. Raises BadInput."""
    from cfrunbook import comparison_inputs as inputs
    from cfrunbook.cloudfront import policies, viewer_url

    known = policies.load(given.policies)
    url = viewer_url.parse(given.url) if given.url else None
    before, after = (
        inputs.load(source, known, url=url.text if url else "", what=what)
        for source, what in ((given.before, "Before"), (given.after, "After"))
    )
    found = _compare(before, after, given.url)
    if given.json:
        import msgspec

        sys.stdout.write(msgspec.json.format(msgspec.json.encode(found), indent=2).decode() + "\n")
    else:
        from cfrunbook.views import comparison

        print(comparison.render(found, color=color, width=width))
    return 1 if found.can_502 else 3 if found.outcome == "unknown" else 0


def _compare(before: Side, after: Side, url: str) -> Comparison:
    from cfrunbook import comparison
    from cfrunbook import comparison_inputs as inputs
    from cfrunbook.cloudfront import viewer_url

    recorded = next((s.observations.inputs.url for s in (after, before) if s.observations), "")
    asked = viewer_url.parse(url or recorded) if url or recorded else None
    has_both = before.configuration is not None and after.configuration is not None
    if before.observations is None or after.observations is None:
        found = inputs.compare(before, after, url=asked)
        mixed = before.observations is not None or after.observations is not None
        return comparison.with_note(found, comparison.MIXED) if mixed else found
    from cfrunbook.diagnosis import judge
    from cfrunbook.incident import Incident

    configuration = inputs.compare(before, after, url=asked) if has_both else None
    was, now = ((seen, judge(Incident.load(evidence=seen), seen)) for seen in (before.observations, after.observations))
    return comparison.of_recordings(was, now, configuration)
