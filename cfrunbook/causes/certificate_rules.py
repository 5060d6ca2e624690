"""The result codes of the cause "certificate": what each says, how to see it, fix it and prove the fix.

Each finding's data has an `aspect`. `path`: no order of these certificates convinces a client. `delivery`: the way
they are sent is wrong, and a client that sorts, fetches or remembers certificates may not even notice.
"""

from __future__ import annotations

from cfrunbook.causes.family import Family
from cfrunbook.causes.remedies import ASK_OFTEN
from cfrunbook.findings import Cause, Remedy, Rule, Stage, Status, Step

_GUIDE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
AWS_PAGE = _GUIDE + "http-502-bad-gateway.html#ssl-certificate-expired"
REQUIREMENTS_PAGE = _GUIDE + "cnames-and-https-requirements.html#https-requirements-certificate-issuer"
KEY_SIZE_PAGE = _GUIDE + "cnames-and-https-requirements.html#https-requirements-size-of-public-key"
INTERMEDIATES_PAGE = _GUIDE + "cnames-and-https-requirements.html#https-requirements-intermediate-certificates"
ALGORITHMS_PAGE = _GUIDE + "secure-connections-supported-ciphers-cloudfront-to-origin.html"
RFC5280 = "https://www.rfc-editor.org/rfc/rfc5280"
RFC5246_CERTIFICATE = "https://www.rfc-editor.org/rfc/rfc5246#section-7.4.2"

CHAIN = (
    "openssl s_client -connect {connect!q} {sni_option} </dev/null 2>/dev/null | sed -n '/^Certificate chain/,/^---/p'"
)
"""Prints subject, issuer, key and dates of every certificate as sent (OpenSSL 3)."""

_DETAILS = (
    "openssl s_client -connect {connect!q} {sni_option} -showcerts </dev/null 2>/dev/null"
    " | openssl storeutl -noout -text -certs /dev/stdin"
)

VERIFY = Step(
    text="Both must come out right: every certificate followed by its issuer, and “Verify return code: 0 (ok)”."
    "{ca_note} Then request the failing URL again; CloudFront caches an error for at least 10 seconds.",
    command=CHAIN + "\nopenssl s_client -connect {connect!q} {sni_option}{ca_option} </dev/null 2>&1 | grep -E"
    " 'verify error|Verify return code'",
)

CHAIN_BY_WAY = CHAIN.replace("{sni_option}", "{sni_option} {openssl}")
"""The same, asked for one version and perhaps one kind of key."""

VERIFY_BY_WAY = Step(
    text="Every certificate must be followed by its issuer, and “Verify return code: 0 (ok)” must come out.{ca_note}",
    command=f"{CHAIN_BY_WAY}\n{VERIFY.command.splitlines()[1].replace('{sni_option}', '{sni_option} {openssl}')}",
)

_LOAD_BALANCER = Step(
    text="Load balancer with AWS Certificate Manager: request or import a certificate and make it the listener's.",
    command="aws acm request-certificate --domain-name {leaf_name!q} --validation-method DNS\n"
    "aws elbv2 modify-listener --listener-arn LISTENER_ARN --certificates CertificateArn=CERTIFICATE_ARN",
)
_CERTBOT = Step(
    text="certbot: renew, and make the web server load the result.",
    command="certbot certificates\ncertbot renew --cert-name {leaf_name!q}\nsystemctl reload nginx",
)
_NGINX_FULLCHAIN = Step(
    text="On nginx: serve the file with the whole chain (certbot's fullchain.pem, not cert.pem), and reload.",
    command="ssl_certificate     /etc/letsencrypt/live/{leaf_name}/fullchain.pem;\n"
    "ssl_certificate_key /etc/letsencrypt/live/{leaf_name}/privkey.pem;\n"
    "# then: nginx -t && systemctl reload nginx",
)
_APACHE_FULLCHAIN = Step(
    text="On Apache 2.4.8 or later: SSLCertificateFile takes the leaf and its intermediates in one file.",
    command="SSLCertificateFile    /etc/letsencrypt/live/{leaf_name}/fullchain.pem\n"
    "SSLCertificateKeyFile /etc/letsencrypt/live/{leaf_name}/privkey.pem\n"
    "# then: apachectl configtest && systemctl reload apache2",
)
_IIS_INTERMEDIATE = Step(
    text="On IIS: import the intermediate into the computer's store “Intermediate Certification Authorities”, remove"
    " outdated ones of the same name, and bind the site's certificate again.",
    command="Import-Certificate -FilePath intermediate.cer -CertStoreLocation Cert:\\LocalMachine\\CA",
)
_PUBLIC_CA = Remedy(
    kind="one_of",
    steps=(
        Step(
            text="Get a certificate for {leaf_name} from a CA in Mozilla's list, for example Let's Encrypt.",
            command="certbot certonly --nginx -d {leaf_name!q}",
        ),
        _LOAD_BALANCER,
        Step(
            text="Last resort, without TLS to the origin: set the origin's protocol policy to HTTP only"
            " (OriginProtocolPolicy http-only). Requests then cross the internet in clear text.",
        ),
    ),
)
RENEW = Remedy(kind="one_of", steps=(_CERTBOT, _LOAD_BALANCER, *_PUBLIC_CA.steps[:1]))
NEW_CHAIN_FILE = Remedy(
    steps=(
        Step(text="Download the current intermediates from your CA (certbot: any renewal brings them along)."),
        Step(text="Replace the old chain file; the order is leaf first, then each certificate's issuer."),
        _NGINX_FULLCHAIN,
    )
)
_REISSUE = Remedy(
    steps=(
        Step(text="Have the certificate issued again by a public CA as a TLS server certificate: {wanted}."),
        _NGINX_FULLCHAIN,
    )
)


