"""Rules about the origin helpers of runtime 2.0 (`import cf from 'cloudfront'`) and what they are called with.

CloudFront answers 502 with one sentence for all of them, and neither `test-function` nor the console looks at them:
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/helper-functions-origin-modification.html
"""

from __future__ import annotations

from cfrunbook.findings import Status
from cfrunbook.functions.cloudfront_function.facts import GUIDE, HELPERS, SAMPLES
from cfrunbook.functions.cloudfront_function.rule_table import COULD_NOT_RUN, INVALID_ORIGIN, REQUEST, RESPONSE, rule
from cfrunbook.functions.model import Certainty, Effect, EventType, FunctionRule

_UPDATE = f"{HELPERS}#update-request-origin-helper-function"
_SELECT = f"{HELPERS}#select-request-origin-id-helper-function"
_GROUP = f"{HELPERS}#create-request-origin-group-helper-function"
_MUTUAL_TLS = f"{GUIDE}/origin-mtls-cloudfront-functions.html"
_HOST_AND_ACCESS_CONTROL = "https://github.com/graviavu/blog-samples/tree/main/cloudfront-request-routing"
_GIVE_DISTRIBUTION = "Give the distribution (--distribution) and the URL, so that its origins are known."


def _rule(
    name: str,
    *,
    title: str,
    meaning: str,
    fix: str = "",
    source: str = _UPDATE,
    events: tuple[EventType, ...] = REQUEST,
    status: Status = Status.FAULT,
    effect: Effect = Effect.VALIDATION,
    certainty: Certainty = Certainty.DOCUMENTED,
    next_check: str = "",
    page: str = INVALID_ORIGIN,
) -> FunctionRule:
    """Return a rule about a call of an origin helper."""
    return rule(
        name,
        title=title,
        meaning=meaning,
        source=source,
        events=events,
        status=status,
        effect=effect,
        certainty=certainty,
        page=page if status is Status.FAULT else "",
        fix=fix,
        next_check=next_check,
    )


