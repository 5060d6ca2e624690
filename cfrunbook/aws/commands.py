"""`cfrunbook aws policy` and `cfrunbook aws logs`: options in, one call, text out."""

from __future__ import annotations

import argparse
import datetime as dt
import json
from typing import TYPE_CHECKING

from cfrunbook.aws import actions
from cfrunbook.errors import BadInput
from cfrunbook.text import visible

if TYPE_CHECKING:
    from cfrunbook.aws.steps import Progress

OK, COULD_NOT_TELL = 0, 3
"""Exit statuses."""


def policy_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `aws policy`."""
    known = "; ".join(f"{tier.value} {title}" for tier, title in actions.TITLES.items())
    parser.add_argument(
        "--tier", nargs="+", type=int, choices=[t.value for t in actions.Tier], metavar="N", help=f"{known} (all)"
    )


def print_policy(options: argparse.Namespace) -> int:
    """Print the IAM policy of the tiers asked for; it is JSON either way."""
    print(json.dumps(actions.policy(options.tier), indent=2))
    return OK


def logs_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `aws logs`."""
    parser.add_argument("distribution", metavar="ID", help="id, ARN or a name of the distribution")
    parser.add_argument("--folder", required=True, metavar="DIR", help="where the files go")
    parser.add_argument("--since", metavar="TIME", help="begin of the window, ISO 8601 (default: three hours before)")
    parser.add_argument("--until", metavar="TIME", help="end of the window, ISO 8601 (default: now)")
    parser.add_argument("--aws-profile", default="", metavar="NAME", help="profile to fetch with (default: as boto3)")


def download_logs(options: argparse.Namespace, progress: Progress) -> int:
    """Download log files, and say how many and what is missing. Raises BadInput."""
    from cfrunbook.aws.logs import fetch_logs

    fetched = fetch_logs(
        options.distribution,
        options.folder,
        start=_moment("--since", options.since),
        end=_moment("--until", options.until),
        profile=options.aws_profile,
        progress=progress,
    )
    if options.json:
        result = {
            "folder": visible(fetched.folder, 4096),
            "files": [visible(path.name) for path in fetched.files],
            "bytes": fetched.bytes,
            "not_examined": [{"what": n.what, "why": n.why, "next_check": n.next_check} for n in fetched.not_examined],
        }
        print(json.dumps(result, indent=2))
    else:
        print(f"{len(fetched.files)} log files in {visible(fetched.folder)} ({fetched.bytes} bytes downloaded).")
        for gap in fetched.not_examined:
            print(f"Not fetched: {gap.what}: {gap.why}. {gap.next_check}".rstrip())
    return OK if fetched.files else COULD_NOT_TELL


def _moment(option: str, text: str | None) -> dt.datetime | None:
    if not text:
        return None
    try:
        found = dt.datetime.fromisoformat(text.strip())
    except ValueError:
        raise BadInput(f"{option}: '{visible(text, 60)}' is not a time like 2026-11-22T18:00:00Z.") from None
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)
