"""The arguments of `Incident.load` with what an id stands for fetched: the door's and the notebooks' one call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cfrunbook.aws.identity import is_to_be_fetched
from cfrunbook.errors import BadInput

if TYPE_CHECKING:
    from cfrunbook.aws.steps import Progress


def with_fetched(*, profile: str = "", progress: Progress | None = None, **given: Any) -> dict[str, Any]:
    """Return arguments of `Incident.load`, the distribution fetched where it is an id or an ARN; else as they are.

    What was given besides counts: policies beside those fetched, firewall rules in place of those fetched. Nothing is
    fetched beside a recording. Raises BadInput, in one sentence, also where the distribution could not be had and
    nothing else says which origin to examine.
    """
    arguments = dict(given)
    if arguments.get("anything"):
        from cfrunbook import recognizing

        arguments = recognizing.applied(arguments)
        is_named = not recognizing.has_id_alone(arguments)
    else:
        is_named = True
    source = arguments.get("distribution")
    if arguments.get("evidence") or not isinstance(source, str) or not is_to_be_fetched(source):
        return arguments
    from cfrunbook.aws.fetching import fetch
    from cfrunbook.incident import moment

    try:
        fetched = fetch(
            source,
            url=arguments.get("url") or "",
            origin=arguments.get("origin") or "",
            profile=profile,
            at=moment(arguments.get("at")),
            progress=progress,
        )
    except BadInput as error:
        if is_named:
            raise
        return recognizing.not_fetched(arguments, f"It could not be fetched: {error}")
    if fetched.distribution is None and not is_named:
        missed = fetched.not_examined[0]
        arguments = recognizing.not_fetched(arguments, f"It could not be fetched: {missed.why}. {missed.next_check}")
        if not arguments.get("origin"):
            return arguments
    elif fetched.distribution is None and not arguments.get("origin"):
        missed = fetched.not_examined[0]
        raise BadInput(f"Distribution: {source} could not be fetched: {missed.why}. {missed.next_check}")
    found = fetched.inputs
    arguments |= {"distribution": found.get("distribution"), "aws": found["aws"]}
    own = arguments.get("policies") or ()
    arguments["policies"] = [*found.get("policies", ()), *(own if isinstance(own, list | tuple) else (own,))]
    if not arguments.get("firewall"):
        arguments["firewall"] = found.get("firewall", ())
    return arguments