AT_RESPONSE = _rule(
    "origin_at_response",
    events=RESPONSE,
    certainty=Certainty.INFERRED,
    page="",
    title="The function calls {helper} at viewer-response, where there is no origin to choose any more.",
    meaning="The helpers work at viewer-request only. Whether CloudFront then gives 502 or 503 is not documented.",
    source=HELPERS,
    fix="// associate this function with viewer-request",
)
RUNTIME_1 = _rule(
    "origin_runtime_1",
    effect=Effect.EXECUTION,
    page=COULD_NOT_RUN,
    title="The function calls {helper}, which runtime {runtime} does not have.",
    meaning="The module “cloudfront” needs cloudfront-js-2.0; in 1.0 the function fails to run: 503.",
    source=HELPERS,
    fix="// aws cloudfront update-function --function-config Runtime=cloudfront-js-2.0,...\n"
    "import cf from 'cloudfront';",
)
UNKNOWN_HELPER = _rule(
    "origin_helper_unknown",
    effect=Effect.EXECUTION,
    page=COULD_NOT_RUN,
    title="The function calls {helper}, a method that the module “cloudfront” does not have.",
    meaning="Calling what is not there throws: 503, FunctionExecutionError.",
    source=HELPERS,
    fix="cf.updateRequestOrigin({ domainName: 'www.example.com' });",
)
ARGUMENTS = _rule(
    "origin_arguments",
    title="{path} is {kind}; it must be {wanted}.",
    meaning="updateRequestOrigin and createRequestOriginGroup take one object, selectRequestOriginById an origin's id"
    " and maybe an object.",
    source=HELPERS,
    fix="cf.updateRequestOrigin({ domainName: 'www.example.com' });\ncf.selectRequestOriginById('my-origin');",
)
NOT_RECORDED = _rule(
    "origin_arguments_lost",
    status=Status.UNKNOWN,
    title="Cannot tell what {helper} was called with: the arguments were not recorded.",
    meaning="They have no JSON (a cycle, a BigInt), or too much of it.",
    source=HELPERS,
    next_check="Write JSON.stringify(settings) to the log before the call, and look at it.",
)
UNKNOWN_SETTING = _rule(
    "origin_setting_unknown",
    status=Status.WARNING,
    certainty=Certainty.INFERRED,
    title="{path} is no setting that {helper} documents; what CloudFront does with it is not known.",
    meaning="The names are those of the helper, not those of the API or of Lambda@Edge: {known}.",
    source=HELPERS,
    fix="cf.updateRequestOrigin({ domainName: 'www.example.com', originPath: '/v2' });",
)
DOMAIN = _rule(
    "origin_domain",
    title="{path} is {value}, and {problem}; it must be a DNS name of at most {limit} characters.",
    meaning="No scheme, no port, no path and no IP address: ports and protocol are in customOriginConfig, a path is"
    " originPath.",
    fix="cf.updateRequestOrigin({ domainName: 'www.example.com' });",
)
S3_DOMAIN = _rule(
    "origin_s3_domain",
    title="{path} is {value}, an S3 name that {problem}.",
    meaning="The DNS name of a bucket has at most 128 characters, all in lower case.",
    fix="cf.updateRequestOrigin({ domainName: 'amzn-s3-demo-bucket.s3.eu-west-1.amazonaws.com' });",
)
NOT_FOR_S3 = _rule(
    "origin_not_for_s3",
    status=Status.WARNING,
    title="{path} is set for an S3 bucket ({domain}); it is for other origins only.",
    meaning="The guide gives hostHeader, sni, allowedCertificateNames and customOriginConfig for origins that are not"
    " an S3 bucket.",
    fix="cf.updateRequestOrigin({ domainName: bucket });   // without «setting»",
)
PATH = _rule(
    "origin_path",
    title="{path} is {value}, and {problem}.",
    meaning="It begins with a slash, does not end with one, and has at most 255 characters.",
    fix="cf.updateRequestOrigin({ originPath: '/v2' });   // or '' for none",
)
CUSTOM_HEADER_SHAPE = _rule(
    "origin_custom_header_shape",
    title="{path} is {kind}; customHeaders is an object of plain strings.",
    meaning="Unlike request.headers, the values are no objects with a value, and no arrays as in Lambda@Edge.",
    fix="cf.updateRequestOrigin({ customHeaders: { 'x-stage': 'production' } });",
)
CUSTOM_HEADER_CASE = _rule(
    "origin_custom_header_case",
    title="The custom header name {name} has upper-case letters; it must be in lower case.",
    meaning="CloudFront writes the first letter of each word in upper case by itself.",
    fix="cf.updateRequestOrigin({ customHeaders: { '«lower»': value } });",
)
CUSTOM_HEADER_DENIED = _rule(
    "origin_custom_header_denied",
    title="{name} cannot be a custom header of an origin.",
    meaning="CloudFront sets it by itself, or it decides about caching or the connection. Host is hostHeader.",
    source=f"{GUIDE}/add-origin-custom-headers.html#add-origin-custom-headers-denylist",
    fix="cf.updateRequestOrigin({ hostHeader: 'www.example.com' });   // instead of customHeaders.host",
)
CUSTOM_HEADER_COLLISION = _rule(
    "origin_custom_header_collision",
    title="The custom header {name} is also a header of the request.",
    meaning="A header of that name cannot be in the request's headers as well: viewers who send it get 502.",
    fix="cf.updateRequestOrigin({ customHeaders: { 'x-from-edge-«name»': value } });   // a name no viewer sends",
)
CUSTOM_HEADER_VALUE = _rule(
    "origin_custom_header_value",
    certainty=Certainty.INFERRED,
    title="{path} holds a control character ({character}).",
    meaning="No HTTP message can carry it.",
    source="https://www.rfc-editor.org/rfc/rfc9110#section-5.5",
    fix="cf.updateRequestOrigin({ customHeaders: { 'x-note': encodeURIComponent(text) } });",
)
ATTEMPTS = _rule(
    "origin_attempts",
    title="{path} is {value}; it must be an integer from 1 to 3.",
    meaning="The number of times that CloudFront tries to connect.",
    fix="cf.updateRequestOrigin({ connectionAttempts: 3 });",
)
TIMEOUT = _rule(
    "origin_timeout",
    title="{path} is {value}; it must be a whole number of seconds {range}.",
    meaning="Seconds, not milliseconds. What the whole answer may take is at least what each packet may.",
    fix="cf.updateRequestOrigin({ timeouts: { readTimeout: 30, keepAliveTimeout: 5, connectionTimeout: 5 } });",
)
CONFIG_INCOMPLETE = _rule(
    "origin_config_incomplete",
    title="{path} lacks {missing}; port, protocol and sslProtocols are required together.",
    meaning="The guide names all three as required wherever customOriginConfig is given.",
    fix="cf.updateRequestOrigin({\n"
    "  customOriginConfig: { port: 443, protocol: 'https', sslProtocols: ['TLSv1.2'] },\n});",
)
PORT = _rule(
    "origin_port",
    title="{path} is {value}; it must be the number 80, 443, or 1024 to 65535.",
    meaning="CloudFront connects to no other ports.",
    fix="cf.updateRequestOrigin({\n"
    "  customOriginConfig: { port: 443, protocol: 'https', sslProtocols: ['TLSv1.2'] },\n});",
)
CHOICE = _rule(
    "origin_choice",
    title="{path} is {value}; it must be {wanted}.",
    meaning="The value is none of those that the guide names for this setting.",
    source=HELPERS,
    fix="«setting»: «example»",
)
SSL_PROTOCOLS = _rule(
    "origin_ssl_protocols",
    title="{path} {problem}; it is a list of {wanted}.",
    meaning="TLS 1.3 cannot be named; CloudFront offers it in any case.",
    fix="sslProtocols: ['TLSv1.2']",
)
ADDRESS_TYPE_ALONE = _rule(
    "origin_ip_address_type_alone",
    title="{path} is set, but domainName is not changed.",
    meaning="ipAddressType can only be changed together with domainName.",
    fix="cf.updateRequestOrigin({\n  domainName: 'www.example.com',\n"
    "  customOriginConfig: { port: 443, protocol: 'https', sslProtocols: ['TLSv1.2'],"
    " ipAddressType: 'dualstack' },\n});",
)
SHIELD = _rule(
    "origin_shield",
    title="{path} {problem}.",
    meaning="originShield has enabled, and the code of a region where it is true.",
    fix="originShield: { enabled: true, region: 'us-east-1' }",
)
ACCESS_CONTROL = _rule(
    "origin_access_control",
    title="{path} {problem}.",
    meaning="originAccessControlConfig has enabled, true or false; its other settings say how CloudFront signs.",
    fix="originAccessControlConfig: {\n"
    "  enabled: true, signingBehavior: 'always', signingProtocol: 'sigv4', originType: 's3',\n}",
)
ACCESS_CONTROL_TYPE = _rule(
    "origin_access_control_type",
    title="Origin access control is for {value}, but {domain} is {actual}.",
    meaning="If the type of the origin changes, originType must change with it.",
    fix="originAccessControlConfig: { enabled: false }   // for an origin without access control",
)
ACCESS_CONTROL_INHERITED = _rule(
    "origin_access_control_inherited",
    certainty=Certainty.REPORTED,
    title="The function goes from {assigned}, which has origin access control, to {domain}, another type of origin,"
    " and says nothing about access control.",
    meaning="What a call leaves out is inherited from the assigned origin: its access control then signs for another"
    " type of origin.",
    fix="cf.updateRequestOrigin({\n  domainName: '«domain»',\n  originAccessControlConfig: { enabled: false },\n});",
)
HOST_AND_ACCESS_CONTROL = _rule(
    "origin_host_header_access_control",
    certainty=Certainty.REPORTED,
    title="hostHeader is set while origin access control is {how}.",
    meaning="Calls with hostHeader were refused unless access control was switched off explicitly; without hostHeader"
    " the same calls passed.",
    source=_HOST_AND_ACCESS_CONTROL,
    fix="cf.updateRequestOrigin({ domainName: domain });   // without hostHeader, or with\n"
    "// originAccessControlConfig: { enabled: false }",
)
ACCESS_CONTROL_UNKNOWN = _rule(
    "origin_access_control_unknown",
    status=Status.UNKNOWN,
    title="Cannot tell whether the assigned origin has access control, which {helper} would inherit.",
    meaning="If it has, changing {what} without originAccessControlConfig is refused with 502.",
    fix="originAccessControlConfig: { enabled: false }   // says so explicitly",
    next_check=_GIVE_DISTRIBUTION,
)
VPC = _rule(
    "origin_vpc",
    page="",
    title="The assigned origin, {assigned}, is a VPC origin, which updateRequestOrigin cannot change.",
    meaning="The guide: the request will fail.",
    fix="cf.selectRequestOriginById('another-origin');",
)
MUTUAL_TLS = _rule(
    "origin_mutual_tls",
    status=Status.WARNING,
    title="{id} is an origin with mutual TLS, which {helper} has not always taken.",
    meaning="AWS's guide first said that this fails validation, and in newer copies says that it is supported.",
    source=_MUTUAL_TLS,
    fix="cf.updateRequestOrigin({ domainName: domain, mTLSConfig: 'inherit' });   // the same client certificate",
)
CERTIFICATE_NAMES = _rule(
    "origin_certificate_names",
    title="{path} {problem}.",
    meaning="allowedCertificateNames is a list of at most 20 names of at most 64 characters each.",
    fix="allowedCertificateNames: ['www.example.com']",
)
ID_UNKNOWN = _rule(
    "origin_id_unknown",
    title="The distribution has no origin {id}; it has {ids}.",
    meaning="Only origins of the distribution can be chosen, by the id they have there; an origin group cannot.",
    source=_SELECT,
    fix="cf.selectRequestOriginById('«first»');",
)
ID_UNCHECKED = _rule(
    "origin_id_unchecked",
    status=Status.UNKNOWN,
    title="Cannot tell whether the distribution has an origin {id}.",
    meaning="An id that it does not have is refused with 502.",
    source=_SELECT,
    next_check=_GIVE_DISTRIBUTION,
)
GROUP_INCOMPLETE = _rule(
    "origin_group_incomplete",
    title="{path} lacks {missing}; originIds and failoverCriteria.statusCodes are required.",
    meaning="A group needs its two origins and the statuses at which CloudFront turns to the second.",
    source=_GROUP,
    fix="cf.createRequestOriginGroup({\n  originIds: [{ originId: 'one' }, { originId: 'two' }],\n"
    "  failoverCriteria: { statusCodes: [500, 502, 503, 504] },\n});",
)
GROUP_MEMBERS = _rule(
    "origin_group_members",
    title="{path} {problem}; a group has exactly two origins.",
    meaning="The first is the primary, the second takes over.",
    source=_GROUP,
    fix="originIds: [{ originId: 'one' }, { originId: 'two' }]",
)
GROUP_STATUSES = _rule(
    "origin_group_statuses",
    title="{path} {problem}; failover is possible at {wanted}.",
    meaning="They are numbers, and only these. Failing to connect counts as 503, no answer in time as 504.",
    source=_GROUP,
    fix="failoverCriteria: { statusCodes: [500, 502, 503, 504] }",
)
GROUP_HOST = _rule(
    "origin_group_host",
    certainty=Certainty.REPORTED,
    title="{path} is set; people got 502 for any hostHeader in originOverrides of a group.",
    meaning="Reported in April 2026, whatever its value was.",
    source=f"{SAMPLES}/56",
    fix="originIds: [{ originId: 'one' }, { originId: 'two' }]   // without originOverrides.hostHeader",
)

RULES = (
    AT_RESPONSE, RUNTIME_1, UNKNOWN_HELPER, ARGUMENTS, NOT_RECORDED, UNKNOWN_SETTING, DOMAIN, S3_DOMAIN, NOT_FOR_S3,
    PATH, CUSTOM_HEADER_SHAPE, CUSTOM_HEADER_CASE, CUSTOM_HEADER_DENIED, CUSTOM_HEADER_COLLISION, CUSTOM_HEADER_VALUE,
    ATTEMPTS, TIMEOUT, CONFIG_INCOMPLETE, PORT, CHOICE, SSL_PROTOCOLS, ADDRESS_TYPE_ALONE, SHIELD, ACCESS_CONTROL,
    ACCESS_CONTROL_TYPE, ACCESS_CONTROL_INHERITED, HOST_AND_ACCESS_CONTROL, ACCESS_CONTROL_UNKNOWN, VPC, MUTUAL_TLS,
    CERTIFICATE_NAMES, ID_UNKNOWN, ID_UNCHECKED, GROUP_INCOMPLETE, GROUP_MEMBERS, GROUP_STATUSES, GROUP_HOST,
)  # fmt: skip
