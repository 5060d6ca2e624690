"""The result codes of the cause "TLS name": what each says, how to see it, fix it and prove the fix."""

from __future__ import annotations

from cfrunbook.causes.family import Family
from cfrunbook.causes.remedies import ASK_OFTEN, UPDATE_DISTRIBUTION, WHICH_NAME
from cfrunbook.findings import Cause, Remedy, Rule, Stage, Status, Step

_GUIDE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
AWS_PAGE = _GUIDE + "http-502-bad-gateway.html#ssl-negotitation-failure"
ORIGIN_PAGE = _GUIDE + "using-https-cloudfront-to-custom-origin.html#using-https-cloudfront-to-origin-certificate"
NAMES_PAGE = _GUIDE + "cnames-and-https-requirements.html#https-requirements-domain-names-in-cert"

NAMES = (
    "openssl s_client -connect {connect!q} {sni_option} </dev/null 2>/dev/null"
    " | openssl x509 -noout -subject -ext subjectAltName -checkhost {sni!q}"
)
"""Prints the names of the leaf, and whether OpenSSL finds the wanted one among them."""

REFUSAL = (
    "openssl s_client -connect {connect!q} {sni_option} </dev/null 2>&1"
    " | grep -E 'alert|Cipher is|unexpected eof|Connection reset|errno'"
)
"""Prints the alert or how else the connection ends; `Cipher is (NONE)` means that no handshake came about."""

VERIFY = Step(
    text="It must print “does match certificate”. Then request the failing URL again; CloudFront caches an error for"
    " at least 10 seconds.",
    command=NAMES,
)

NAMES_BY_WAY = NAMES.replace("{sni_option}", "{sni_option} {openssl}")
"""The same, asked for one version and perhaps one kind of key."""

VERIFY_BY_WAY = Step(text="It must print “does match certificate”.", command=NAMES_BY_WAY)

_NEW_CERTIFICATE = Step(
    text="Put {sni} on the origin's certificate, and serve that certificate for the server name {sni}.",
    command="certbot certonly --nginx --expand -d {sni!q}\n"
    "# Load balancer: aws acm request-certificate --domain-name {sni!q} --validation-method DNS\n"
    "#   then: aws elbv2 add-listener-certificates --listener-arn LISTENER_ARN --certificates CertificateArn=ARN",
)
_DO_NOT_FORWARD_HOST = Step(
    text="Or do not forward Host, so that CloudFront sends {domain}: in the cache behavior choose the origin request"
    " policy AllViewerExceptHostHeader and a cache policy without Host. Both count:"
    " UseOriginCacheControlHeaders, its -QueryStrings variant and Amplify forward Host too. The application then sees"
    " {domain} as Host.",
    command="# OriginRequestPolicyId: b689b0a8-53d0-40ab-baf2-68738e2966ac  (AllViewerExceptHostHeader)\n"
    "# CachePolicyId: 658327ea-f89d-4fab-a63d-7e88639e58f6 (CachingOptimized)\n"
    "#             or 4135ea2d-6df8-44a3-9df3-4b5a84be39ad (CachingDisabled)\n" + UPDATE_DISTRIBUTION,
)
_CHANGE_DOMAIN = Step(
    text="Or change Origin Domain to a name that is on the certificate and resolves to this origin: {usable}.",
    command="# Console: Distributions > {distribution} > Origins > Edit > Origin domain\n"
    "# API: Origins.Items[].DomainName in config.json:\n" + UPDATE_DISTRIBUTION,
)
_HTTP_ONLY = Step(
    text="Last resort: stop using TLS to this origin (protocol policy HTTP only, OriginProtocolPolicy http-only)."
    " Requests then cross the internet in clear text.",
)
HOST_FORWARDED_REMEDY = Remedy(
    kind="one_of", steps=(_NEW_CERTIFICATE, _DO_NOT_FORWARD_HOST, _CHANGE_DOMAIN, _HTTP_ONLY)
)
ORIGIN_DOMAIN_REMEDY = Remedy(kind="one_of", steps=(_NEW_CERTIFICATE, _CHANGE_DOMAIN, _HTTP_ONLY))


_rule = Family(Cause.TLS_NAME, Stage.NAME, source=AWS_PAGE, reproduce=NAMES, verify=VERIFY).rule