_rule = Family(Cause.CERTIFICATE, Stage.CERTIFICATE, source=AWS_PAGE, reproduce=CHAIN, verify=VERIFY).rule


def _fault(code: str, title: str, meaning: str, *, source: str = "", remedy: Remedy, reproduce: str = "") -> Rule:
    return _rule(code, Status.FAULT, title, meaning, source=source, remedy=remedy, reproduce=reproduce)


EXPIRED = _fault(
    "expired",
    "{which}{where}.",
    "CloudFront drops the connection to an origin if any certificate of the chain has expired.{sometimes}",
    remedy=RENEW,
)
NOT_YET_VALID = _fault(
    "not_yet_valid",
    "{which}{where}.",
    "CloudFront refuses a certificate whose validity has not begun. Either it was installed too early, or the clock"
    " of the machine that issued it runs ahead.{sometimes}",
    remedy=Remedy(
        kind="one_of",
        steps=(
            Step(text="Put the previous certificate back until {valid_from}, and reload the server."),
            *RENEW.steps,
        ),
    ),
)
EXPIRES_SOON = _rule(
    "expires_soon",
    Status.WARNING,
    "{which}{where}.",
    "It works now. From that moment on CloudFront answers 502.",
    remedy=RENEW,
)
SELF_SIGNED = _fault(
    "self_signed",
    "Certificate {index} (leaf, {subject}) is signed by itself, not by a certificate authority{where}.",
    "CloudFront trusts only certificates issued by a CA in Mozilla's list; no setting makes it accept a self-signed"
    " one.{sometimes}",
    remedy=_PUBLIC_CA,
)
UNTRUSTED_ROOT = _fault(
    "untrusted_root",
    "The chain ends at {root}, which is not a trusted root in {trust_store}{where}.",
    "The chain is complete, but its root is private: machines that had it installed accept it, CloudFront does not."
    "{sometimes}",
    source=REQUIREMENTS_PAGE,
    remedy=_PUBLIC_CA,
)
PRIVATE_CA = _fault(
    "private_ca",
    "Certificate {index} ({subject}) was issued by {issuer}, which is not sent and not known to {trust_store}{where}.",
    "{known_root}Nothing in the certificates points to a public CA. If {issuer} is an intermediate of one, it is"
    " missing and must be sent; otherwise it is a private CA, which CloudFront never trusts.{sometimes}",
    source=REQUIREMENTS_PAGE,
    remedy=_PUBLIC_CA,
)
MISSING_INTERMEDIATE = _fault(
    "missing_intermediate",
    "The intermediate {issuer} is missing: it issued certificate {index} ({subject}) but is not sent{where}.",
    "CloudFront needs every intermediate from the server and does not fetch or remember any. Browsers do, so the site"
    " looks fine in a browser. (If {issuer} is a private CA, adding it does not help.){sometimes}",
    remedy=Remedy(
        steps=(
            Step(text="Get the certificate of {issuer}. It belongs directly after certificate {index} ({subject})."),
            _NGINX_FULLCHAIN,
            _APACHE_FULLCHAIN,
            _IIS_INTERMEDIATE,
        )
    ),
)
WRONG_INTERMEDIATE = _fault(
    "wrong_intermediate",
    "Certificate {wrong} ({issuer}) has the issuer's name but another key: it did not issue certificate {index}"
    " ({subject}){where}.",
    "The CA has several intermediates of that name, or renewed it with a new key, and the chain file holds the wrong"
    " one. The right one has the key identifier {key_id}.{sometimes}",
    remedy=Remedy(
        steps=(
            Step(text="Replace certificate {wrong} by the certificate of {issuer} with key identifier {key_id}."),
            _NGINX_FULLCHAIN,
            _APACHE_FULLCHAIN,
            _IIS_INTERMEDIATE,
        )
    ),
)
BAD_SIGNATURE = _fault(
    "bad_signature",
    "The signature on certificate {index} ({subject}) is not that of its issuer {issuer}{where}.",
    "Name and key identifier of the issuer fit, the signature does not: the certificate was altered or damaged, or the"
    " issuer was made again with another key.{sometimes}",
    remedy=Remedy(steps=(Step(text="Install the certificate and its chain again as the CA delivered them."),)),
    reproduce=_DETAILS,
)
LOOP = _fault(
    "loop",
    "The certificates certify one another without ever reaching a trusted root{where}.",
    "The chain runs in a circle, or is longer than ten certificates.{sometimes}",
    remedy=NEW_CHAIN_FILE,
)
WRONG_ORDER = _fault(
    "wrong_order",
    "The certificates are sent in the wrong order{leaf_note}: sent is {as_sent}, right is {right_order}{where}.",
    "AWS names a chain in the wrong order as a cause of 502: the leaf comes first, and each certificate certifies the"
    " one before it. Most clients sort what they get, so a test with openssl or a browser passes.{sometimes}",
    remedy=Remedy(steps=(_NGINX_FULLCHAIN,)),
)
DEAD_END_FIRST = _fault(
    "dead_end_first",
    "Certificate {wrong} ({subject}, issued by {wrong_issuer}) leads to no trusted root and is sent before certificate"
    " {right} (the same CA, issued by {right_issuer}), which does{where}.",
    "OpenSSL, and AWS's TLS library, which builds on its likes, follow the first certificate that fits and do not turn"
    " back; browsers try every way, so the site looks fine there.{sometimes}",
    source="https://docs.openssl.org/3.0/man1/openssl-verification-options/#certification-path-building",
    remedy=Remedy(
        steps=(
            Step(text="Remove certificate {wrong} ({subject}, issued by {wrong_issuer}) from the chain file."),
            _NGINX_FULLCHAIN,
            _APACHE_FULLCHAIN,
        )
    ),
)
EXPIRED_ASIDE = _rule(
    "expired_aside",
    Status.WARNING,
    "{which}; the chain holds without it{where}.",
    "Current TLS libraries pass over it. AWS says that CloudFront drops the connection if any certificate of the chain"
    " has expired, and libraries that follow the first certificate that fits may stumble.",
    remedy=NEW_CHAIN_FILE,
)
DUPLICATE = _rule(
    "duplicate",
    Status.WARNING,
    "{which}{where}.",
    "A certificate sent twice breaks the rule that each certifies the one before it; most clients tolerate it. Usually"
    " the leaf's file was put in front of a full chain that already holds it.",
    source=RFC5246_CERTIFICATE,
    remedy=Remedy(steps=(Step(text="Remove the repetition from the chain file."), _NGINX_FULLCHAIN)),
)
UNRELATED = _rule(
    "unrelated",
    Status.WARNING,
    "{which}{where}.",
    "AWS wants the chain and nothing else. Most clients ignore strangers, but they suggest that the chain file was put"
    " together by hand.",
    source=INTERMEDIATES_PAGE,
    remedy=Remedy(steps=(Step(text="Remove the unrelated certificates from the chain file."), _NGINX_FULLCHAIN)),
)
ROOT_INCLUDED = _rule(
    "root_included",
    Status.INFO,
    "{which}{where}.",
    "Clients have the root already. AWS asks to leave it out; sending it costs bytes and is otherwise harmless.",
    source=INTERMEDIATES_PAGE,
)
TOO_MANY = _rule(
    "too_many",
    Status.WARNING,
    "{count} certificates are sent{where}.",
    "AWS's TLS library (s2n-tls) by default refuses more than seven certificates; whether CloudFront raises that limit"
    " is not documented.",
    source="https://github.com/aws/s2n-tls/blob/main/tls/s2n_x509_validator.h",
    remedy=Remedy(steps=(Step(text="Send the leaf and its intermediates only."), _NGINX_FULLCHAIN)),
)
WRONG_USAGE = _fault(
    "wrong_usage",
    "{which}{where}.",
    "The certificate's extensions do not allow it to identify a TLS server; AWS's TLS library refuses it.{sometimes}",
    source=RFC5280 + "#section-4.2.1.12",
    remedy=_REISSUE,
    reproduce=_DETAILS,
)
NOT_A_CA = _fault(
    "not_a_ca",
    "{which}{where}.",
    "A certificate that is no CA may not issue others, so everything below it is worthless.{sometimes}",
    source=RFC5280 + "#section-4.2.1.9",
    remedy=_REISSUE,
    reproduce=_DETAILS,
)
PATH_LENGTH = _fault(
    "path_length",
    "{which}{where}.",
    "A CA's path length constraint limits how many CAs may follow below it; this chain has more.{sometimes}",
    source=RFC5280 + "#section-4.2.1.9",
    remedy=_REISSUE,
    reproduce=_DETAILS,
)
NAME_CONSTRAINTS = _fault(
    "name_constraints",
    "A CA above {subject} is not allowed to issue certificates for its names{where}.",
    "The CA's name constraints leave these names out ({reason}).{sometimes}",
    source=RFC5280 + "#section-4.2.1.10",
    remedy=_REISSUE,
    reproduce=_DETAILS,
)
CRITICAL_EXTENSION = _fault(
    "critical_extension",
    "{which}{where}.",
    "A client must refuse a certificate with a critical extension that it does not know.{sometimes}",
    source=RFC5280 + "#section-4.2",
    remedy=_REISSUE,
    reproduce=_DETAILS,
)
WEAK_SIGNATURE = _fault(
    "weak_signature",
    "{which}{where}.",
    "Signatures over MD5 or SHA-1 are forged in practice; TLS libraries refuse them and no public CA has issued any"
    " for years.{sometimes}",
    source=ALGORITHMS_PAGE,
    remedy=_REISSUE,
    reproduce=_DETAILS,
)
_VERIFY_KEY = Step(
    text="The line a:PKEY of certificate 0 must say rsaEncryption with 1024 to 4096 bits, or id-ecPublicKey with 256."
    " Then request the failing URL again; CloudFront caches an error for at least 10 seconds.",
    command=CHAIN,
)
KEY_UNSUPPORTED = _rule(
    "key_unsupported",
    Status.FAULT,
    "{which}{where}.",
    "CloudFront can use an origin certificate with an RSA key of 1024 to 4096 bits or an elliptic-curve key; its hello"
    " offers no other signatures.{sometimes}",
    source=KEY_SIZE_PAGE,
    verify=_VERIFY_KEY,
    remedy=_REISSUE,
)
WEAK_KEY = _rule(
    "weak_key",
    Status.WARNING,
    "{which}{where}.",
    "CloudFront documents 1024-bit RSA as accepted, but no public CA issues fewer than 2048 bits any more.",
    source=KEY_SIZE_PAGE,
    remedy=_REISSUE,
)
KEY_UNDOCUMENTED = _rule(
    "key_undocumented",
    Status.WARNING,
    "{which}{where}.",
    "AWS documents 256-bit elliptic-curve keys only. CloudFront's hello offers what this key needs, so it probably"
    " works.",
    source=KEY_SIZE_PAGE,
    remedy=_REISSUE,
)
KEY_NEEDS_TLS_1_3 = _rule(
    "key_needs_tls_1_3",
    Status.WARNING,
    "{which}{where}.",
    "It works while TLS 1.3 is agreed on. In TLS 1.2 a client must offer the curve of the key, and CloudFront's hello"
    " does not offer P-521: a server, a load balancer or a change without TLS 1.3 makes this a 502.{below}",
    source="https://www.rfc-editor.org/rfc/rfc8422#section-5.1.1",
    remedy=_REISSUE,
)
UNPARSEABLE = _fault(
    "unparseable",
    "{which}{where}.",
    "What was sent there is not a certificate, so the chain cannot be used.{sometimes}",
    remedy=Remedy(steps=(Step(text="Install the certificate and its chain again as the CA delivered them."),)),
    reproduce=_DETAILS,
)
MALFORMED = _rule(
    "malformed",
    Status.UNKNOWN,
    "{which}{where}.",
    "A strict parser refuses it. CloudFront's parser is more lenient in places, so it may or may not work.{sometimes}",
    source=RFC5280 + "#section-4.1",
    reproduce=_DETAILS,
    next_check="Have the certificate issued again, or look in CloudFront's access log for OriginConnectError.",
)
OTHER_BAD = _rule(
    "other_bad",
    Status.WARNING,
    "The origin has another certificate too ({subject}, {key}; shown for {ways}), and that one is bad{where}:"
    " {problem}.",
    "CloudFront's own hello gets {own}. It would get the other one, and answer 502, {meets}; clients that ask in that"
    " way get it already.",
    remedy=RENEW,
    reproduce=CHAIN_BY_WAY,
    verify=VERIFY_BY_WAY,
)
DIFFERING = _rule(
    "differing",
    Status.UNKNOWN,
    "In {count} of {total} comparable hellos came another certificate than CloudFront's hello got{where}, and that one"
    " is bad: {problem}.",
    "CloudFront's own hello got {own}. Version and kind of key were the same, so these do not decide which one comes:"
    " most likely several servers answer here and differ. Then some requests fail: an intermittent 502.",
    reproduce=CHAIN_BY_WAY,
    remedy=RENEW,
    verify=VERIFY_BY_WAY,
    next_check=ASK_OFTEN,
)
NONE_SENT = _fault(
    "none_sent",
    "The server sends an empty list of certificates{where}.",
    "TLS has started, but the server has no certificate to show.{sometimes}",
    remedy=_PUBLIC_CA,
)
OTHER = _rule(
    "other",
    Status.UNKNOWN,
    "A strict verifier refuses the chain of {subject}{where}: {reason}.",
    "The certificates lead to a trusted root and none of the known faults is there, yet the verifier of the Python"
    " package cryptography, which follows the browsers' profile, says no. CloudFront's may be more lenient.{sometimes}",
    source="https://cryptography.io/en/latest/x509/verification/",
    next_check="Ask OpenSSL too: openssl s_client -connect {connect!q} {sni_option}{ca_option} </dev/null; if it says"
    " 0 (ok), look in CloudFront's access log for OriginConnectError before you blame this.",
)
NOT_SEEN = _rule(
    "not_seen",
    Status.UNKNOWN,
    "The server started TLS but its certificates could not be read: {reason}.",
    "Without the certificates nothing can be said about them.",
    next_check="Read them with: " + CHAIN,
)
PATH_OK = _rule(
    "path_ok",
    Status.OK,
    "{subject} leads to the trusted root {root}, all valid until {valid_until}{where}.",
    "A client with these certificates can build a valid path; a strict verifier agrees.",
)
DELIVERY_OK = _rule(
    "delivery_ok",
    Status.OK,
    "The chain is sent complete and in the right order: {right_order}{where}.",
    "The leaf comes first and each certificate certifies the one before it, as CloudFront demands.",
)

RULES: tuple[Rule, ...] = (
    EXPIRED,
    NOT_YET_VALID,
    EXPIRES_SOON,
    SELF_SIGNED,
    UNTRUSTED_ROOT,
    PRIVATE_CA,
    MISSING_INTERMEDIATE,
    WRONG_INTERMEDIATE,
    BAD_SIGNATURE,
    LOOP,
    WRONG_ORDER,
    DEAD_END_FIRST,
    EXPIRED_ASIDE,
    DUPLICATE,
    UNRELATED,
    ROOT_INCLUDED,
    TOO_MANY,
    WRONG_USAGE,
    NOT_A_CA,
    PATH_LENGTH,
    NAME_CONSTRAINTS,
    CRITICAL_EXTENSION,
    WEAK_SIGNATURE,
    KEY_UNSUPPORTED,
    WEAK_KEY,
    KEY_NEEDS_TLS_1_3,
    KEY_UNDOCUMENTED,
    UNPARSEABLE,
    MALFORMED,
    NONE_SENT,
    DIFFERING,
    OTHER_BAD,
    OTHER,
    NOT_SEEN,
    PATH_OK,
    DELIVERY_OK,
)
