"""The arguments of `Incident.load` with what an id stands for fetched: the door's and the notebooks' one call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from cfrunbook.aws.identity import is_to_be_fetched
from cfrunbook.errors import BadInput
from cfrunbook.findings import NotExamined
from cfrunbook.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cfrunbook.aws.steps import Progress
    from cfrunbook.evidence import FirewallDump


def with_fetched(*, profile: str = "", progress: Progress | None = None, **given: Any) -> dict[str, Any]:
    """Return arguments of `Incident.load`, the distribution fetched where it is an id or an ARN; else as they are.

    What was given besides counts: policies and firewall rules beside those fetched; of rules of one kind, those given
    in place of those fetched, which is then said. Nothing is fetched beside a recording. Raises BadInput, in one
    sentence, also where the distribution could not be had and nothing else says which origin to examine.
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
    arguments |= {"distribution": found.get("distribution"), "aws": found["aws"], "secrets": fetched.secrets}
    own = arguments.get("policies") or ()
    arguments["policies"] = [*found.get("policies", ()), *(own if isinstance(own, list | tuple) else (own,))]
    arguments["firewall"], left_out = _firewall(arguments.get("firewall") or (), fetched.firewall)
    if left_out is not None:
        arguments["aws"] = replace(fetched.facts, not_fetched=(*fetched.facts.not_fetched, left_out))
    return arguments


def _firewall(given: Any, fetched: Sequence[FirewallDump]) -> tuple[Any, NotExamined | None]:
    """Return the rules to be judged together, and what is said of those fetched that are not. Raises BadInput.

    Packets have to get through all that stands before an origin: what one file holds says nothing about the rest.
    """
    if not given or not fetched:
        return given or fetched, None
    from cfrunbook.firewall import dumps, kinds

    own = [dumps.load(one) for one in (given if isinstance(given, list | tuple) else (given,))]
    rules = {_sort(dump) for dump in own} - kinds.COMPANIONS
    lists = {key for dump in own for key in _lists(dump)}
    beside = [d for d in fetched if _sort(d) not in rules and lists.isdisjoint(_lists(d))]
    if not (passed_over := [d for d in fetched if _sort(d) in rules]):
        return [*beside, *own], None
    names = ", ".join(visible(d.name, 60) for d in own if _sort(d) in rules)
    left_out = NotExamined(
        what=f"the {kinds.title(passed_over[0].kind)} in the account",
        why=f"others were given ({names}), and those count",
        next_check="Leave them out of --firewall to have those judged that are in force now.",
    )
    return [*beside, *own], left_out


def _sort(dump: FirewallDump) -> str:
    """Return the kind of a dump; security groups are the same in either form."""
    return "security_groups" if dump.kind == "security_group_rules" else dump.kind


def _lists(dump: FirewallDump) -> Iterable[str]:
    """Return the prefix lists whose entries a dump holds. Raises BadInput."""
    from cfrunbook.firewall import dumps, prefix_lists

    return prefix_lists.entries_of(dumps.mapping(dump), dump.name) if dump.kind == "prefix_list_entries" else ()
