"""Rules about the `origin` object of an origin-request function: one origin, and the limits of its fields."""

from __future__ import annotations

from cfrunbook.findings import Status
from cfrunbook.functions.lambda_edge import rule_words as words
from cfrunbook.functions.lambda_edge.rule_words import rule
from cfrunbook.functions.model import Certainty, Effect

_ORIGIN_REQUEST = {"events": words.ORIGIN_REQUEST}
_CUSTOM = (
    "request.origin = {{ custom: {{\n  domainName: 'origin.example.com', path: '', port: 443, protocol: 'https',\n"
    "  sslProtocols: ['TLSv1.2'], readTimeout: 30, keepaliveTimeout: 5, customHeaders: {{}},\n}} }};"
)
_CUSTOM_PYTHON = (
    'request["origin"] = {{"custom": {{\n    "domainName": "origin.example.com", "path": "", "port": 443,\n'
    '    "protocol": "https", "sslProtocols": ["TLSv1.2"], "readTimeout": 30, "keepaliveTimeout": 5,\n'
    '    "customHeaders": {{}},\n}}}}'
)
_S3 = (
    "request.origin = {{ s3: {{\n  domainName: 'bucket.s3.eu-central-1.amazonaws.com', region: 'eu-central-1',\n"
    "  authMethod: 'none', path: '', customHeaders: {{}},\n}} }};"
)
_S3_PYTHON = (
    'request["origin"] = {{"s3": {{\n    "domainName": "bucket.s3.eu-central-1.amazonaws.com",\n'
    '    "region": "eu-central-1", "authMethod": "none", "path": "", "customHeaders": {{}},\n}}}}'
)
_SET = "request.origin.{kind}.{member} = {example};"
_SET_PYTHON = 'request["origin"]["{kind}"]["{member}"] = {example}'

