"""The result codes of rule dumps within the cause "port": what the firewall's own rules say of CloudFront's addresses.

`{rule}` is the rule that decides, with its file and line; `{ranges}` names the list of addresses and its age.
"""

from __future__ import annotations

from cfrunbook.causes.port_rules import TIMEOUT_PAGE
from cfrunbook.findings import Cause, Remedy, Rule, Stage, Status, Step

RANGES_PAGE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/LocationsOfEdgeServers.html"
LISTS_PAGE = "https://docs.aws.amazon.com/vpc/latest/userguide/working-with-aws-managed-prefix-lists.html"

_COMMAND = "cfrunbook firewall --port {port!q} --ip-address-type {type!q}{how} {files}"
_VERIFY = Step(
    text="Save the rules again in the same way: all of CloudFront's addresses are allowed. Then request the failing URL"
    " again; CloudFront caches an error for at least 10 seconds.",
    command=_COMMAND,
)


_ADD = Remedy(steps=(Step(text="Let in TCP {port} from {prefixes}, in front of the rule that keeps it out."),))
"""Where the judge has no rule in the firewall's own language."""


def _rule(code: str, status: Status, title: str, meaning: str, **more: object) -> Rule:
    fields: dict[str, object] = {
        "stage": Stage.TCP,
        "source": RANGES_PAGE,
        "reproduce": _COMMAND,
        "verify": _VERIFY,
        **more,
    }
    if status is Status.FAULT:
        fields["remedy"] = _ADD
    return Rule(
        code=f"port.firewall_{code}",
        cause=Cause.PORT,
        status=status,
        title=title,
        meaning=meaning + " Addresses: {ranges}.{notes}",
        **fields,  # type: ignore[arg-type]
    )


BLOCKS_ALL = _rule(
    "blocks_all",
    Status.FAULT,
    "The firewall {does} every one of CloudFront's {family} addresses at port {port}: {rule}.",
    "{effect}",
    source=TIMEOUT_PAGE,
    cloudfront_status=504,
)
BLOCKS_SOME = _rule(
    "blocks_some",
    Status.FAULT,
    "The firewall {does} {share} of CloudFront at port {port} ({prefixes}; {rule}); some requests fail.",
    "{effect} Which of its addresses CloudFront connects from changes with the edge location, so this comes and goes.",
    cloudfront_status=504,
)
STALE_LIST = _rule(
    "stale_list",
    Status.FAULT,
    "The firewall's list of CloudFront's addresses is that of {older}: at port {port} it {does} {share} that AWS added"
    " since ({prefixes}); some requests fail.",
    "{effect} Missing is exactly what AWS added between that list and today's, so nothing else is wrong with the rules."
    " Which of its addresses CloudFront connects from changes with the edge location, so this comes and goes.",
    source=LISTS_PAGE,
    cloudfront_status=504,
)
FORBIDS = _rule(
    "forbids",
    Status.WARNING,
    "nginx answers {share} of CloudFront 403 at port {port}: {rule}.",
    "The connection comes about, so this is no 502: CloudFront passes nginx's 403 on, and viewers meet it at the edge"
    " locations that connect from there.",
    stage=Stage.HTTP,
    remedy=_ADD,
)
UNDECIDABLE = _rule(
    "undecidable",
    Status.UNKNOWN,
    "Whether the firewall lets in {share} of CloudFront at port {port} cannot be told from {rule}.",
    "{why}.",
    next_check="{ask}.",
)
UNREADABLE = _rule(
    "unreadable",
    Status.UNKNOWN,
    "The firewall's rules could not be read: {why}",
    "Nothing is said of CloudFront's addresses.",
    next_check="Save the rules again with the command that is named, and give that file.",
)
OPEN_TO_ALL = _rule(
    "open_to_all",
    Status.INFO,
    "The firewall lets in everybody at port {port}, not only CloudFront: {rule}.",
    "No cause of an error. Whoever knows the origin's address can go around CloudFront, its WAF and its signed URLs; an"
    " allow list keeps others out, and a secret custom header keeps out other people's distributions.",
    source=LISTS_PAGE,
)
ALLOWS = _rule(
    "allows",
    Status.OK,
    "The firewall lets in all of CloudFront's {family} addresses at port {port}: {rule}.",
    "By the rules given, no packet of CloudFront is dropped or rejected there. What stands before or behind it is not"
    " in them.",
    source=LISTS_PAGE,
)

RULES: tuple[Rule, ...] = (BLOCKS_ALL, STALE_LIST, BLOCKS_SOME, FORBIDS, UNDECIDABLE, UNREADABLE, OPEN_TO_ALL, ALLOWS)
