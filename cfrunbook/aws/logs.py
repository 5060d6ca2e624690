"""Tier 1: where access logs go, and the log files of a window of time, downloaded in bounds.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logging.html
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cfrunbook.aws import configuration, reading
from cfrunbook.aws.session import AwsError, Session, open_session
from cfrunbook.aws.steps import Progress, Steps
from cfrunbook.aws_facts import MAX_ARN, MAX_NAME, LogDestination
from cfrunbook.cloudfront import distribution_reader
from cfrunbook.errors import BadInput
from cfrunbook.findings import NotExamined
from cfrunbook.text import visible

REGION = "us-east-1"
"""Where the deliveries of CloudFront's logs are configured."""
MAX_FILES = 2400
MAX_BYTES = 1024 * 1024 * 1024
"""Files and bytes of one download, unless told otherwise."""
MAX_FILE_BYTES = 512 * 1024 * 1024
MAX_HOURS = 24 * 7
LATEST_WINDOW = dt.timedelta(hours=3)
_PIECE = 1024 * 1024

_BUCKET = re.compile(r"(?P<bucket>[A-Za-z0-9][A-Za-z0-9._-]{1,253}?)(\.s3([.-][a-z0-9-]+)?\.amazonaws\.com(\.cn)?)?")
_BUCKET_ARN = re.compile(r"arn:aws[a-z-]*:s3:::(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(?P<prefix>.*))?")
_HOUR = re.compile(r"\.(\d{4}-\d{2}-\d{2}-\d{2})\.")
_VARIABLE = re.compile(r"\{([A-Za-z]+)\}")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def start_destinations(steps: Steps, arn: str, document: Mapping[str, Any]) -> None:
    """Start fetching where the logs of a distribution go: standard logs from its document, others from CloudWatch."""
    config = reading.node(reading.node(document, "Distribution"), "DistributionConfig")
    logging = reading.node(config, "Logging")
    if reading.text(logging, "Bucket", MAX_ARN):
        steps.keep(
            LogDestination(
                kind="standard",
                type="S3",
                where=reading.text(logging, "Bucket", MAX_ARN),
                prefix=reading.text(logging, "Prefix", MAX_NAME),
                format="w3c",
                enabled=reading.flag(logging, "Enabled", default=True),
            )
        )
    behaviors = [
        reading.node(config, "DefaultCacheBehavior"),
        *reading.nodes(reading.node(config, "CacheBehaviors"), "Items"),
    ]
    for found in dict.fromkeys(reading.text(b, "RealtimeLogConfigArn", MAX_ARN) for b in behaviors):
        if found:
            steps.keep(LogDestination(kind="real-time", type="Kinesis", where=found))
    if arn:
        steps.start("the deliveries of standard logging v2", _deliveries, arn)