MISMATCH = _rule(
    "mismatch",
    Status.FAULT,
    "The certificate for the server name {sni} carries neither it nor another name that CloudFront accepts"
    "{where}: it is for {carried}.",
    "CloudFront sends {sni} to this origin ({why}) and accepts a certificate for {acceptable}. {near}{default}"
    "{sometimes}",
    remedy=HOST_FORWARDED_REMEDY,
)
MISMATCH_IF_SENT = _rule(
    "mismatch_if_sent",
    Status.UNKNOWN,
    "If CloudFront sends the server name {sni}, the certificate does not fit{where}: it is for {carried}.",
    "Whether CloudFront sends {sni} is not certain ({why}); if it does, it answers 502. {near}{default}{sometimes}",
    remedy=HOST_FORWARDED_REMEDY,
    next_check=WHICH_NAME,
)
ORIGIN_DOMAIN_ONLY = _rule(
    "origin_domain_only",
    Status.WARNING,
    "The certificate for the server name {sni} carries the Origin Domain {domain} but not {sni} itself{where}.",
    "Host is forwarded. Two AWS pages accept a certificate for the Origin Domain then; a third wants one for the"
    " forwarded Host. If everything else is fine and CloudFront answers 502, this is why. {near}{sometimes}",
    source=ORIGIN_PAGE,
    remedy=HOST_FORWARDED_REMEDY,
)
COMMON_NAME_ONLY = _rule(
    "common_name_only",
    Status.WARNING,
    "The certificate carries {pattern} only as common name, without any subject alternative name{where}.",
    "AWS's documentation and TLS library still accept that; browsers and current TLS libraries do not, and no public"
    " CA issues such certificates.",
    source=NAMES_PAGE,
    remedy=Remedy(steps=(_NEW_CERTIFICATE,)),
)
SNI_REFUSED = _rule(
    "sni_refused",
    Status.FAULT,
    "The origin refuses the server name {sni}{where}: {how}{otherwise}.",
    "CloudFront sends {sni} ({why}), and the origin has no certificate for it.{sometimes}",
    remedy=HOST_FORWARDED_REMEDY,
    reproduce=REFUSAL,
)
SNI_REFUSED_IF_SENT = _rule(
    "sni_refused_if_sent",
    Status.UNKNOWN,
    "If CloudFront sends the server name {sni}, the origin refuses it{where}: {how}{otherwise}.",
    "Whether CloudFront sends {sni} is not certain ({why}); if it does, it answers 502.{sometimes}",
    remedy=HOST_FORWARDED_REMEDY,
    reproduce=REFUSAL,
    next_check=WHICH_NAME,
)
DEFAULT_DIFFERS = _rule(
    "default_differs",
    Status.INFO,
    "Without a server name the origin sends another certificate ({default_names}) than for {sni}{where}.",
    "CloudFront always sends a server name, so this does no harm; a test without one looks at the wrong certificate.",
)
UNREADABLE = _rule(
    "unreadable",
    Status.UNKNOWN,
    "The names on the certificate for {sni} cannot be read{where}: {reason}.",
    "Without them nothing can be said about the name.",
    next_check="Look at it with: " + NAMES,
)
OTHER_MISMATCH = _rule(
    "other_mismatch",
    Status.WARNING,
    "The origin has another certificate too ({subject}, {key}; shown for {ways}), and that one does not carry"
    " {sni}{where}: it is for {carried}.",
    "{near}CloudFront's own hello gets {own}. It would get the other one, and answer 502, {meets}.",
    remedy=Remedy(steps=(_NEW_CERTIFICATE,)),
    reproduce=NAMES_BY_WAY,
    verify=VERIFY_BY_WAY,
)
DIFFERING = _rule(
    "differing",
    Status.UNKNOWN,
    "In {count} of {total} comparable hellos for {sni} came another certificate than CloudFront's hello got{where}, and"
    " that one is for {carried}.",
    "CloudFront's own hello got {own}. Version and kind of key were the same, so these do not decide which one comes:"
    " most likely several servers answer here and differ. Then some requests fail: an intermittent 502.",
    remedy=Remedy(steps=(_NEW_CERTIFICATE,)),
    reproduce=NAMES_BY_WAY,
    verify=VERIFY_BY_WAY,
    next_check=ASK_OFTEN,
)
OK = _rule(
    "ok",
    Status.OK,
    "The certificate for the server name {sni} carries it, as {pattern}{where}.",
    "CloudFront sends {sni} ({why}).",
    source=NAMES_PAGE,
)

RULES: tuple[Rule, ...] = (
    MISMATCH,
    SNI_REFUSED,
    MISMATCH_IF_SENT,
    SNI_REFUSED_IF_SENT,
    DIFFERING,
    UNREADABLE,
    ORIGIN_DOMAIN_ONLY,
    COMMON_NAME_ONLY,
    OTHER_MISMATCH,
    DEFAULT_DIFFERS,
    OK,
)
