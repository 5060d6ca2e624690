"""Origins that CloudFront is happy with: one plain, the others suspicious at first sight."""

from __future__ import annotations

import ssl

from cfrunbook.lab.authority import DAY, Authority
from cfrunbook.lab.scenario import HEALTHY, ORIGIN, VIEWER_HOST, Difficulty, OriginSetup, Scenario, Setup, web
from cfrunbook.lab.servers import Chain, Closed, Http, Tls

_GUIDE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
_PAGE = _GUIDE + "http-502-bad-gateway.html"
_REQUIREMENTS = _GUIDE + "cnames-and-https-requirements.html"
_CUSTOM = _GUIDE + "using-https-cloudfront-to-custom-origin.html"
_SETTINGS = _GUIDE + "DownloadDistValuesOrigin.html"
_BEHAVIOR = _GUIDE + "RequestAndResponseBehaviorCustomOrigin.html"


def _chain(authority: Authority) -> Chain:
    return Chain((authority.leaf(ORIGIN), authority.intermediate))


def _healthy(authority: Authority) -> Setup:
    return Setup(web(Tls(_chain(authority))))


def _extra_root(authority: Authority) -> Setup:
    return Setup(web(Tls(Chain((*_chain(authority).sent, authority.root)))))


def _wildcard(authority: Authority) -> Setup:
    return Setup(web(Tls(Chain((authority.leaf("*.shop.example", "shop.example"), authority.intermediate)))))


def _expiring_soon(authority: Authority) -> Setup:
    leaf = authority.leaf(ORIGIN, begins=-85 * DAY, ends=5 * DAY)
    return Setup(web(Tls(Chain((leaf, authority.intermediate)))))


def _tls13_only(authority: Authority) -> Setup:
    return Setup(web(Tls(_chain(authority), minimum=ssl.TLSVersion.TLSv1_3)))


def _by_server_name(authority: Authority) -> Setup:
    default = Chain((authority.mint("localhost", names=("localhost",)),))
    return Setup(web(Tls(default, by_name={ORIGIN: _chain(authority)})))


def _two_certificates(authority: Authority) -> Setup:
    old = authority.leaf(ORIGIN, begins=-93 * DAY, ends=-3 * DAY, key="RSA 2048")
    beside = Chain((old, authority.intermediate))
    return Setup(web(Tls(_chain(authority), beside=beside, ciphers="aRSA")))


def _http_only(_: Authority) -> Setup:
    return Setup(OriginSetup(({80: Http(), 443: Closed()},), protocol_policy="http-only"))


def _cross_signed(authority: Authority) -> Setup:
    root = authority.root_ca("Lab Root X1")
    issuing = authority.intermediate_ca("Lab Issuing CA X3", issuer=root)
    return Setup(web(Tls(Chain((authority.leaf(ORIGIN, issuer=issuing), issuing, authority.cross_signed(root))))))


def _all_viewer(authority: Authority) -> Setup:
    chain = Chain((authority.leaf(VIEWER_HOST), authority.intermediate))
    return Setup(web(Tls(chain)), host_forwarded=True, url="")


def _function(authority: Authority) -> Setup:
    return Setup(web(Tls(_chain(authority))), function="rewrite-paths")