ORIGIN_IN_VIEWER_REQUEST = rule(
    "origin_in_viewer_request",
    "The result has “origin”, which exists only in the origin-request event.",
    "A viewer-request function runs before the cache and cannot choose the origin. What CloudFront makes of “origin”"
    " there is not documented.",
    events=words.VIEWER_REQUEST,
    status=Status.WARNING,
    effect=Effect.NONE,
    certainty=Certainty.INFERRED,
    node="// Associate the function with origin-request instead of viewer-request.",
    python="# Associate the function with origin-request instead of viewer-request.",
)
ORIGIN_DELETED = rule(
    "origin_deleted",
    "The function deleted “origin” from the request.",
    "The request that came with the event had it. What CloudFront makes of its absence is not documented.",
    **_ORIGIN_REQUEST,
    status=Status.WARNING,
    effect=Effect.NONE,
    certainty=Certainty.INFERRED,
    node="const request = event.Records[0].cf.request;  // change this one, and return it",
    python='request = event["Records"][0]["cf"]["request"]  # change this one, and return it',
)
ORIGIN_TYPE = rule(
    "origin_type",
    "{path} is {value}; it has to be an object.",
    "“origin” holds one object, “custom” or “s3”, with the settings of the origin.",
    **_ORIGIN_REQUEST,
    certainty=Certainty.INFERRED,
    node=_CUSTOM,
    python=_CUSTOM_PYTHON,
)
ORIGIN_KIND = rule(
    "origin_kind",
    "“origin” has {members}; it has to have either “custom” or “s3”.",
    "A request goes to exactly one origin. One that came with the event stays in the object until it is replaced as a"
    " whole.",
    **_ORIGIN_REQUEST,
    node="request.origin = {{ custom: {{ ... }} }};  // replaces what was there; do not add to it",
    python='request["origin"] = {{"custom": {{...}}}}  # replaces what was there; do not add to it',
)
ORIGIN_MEMBER_MISSING = rule(
    "origin_member_missing",
    "The {kind} origin has no “{member}”, which it needs.",
    "All settings of the origin have to be given; CloudFront takes none from the distribution.",
    **_ORIGIN_REQUEST,
    node=_SET,
    python=_SET_PYTHON,
)
ORIGIN_DOMAIN_NAME = rule(
    "origin_domain_name",
    "The origin's domainName is “{value}”: it {problem}.",
    "It has to be a DNS name of at most 253 characters, without scheme, port, path or IP address.",
    **_ORIGIN_REQUEST,
    page=words.PAGE_DOMAIN_NAME,
    node="request.origin.custom.domainName = 'origin.example.com';",
    python='request["origin"]["custom"]["domainName"] = "origin.example.com"',
)
ORIGIN_S3_DOMAIN_NAME = rule(
    "origin_s3_domain_name",
    "The S3 origin's domainName is “{value}”: it {problem}.",
    "It has to be the bucket's own DNS name, in lower case and at most 128 characters:"
    " bucket.s3.region.amazonaws.com. A website endpoint is a custom origin.",
    **_ORIGIN_REQUEST,
    page=words.PAGE_DOMAIN_NAME,
    certainty=Certainty.DOCUMENTED,
    node=_S3,
    python=_S3_PYTHON,
)
ORIGIN_PATH = rule(
    "origin_path",
    "The origin's path is {value}: it {problem}.",
    "It is empty, or begins with / and does not end with it; at most 255 characters, percent-encoded.",
    **_ORIGIN_REQUEST,
    node="request.origin.{kind}.path = '/folder';  // or ''",
    python='request["origin"]["{kind}"]["path"] = "/folder"  # or ""',
)
ORIGIN_PORT = rule(
    "origin_port",
    "The origin's port is {value}; it has to be the number 80, 443 or one from 1024 to 65535.",
    "CloudFront connects to no other ports.",
    **_ORIGIN_REQUEST,
    node="request.origin.custom.port = 443;  // a number",
    python='request["origin"]["custom"]["port"] = 443  # a number',
)
ORIGIN_PROTOCOL = rule(
    "origin_protocol",
    "The origin's protocol is {value}; it has to be “http” or “https”.",
    "The distribution's protocol policies (http-only, match-viewer, https-only) do not exist here.",
    **_ORIGIN_REQUEST,
    node="request.origin.custom.protocol = 'https';",
    python='request["origin"]["custom"]["protocol"] = "https"',
)
ORIGIN_SSL_PROTOCOLS = rule(
    "origin_ssl_protocols",
    "The origin's sslProtocols is {value}: it {problem}.",
    "It is an array of TLSv1.2, TLSv1.1, TLSv1 and SSLv3. TLS 1.3 has no value here; CloudFront offers it anyway.",
    **_ORIGIN_REQUEST,
    node="request.origin.custom.sslProtocols = ['TLSv1.2'];",
    python='request["origin"]["custom"]["sslProtocols"] = ["TLSv1.2"]',
)
ORIGIN_READ_TIMEOUT = rule(
    "origin_read_timeout",
    "The origin's readTimeout is {value}; it has to be a number from 1 to 120 (seconds).",
    "It is how long CloudFront waits for the next part of the answer.",
    **_ORIGIN_REQUEST,
    node="request.origin.{kind}.readTimeout = 30;",
    python='request["origin"]["{kind}"]["readTimeout"] = 30',
)
ORIGIN_KEEPALIVE_TIMEOUT = rule(
    "origin_keepalive_timeout",
    "The origin's keepaliveTimeout is {value}; it has to be a number from 1 to 120 (seconds).",
    "It is how long CloudFront keeps an idle connection.",
    **_ORIGIN_REQUEST,
    node="request.origin.custom.keepaliveTimeout = 5;",
    python='request["origin"]["custom"]["keepaliveTimeout"] = 5',
)
ORIGIN_COMPLETION_TIMEOUT = rule(
    "origin_completion_timeout",
    "The origin's responseCompletionTimeout is {value}; it has to be 0 or a number of seconds, at least readTimeout.",
    "It is how long all of an answer may take, with every retry; 0 or leaving it out means no limit.",
    **_ORIGIN_REQUEST,
    node="request.origin.{kind}.responseCompletionTimeout = 0;",
    python='request["origin"]["{kind}"]["responseCompletionTimeout"] = 0',
)
ORIGIN_TIMEOUT_RAISED = rule(
    "origin_timeout_raised",
    "The function raised {member} of the origin from {before} to {value} seconds.",
    "A value above the one configured in the distribution may make the function fail where it is above the account's"
    " quota.",
    **_ORIGIN_REQUEST,
    status=Status.WARNING,
    effect=Effect.NONE,
    source=words.RESTRICTIONS,
    node="request.origin.{kind}.{member} = {before};  // or raise it in the distribution as well",
    python='request["origin"]["{kind}"]["{member}"] = {before}  # or raise it in the distribution as well',
)
ORIGIN_AUTH_METHOD = rule(
    "origin_auth_method",
    "The S3 origin's authMethod is {value}; it has to be “none” or “origin-access-identity”.",
    "Origin access control cannot be said here.",
    **_ORIGIN_REQUEST,
    node="request.origin.s3.authMethod = 'none';",
    python='request["origin"]["s3"]["authMethod"] = "none"',
)
ORIGIN_REGION = rule(
    "origin_region",
    "The S3 origin uses an origin access identity, and its region is {value}.",
    "CloudFront signs the request for the bucket's region, so it has to know it.",
    **_ORIGIN_REQUEST,
    node="request.origin.s3.region = 'eu-central-1';",
    python='request["origin"]["s3"]["region"] = "eu-central-1"',
)
CUSTOM_HEADER_DENIED = rule(
    "custom_header_denied",
    "“{header}” ({path}) cannot be a custom header of an origin.",
    "CloudFront sets or removes these headers itself. In “request.headers” some of them may be changed.",
    **_ORIGIN_REQUEST,
    page=words.PAGE_CUSTOM_HEADER,
    source=words.CUSTOM_HEADERS,
    node="delete request.origin.{kind}.customHeaders[{header!r}];",
    python='request["origin"]["{kind}"]["customHeaders"].pop({header!r}, None)',
)
CUSTOM_HEADER_INVALID = rule(
    "custom_header_invalid",
    "A custom header of the origin is not valid ({path}): {problem}",
    "Custom headers have the same structure as the headers of the request: arrays of {{key, value}} objects.",
    **_ORIGIN_REQUEST,
    page=words.PAGE_CUSTOM_HEADER,
    certainty=Certainty.REPORTED,
    node="request.origin.{kind}.customHeaders['x-name'] = [{{ key: 'X-Name', value: 'text' }}];",
    python='request["origin"]["{kind}"]["customHeaders"]["x-name"] = [{{"key": "X-Name", "value": "text"}}]',
)
CUSTOM_HEADER_COLLISION = rule(
    "custom_header_collision",
    "“{header}” is both a custom header of the origin ({path}) and a header of the request.",
    "A header may be in only one of the two.",
    **_ORIGIN_REQUEST,
    page=words.PAGE_CUSTOM_HEADER,
    node="delete request.headers[{header!r}];  // or delete it from customHeaders",
    python='request["headers"].pop({header!r}, None)  # or delete it from customHeaders',
)
CUSTOM_HEADERS_SIZE = rule(
    "custom_headers_size",
    "The origin's custom headers are over a limit: {problem}.",
    "In a distribution there are at most 30 of them, with names of 256, values of 1,783 and 10,240 characters in all."
    " Whether a function may set more is not documented.",
    **_ORIGIN_REQUEST,
    status=Status.WARNING,
    effect=Effect.NONE,
    source=words.QUOTAS,
    certainty=Certainty.INFERRED,
    node="request.headers['x-name'] = [{{ key: 'X-Name', value }}];  // headers of the request are not limited so",
    python='request["headers"]["x-name"] = [{{"key": "X-Name", "value": value}}]  # not limited so',
)
ORIGIN_HOST_HEADER = rule(
    "origin_host_header",
    "The function changed the origin to {domain}, and the Host header is still {host}.",
    "Changing the origin does not change Host. S3 answers 403 to a Host that is not the bucket; a custom origin may"
    " show a certificate for another name, and that is a 502.",
    **_ORIGIN_REQUEST,
    status=Status.WARNING,
    effect=Effect.NONE,
    node="request.headers.host = [{{ key: 'Host', value: {domain!r} }}];",
    python='request["headers"]["host"] = [{{"key": "Host", "value": {domain!r}}}]',
)

RULES = (
    ORIGIN_IN_VIEWER_REQUEST, ORIGIN_DELETED, ORIGIN_TYPE, ORIGIN_KIND, ORIGIN_MEMBER_MISSING, ORIGIN_DOMAIN_NAME,
    ORIGIN_S3_DOMAIN_NAME, ORIGIN_PATH, ORIGIN_PORT, ORIGIN_PROTOCOL, ORIGIN_SSL_PROTOCOLS, ORIGIN_READ_TIMEOUT,
    ORIGIN_KEEPALIVE_TIMEOUT, ORIGIN_COMPLETION_TIMEOUT, ORIGIN_TIMEOUT_RAISED, ORIGIN_AUTH_METHOD, ORIGIN_REGION,
    CUSTOM_HEADER_DENIED, CUSTOM_HEADER_INVALID, CUSTOM_HEADER_COLLISION, CUSTOM_HEADERS_SIZE, ORIGIN_HOST_HEADER,
)  # fmt: skip
