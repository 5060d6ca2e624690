"""What a person gives to be compared, told by its content: a configuration, a recording (with one inside), policies."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec

from cfrunbook import comparison, free_text
from cfrunbook import evidence as recordings
from cfrunbook.cloudfront import changes, documents, policies, shapes
from cfrunbook.cloudfront import distribution_reader as distributions
from cfrunbook.cloudfront.changes import Configuration
from cfrunbook.cloudfront.distribution import Distribution
from cfrunbook.cloudfront.policies import Policies
from cfrunbook.cloudfront.viewer_url import ViewerUrl
from cfrunbook.errors import BadInput
from cfrunbook.evidence import Observations
from cfrunbook.files import read_bounded
from cfrunbook.findings import Comparison
from cfrunbook.text import visible

_POLICIES = shapes.POLICY.keys() - {"ETag", "Type"}


class Side(msgspec.Struct, frozen=True):
    """One side of a comparison."""

    name: str
    """The file as it was given, for people."""
    observations: Observations | None = None
    configuration: Configuration | None = None
    policies: Policies | None = None
    """Policies that were given by themselves."""


def load(source: Any, known: Policies | None = None, *, url: str = "", what: str) -> Side:
    """Return what `source` holds: a file, JSON, a dictionary or a recording already loaded.

    `known` are the policies that go with a configuration; `url` chooses one of several distributions. Raises BadInput
    in one sentence that `what` starts.
    """
    if isinstance(source, Observations):
        return _of_recording(source, "the recording", what)
    content, name = _content(source, what)
    if recordings.is_recording(content):
        return _of_recording(recordings.from_json(content, name=name), name, what)
    document = documents.decode(content, what, name)
    if isinstance(document, dict) and _POLICIES & document.keys():
        return Side(name=name, policies=policies.load([document]))
    return Side(name=name, configuration=changes.load(document, known, url=url, what=what))


def _content(source: Any, what: str) -> tuple[bytes, str]:
    is_path = isinstance(source, os.PathLike) or (isinstance(source, str) and source.lstrip()[:1] not in ("{", "["))
    if is_path and os.fspath(source):
        if isinstance(source, str) and distributions.is_id(source):
            raise BadInput(
                f"{what}: {visible(source, 120)} is an id, not a file; what a distribution was before, AWS does not"
                " keep: give a file with the output of `aws cloudfront get-distribution` of that time."
            )
        return read_bounded(Path(source), what), visible(source, 120)
    if isinstance(source, bytes):
        return source, "the document"
    return msgspec.json.encode(documents.read(source, what)), "the document"


def _of_recording(seen: Observations, name: str, what: str) -> Side:
    if seen.inputs.distribution is None:
        return Side(name=name, observations=seen)
    try:
        known = policies.load(seen.inputs.policies)
        read = distributions.parse(seen.inputs.distribution, url=seen.inputs.url)
    except BadInput as error:
        raise BadInput(f"{what}: {name} is a recording whose configuration cannot be read: {error}") from None
    return Side(name=name, observations=seen, configuration=of_kept(read, known))


def of_kept(read: Distribution, known: Policies) -> Configuration:
    """Return a configuration as a recording keeps it: without secrets and unknown members."""
    return Configuration(read, distributions.config_of(read), known, complete=False)


def compare(before: Side, after: Side, *, url: ViewerUrl | None = None) -> Comparison:
    """Return what differs between the configurations, or the policies, of two sides. Raises BadInput for none."""
    if before.configuration and after.configuration:
        found = changes.compare(before.configuration, after.configuration, url=url)
        told = comparison.of_configurations(before.configuration, after.configuration, found)
        secrets = before.configuration.distribution.secrets | after.configuration.distribution.secrets
        return free_text.of_comparison(told, secrets) if secrets else told
    if before.policies and after.policies:
        found = changes.compare_policies(before.policies, after.policies)
        if not changes.in_common(before.policies, after.policies):
            raise BadInput(f"compare: {before.name} and {after.name} hold no policy with the same id.")
        return comparison.of_policies(before.name, after.name, found)
    lacking = before if not before.configuration else after
    if lacking.policies:
        raise BadInput(f"compare: {lacking.name} holds policies, and the other file does not: nothing to compare.")
    raise BadInput(
        f"compare: {lacking.name} is a recording without a configuration in it, and the other file is no recording:"
        " they have nothing in common."
    )