SCENARIOS = (
    Scenario(
        name="healthy",
        title="Nothing is wrong with the origin",
        story=(
            "04:44 PAGE  CloudFront 502 for www.shop.example, for three minutes, then it went away.",
            "Ticket: is anything still wrong with the origin?",
        ),
        difficulty=Difficulty.EASY,
        expected=HEALTHY,
        hints=(
            "Look at every step on CloudFront's way to the origin.",
            "Say what is good as clearly as what is not.",
            "What can a look at the origin now not tell about four minutes ago?",
        ),
        why_in_real_life="Incidents end before one looks. The access logs know what happened.",
        page=_PAGE,
        set_up=_healthy,
    ),
    Scenario(
        name="healthy-extra-root-included",
        title="The root is sent along: superfluous and harmless",
        story=(
            "09:05 PAGE  CloudFront 502 for www.shop.example reported by one customer.",
            "Ticket: our scanner says `chain issues: contains anchor`. Is that the reason?",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=HEALTHY,
        hints=(
            "List what the origin sends, in order.",
            "Is anything missing, or in the wrong place?",
            "Does one certificate too many at the end keep anybody from building the path?",
        ),
        why_in_real_life="Bundles come with the root. It costs a kilobyte per handshake and breaks nothing.",
        page=_REQUIREMENTS,
        set_up=_extra_root,
    ),
    Scenario(
        name="healthy-wildcard",
        title="The certificate is a wildcard that covers the origin",
        story=(
            "11:50 PAGE  CloudFront 502 for www.shop.example, a handful in an hour.",
            "Ticket: the certificate says *.shop.example, not origin.shop.example. Does CloudFront take that?",
        ),
        difficulty=Difficulty.EASY,
        expected=HEALTHY,
        hints=(
            "Which name does CloudFront compare with the certificate?",
            "How many labels does a wildcard stand for?",
            "How many labels are left of shop.example in that name?",
        ),
        why_in_real_life="One certificate for a whole zone is common, and covers one label.",
        page=_CUSTOM,
        set_up=_wildcard,
        has_logs=True,
    ),
    Scenario(
        name="healthy-expiring-soon",
        title="The certificate is good for five more days",
        story=(
            "10:00 MAIL  The certificate of origin.shop.example expires in 5 days.",
            "Ticket: www.shop.example had some 502 last night. Is it the certificate?",
        ),
        difficulty=Difficulty.EASY,
        expected=HEALTHY,
        hints=(
            "Compare the certificate's dates with now, and with last night.",
            "Does CloudFront refuse a certificate before its end?",
            "It is not the reason now. When will it be?",
        ),
        why_in_real_life="A renewal is due. It is a warning today and an outage in five days.",
        page=_PAGE + "#ssl-certificate-expired",
        set_up=_expiring_soon,
    ),
    Scenario(
        name="healthy-tls13-only",
        title="The origin speaks nothing but TLS 1.3",
        story=(
            "16:16 PAGE  CloudFront 502 for www.shop.example, now and then.",
            "Ticket: the distribution says TLSv1.2, the origin only speaks TLS 1.3. The API has no TLSv1.3 to select!",
        ),
        difficulty=Difficulty.HARD,
        expected=HEALTHY,
        hints=(
            "Is what the distribution names a minimum or a maximum?",
            "Which versions does CloudFront speak to origins since November 2025?",
            "Do the two have a version in common?",
        ),
        why_in_real_life="Old advice says that CloudFront cannot do TLS 1.3 to an origin. It does since November 2025.",
        page=_BEHAVIOR,
        set_up=_tls13_only,
    ),
    Scenario(
        name="healthy-by-server-name",
        title="Without a server name the origin shows a wrong certificate, with it the right one",
        story=(
            "19:01 PAGE  CloudFront 502 for www.shop.example from one region.",
            "Ticket: opening the origin by its address shows a certificate for localhost. There it is, isn't it?",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=HEALTHY,
        hints=(
            "One address can have several certificates.",
            "Does CloudFront say which server it wants?",
            "Look at the certificate that comes for that name.",
        ),
        why_in_real_life="Servers with several sites have some default; CloudFront always sends a server name.",
        page=_CUSTOM,
        set_up=_by_server_name,
    ),
    Scenario(
        name="healthy-two-certificates",
        title="Of the origin's two certificates, the one that CloudFront does not get has expired",
        story=(
            "05:20 PAGE  CloudFront 502 for www.shop.example, two of them, an hour ago.",
            "Ticket: our monitor (TLS 1.2) shows the origin's certificate in red, a browser shows it in green. Both?",
        ),
        difficulty=Difficulty.HARD,
        expected=HEALTHY,
        hints=(
            "A server may hold several certificates for one name.",
            "What decides between them? Ask in TLS 1.2 and in TLS 1.3, and compare the fingerprints.",
            "Which of the two does CloudFront's hello get, and what would make it get the other one?",
        ),
        why_in_real_life=(
            "An RSA certificate beside an ECDSA one, for old clients; the renewal was set up for one of them. "
            "CloudFront meets the other one when TLS 1.3 is switched off, or a second server does not have it."
        ),
        page=_PAGE + "#ssl-certificate-expired",
        set_up=_two_certificates,
    ),
    Scenario(
        name="healthy-http-only",
        title="CloudFront speaks plain HTTP to the origin, and port 443 is closed",
        story=(
            "21:30 PAGE  CloudFront 502 for www.shop.example during the deployment, over by now.",
            "Ticket: port 443 of the origin refuses connections! Did somebody forget to open it?",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=HEALTHY,
        hints=(
            "Not every closed port is used.",
            "Read the origin protocol policy in the distribution.",
            "Connect to the port that CloudFront really uses.",
        ),
        why_in_real_life="Origins without TLS exist. It is a question of security, not a cause of 502.",
        page=_SETTINGS,
        set_up=_http_only,
    ),
    Scenario(
        name="healthy-cross-signed",
        title="The chain ends at a trusted root by way of a cross-signed one",
        story=(
            "13:13 PAGE  CloudFront 502 for www.shop.example from a few locations, gone after ten minutes.",
            "Ticket: the origin's authority changed its root. Does CloudFront know the new one?",
        ),
        difficulty=Difficulty.HARD,
        expected=HEALTHY,
        hints=(
            "List what the origin sends, and who issued each.",
            "A root's name can also be on a certificate that another root signed.",
            "Is that other root one of those that count here?",
        ),
        why_in_real_life=(
            "Young roots, as Let's Encrypt's ISRG Root X1 was, come with a certificate from an older root that "
            "everybody trusts. Sent along, it completes the chain."
        ),
        page=_REQUIREMENTS,
        set_up=_cross_signed,
    ),
    Scenario(
        name="healthy-all-viewer-no-url",
        title="Host is forwarded, and the certificate is for every name but the distribution's own",
        story=(
            "08:20 PAGE  CloudFront 502 rate of distribution EDFDVBD6EXAMPLE above zero.",
            "Ticket: no URL is known, the alarm shows a rate only. www.shop.example works for everybody here.",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=HEALTHY,
        hints=(
            "Which names may viewers use for this distribution?",
            "With Host forwarded, each of them is a server name for the origin.",
            "Who uses the name under cloudfront.net, and does the certificate have to carry it?",
        ),
        why_in_real_life=(
            "Scanners and health checks ask for d111111abcdef8.cloudfront.net. With AllViewer they get 502, because "
            "no certificate of yours carries that name; your viewers do not."
        ),
        page=_CUSTOM,
        set_up=_all_viewer,
    ),
    Scenario(
        name="function-and-healthy",
        title="A function runs at the edge, and the origin is fine",
        story=(
            "15:40 PAGE  CloudFront 502 for www.shop.example, a minute after the function was published.",
            "Ticket: we rolled the function back, and everything is fine again. Is it the origin's turn?",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=HEALTHY,
        hints=(
            "See every step on the way to the origin before you suspect one.",
            "What can the configuration tell about a function, and what not?",
            "Where is to be seen what the function did then?",
        ),
        why_in_real_life="Functions can break requests by themselves. That says nothing against the origin.",
        page=_PAGE,
        set_up=_function,
    ),
)