def _deliveries(steps: Steps, arn: str) -> None:
    listed, _ = steps.session.pages(
        "logs", "DescribeDeliverySources", "deliverySources", marks=("nextToken", "nextToken"), region=REGION, limit=50
    )
    mine = {
        reading.text(s, "name")
        for s in listed
        if arn in reading.texts(s, "resourceArns", 1000, MAX_ARN) and reading.text(s, "logType") == "ACCESS_LOGS"
    }
    if not mine:
        return
    deliveries, _ = steps.session.pages(
        "logs", "DescribeDeliveries", "deliveries", marks=("nextToken", "nextToken"), region=REGION, limit=50
    )
    destinations, _ = steps.session.pages(
        "logs",
        "DescribeDeliveryDestinations",
        "deliveryDestinations",
        marks=("nextToken", "nextToken"),
        region=REGION,
        limit=50,
    )
    by_arn = {reading.text(d, "arn", MAX_ARN): d for d in destinations}
    for delivery in deliveries:
        if reading.text(delivery, "deliverySourceName") not in mine:
            continue
        destination = by_arn.get(reading.text(delivery, "deliveryDestinationArn", MAX_ARN), {})
        where = reading.node(destination, "deliveryDestinationConfiguration")
        hive = reading.node(delivery, "s3DeliveryConfiguration")
        steps.keep(
            LogDestination(
                kind="standard-v2",
                type=reading.text(delivery, "deliveryDestinationType"),
                where=reading.text(where, "destinationResourceArn", MAX_ARN),
                prefix=reading.text(hive, "suffixPath", MAX_NAME),
                hive=reading.flag(hive, "enableHiveCompatiblePath"),
                format=reading.text(destination, "outputFormat"),
            )
        )


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a bucket the log files of one hour are."""

    bucket: str
    prefix: str
    """Of the keys to be listed."""


def places(
    destination: LogDestination, distribution: str, hours: Sequence[dt.datetime], account: str = ""
) -> tuple[Place, ...]:
    """Return where the log files of these hours may be; nothing where that cannot be told or is not S3.

    A file is called `ID.YYYY-MM-DD-HH.unique.gz`. Before that comes the prefix, with standard logging v2 also
    `AWSLogs/ACCOUNT/CloudFront/` and the suffix path; where the documentation leaves a choice, each is looked at.
    """
    if destination.type != "S3" or destination.hive:
        return ()
    pattern = _BUCKET if destination.kind == "standard" else _BUCKET_ARN
    found = pattern.fullmatch(destination.where)
    if not found:
        return ()
    result: dict[Place, None] = {}
    for hour in hours:
        if destination.kind == "standard":
            bases = {destination.prefix, f"{destination.prefix.rstrip('/')}/" if destination.prefix else ""}
        else:
            suffix = _filled(destination.prefix, distribution, account, hour)
            if "{" in suffix:
                return ()
            given = found["prefix"] or ""
            bases = {_joined(given, root, suffix) for root in ("", f"AWSLogs/{account}/CloudFront")}
        for base in sorted(bases):
            result[Place(found["bucket"], f"{base}{distribution}.{hour:%Y-%m-%d-%H}.")] = None
    return tuple(result)


def _filled(path: str, distribution: str, account: str, hour: dt.datetime) -> str:
    """Return a suffix path with its variables replaced; one that is not known stays."""
    known = {
        "distributionid": distribution, "accountid": account, "yyyy": f"{hour:%Y}", "mm": f"{hour:%m}",
        "dd": f"{hour:%d}", "hh": f"{hour:%H}",
    }  # fmt: skip
    return _VARIABLE.sub(lambda found: known.get(found[1].lower()) or found[0], path)


def _joined(*parts: str) -> str:
    """Return the parts of a key that are not empty, each with a slash behind it."""
    return "".join(f"{part.strip('/')}/" for part in parts if part.strip("/"))


@dataclass(frozen=True, slots=True)
class FetchedLogs:
    """Log files that were downloaded, and what was not."""

    folder: Path
    files: tuple[Path, ...]
    bytes: int
    destinations: tuple[LogDestination, ...]
    not_examined: tuple[NotExamined, ...]


def fetch_logs(
    distribution: str,
    folder: Path | str,
    *,
    start: dt.datetime | None = None,
    end: dt.datetime | None = None,
    profile: str = "",
    region: str = "",
    max_files: int = MAX_FILES,
    max_bytes: int = MAX_BYTES,
    seconds: float = 600.0,
    progress: Progress | None = None,
    session: Any = None,
) -> FetchedLogs:
    """Download the access logs of a window of time (default: the last three hours) into `folder`, within bounds.

    Which hour a file belongs to is told by its name; CloudFront delivers most within the hour, some up to a day later.
    A file that is there already is not fetched again. `session` is a boto3 session to use instead of `profile`. Raises
    BadInput, in one sentence.
    """
    now = dt.datetime.now(dt.UTC)
    end = now if end is None else end
    start = end - LATEST_WINDOW if start is None else start
    hours = _hours(start, end)
    target = Path(folder)
    look = Session(session or open_session(profile, region), seconds=seconds)
    try:
        document = configuration.fetch_distribution(look, distribution)
    except AwsError as error:
        why, next_check = error.said()
        raise BadInput(f"Distribution: {visible(distribution, 80)} could not be fetched: {why}. {next_check}") from None
    read = distribution_reader.load(document)
    arn = reading.text(reading.node(document, "Distribution"), "ARN", MAX_ARN)
    steps = Steps(look, progress=progress)
    start_destinations(steps, arn, document)
    steps.wait()
    found = steps.kept(LogDestination)
    missed = [*steps.missed]
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"Logs: cannot make the folder {visible(target)}: {error.strerror or error}.") from None
    download = _Download(look, target, max_files, max_bytes, progress or (lambda _: None))
    account = arn.split(":")[4] if arn.count(":") >= 5 else ""
    for destination in found:
        where = places(destination, read.id, hours, account if destination.kind == "standard-v2" else "")
        if not where:
            missed.append(_not_there(destination))
        for place in where:
            download.place(place)
    if found and not download.files and not download.missed:
        missed.append(
            NotExamined(
                what="access logs",
                why="there is no log file of this window where the distribution's logs go",
                next_check="Most files come within the hour, some up to a day later: try an earlier window.",
            )
        )
    if not found and not missed:
        missed.append(
            NotExamined(
                what="access logs",
                why=f"distribution {read.id} writes none",
                next_check="Turn standard logging on: CloudFront console > Distributions > the distribution > Logging.",
            )
        )
    files = tuple(dict.fromkeys(download.files))
    return FetchedLogs(target, files, download.bytes, tuple(found), tuple(dict.fromkeys((*missed, *download.missed))))


def _not_there(destination: LogDestination) -> NotExamined:
    kind = {"CWL": "CloudWatch Logs", "FH": "Firehose", "Kinesis": "a Kinesis stream"}.get(destination.type)
    where = visible(destination.where, 160)
    return NotExamined(
        what=f"the {destination.kind} logs in {where}",
        why=f"they go to {kind}, not to S3" if kind else "which of its files are those of the window is not known",
        next_check="Export them to files, and give those to `cfrunbook logs`.",
    )


def _hours(start: dt.datetime, end: dt.datetime) -> list[dt.datetime]:
    """Return the hours from `start` to `end`, UTC. Raises BadInput for a window that is none, or too long."""
    first, last = (reading.moment(moment) for moment in (start, end))
    if first is None or last is None or first > last:
        raise BadInput("Logs: the window must begin before it ends.")
    first = first.replace(minute=0, second=0, microsecond=0)
    count = int((last - first).total_seconds() // 3600) + 1
    if count > MAX_HOURS:
        raise BadInput(f"Logs: the window has {count} hours; at most {MAX_HOURS} are downloaded at a time.")
    return [first + dt.timedelta(hours=n) for n in range(count)]


class _Download:
    """Files on their way into one folder."""

    def __init__(self, session: Session, folder: Path, files: int, most: int, progress: Progress) -> None:
        self._session = session
        self._folder = folder
        self._max_files, self._max_bytes = files, most
        self._progress = progress
        self._failed_buckets: set[str] = set()
        self.files: list[Path] = []
        self.bytes = 0
        self.missed: list[NotExamined] = []

    def place(self, place: Place) -> None:
        """Download the files of one place; a bucket that fails once is not asked again."""
        if place.bucket in self._failed_buckets:
            return
        try:
            listed, more = self._session.pages(
                "s3",
                "ListObjectsV2",
                "Contents",
                marks=("ContinuationToken", "NextContinuationToken"),
                region=self._session.region,
                most=5,
                Bucket=place.bucket,
                Prefix=place.prefix,
            )
            if more:
                self.missed.append(reading.some_left_out(f"all log files {visible(place.prefix, 120)}", len(listed)))
            for node in listed:
                self._object(place, reading.text(node, "Key", 1024), reading.number(node, "Size"))
        except AwsError as error:
            self._failed_buckets.add(place.bucket)
            self.missed.append(error.not_examined(f"the log files in bucket {visible(place.bucket, 80)}"))

    def _object(self, place: Place, key: str, size: int) -> None:
        name = _UNSAFE.sub("_", key.rpartition("/")[2]).lstrip(".")
        if not name or not key.startswith(place.prefix) or not _HOUR.search(name):
            return
        path = self._folder / name
        if path in self.files:
            return
        if path.is_file() and path.stat().st_size == size:
            self.files.append(path)
            return
        shown = visible(key, 200)
        if len(self.files) >= self._max_files or self.bytes + size > self._max_bytes or size > MAX_FILE_BYTES:
            self.missed.append(
                NotExamined(
                    what="some log files of the window",
                    why=f"no more than {self._max_files} files and {self._max_bytes // _PIECE} MiB are downloaded",
                    next_check="Choose a shorter window.",
                )
            )
            return
        answer = self._session.call("s3", "GetObject", region=self._session.region, Bucket=place.bucket, Key=key)
        if _save(answer.get("Body"), path, size):
            self.files.append(path)
            self.bytes += size
            self._progress(f"AWS: {shown}")
        else:
            self.missed.append(NotExamined(what=f"log file {shown}", why="it did not come whole"))


def _save(body: Any, path: Path, size: int) -> bool:
    """Write a body of exactly `size` bytes to a file, whole or not at all. Raises BadInput."""
    temporary = path.with_name(f".{path.name}.part")
    try:
        with temporary.open("wb") as file:
            written = 0
            for piece in _pieces(body):
                written += len(piece)
                if written > size:
                    break
                file.write(piece)
        if written == size:
            temporary.replace(path)
        return written == size
    except OSError as error:
        raise BadInput(f"Logs: cannot write {visible(path)}: {error.strerror or error}.") from None
    finally:
        temporary.unlink(missing_ok=True)


def _pieces(body: Any) -> Iterator[bytes]:
    """Yield a streaming body; it ends where the connection does."""
    from botocore.exceptions import BotoCoreError

    try:
        while isinstance(piece := body.read(_PIECE), bytes) and piece:
            yield piece
    except (AttributeError, BotoCoreError, OSError):
        return
    finally:
        if hasattr(body, "close"):
            body.close()
