"""Certificates that CloudFront does not accept: dates, trust, and what is sent along with them."""

from __future__ import annotations

from cfrunbook.findings import Cause
from cfrunbook.lab.authority import DAY, SERVER_AUTH, YEAR, Authority
from cfrunbook.lab.scenario import ORIGIN, Difficulty, Expected, Scenario, Setup, web
from cfrunbook.lab.servers import Chain, Tls

_GUIDE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
_PAGE = _GUIDE + "http-502-bad-gateway.html#ssl-certificate-expired"
_REQUIREMENTS = _GUIDE + "cnames-and-https-requirements.html"


def _fault(code: str) -> Expected:
    return Expected(status="fault", cause=Cause.CERTIFICATE, code=code, cloudfront_status=502)


def _expired(authority: Authority) -> Setup:
    leaf = authority.leaf(ORIGIN, begins=-93 * DAY, ends=-3 * DAY)
    return Setup(web(Tls(Chain((leaf, authority.intermediate)))))


def _not_yet_valid(authority: Authority) -> Setup:
    leaf = authority.leaf(ORIGIN, begins=2 * DAY, ends=92 * DAY)
    return Setup(web(Tls(Chain((leaf, authority.intermediate)))))


def _self_signed(authority: Authority) -> Setup:
    leaf = authority.mint(ORIGIN, names=(ORIGIN,), ends=YEAR, usages=(SERVER_AUTH,))
    return Setup(web(Tls(Chain((leaf,)))))


def _untrusted_root(authority: Authority) -> Setup:
    root = authority.root_ca("Shop Internal Root")
    issuing = authority.intermediate_ca("Shop Internal Issuing CA", issuer=root)
    return Setup(web(Tls(Chain((authority.leaf(ORIGIN, issuer=issuing), issuing, root)))))


def _missing_intermediate(authority: Authority) -> Setup:
    return Setup(web(Tls(Chain((authority.leaf(ORIGIN, begins=-DAY, ends=89 * DAY),)))))


def _wrong_order(authority: Authority) -> Setup:
    upper = authority.intermediate_ca("Lab Policy CA P1", issuer=authority.root)
    issuing = authority.intermediate_ca("Lab Issuing CA E2", issuer=upper)
    return Setup(web(Tls(Chain((authority.leaf(ORIGIN, issuer=issuing), upper, issuing)))))


def _leaf_not_first(authority: Authority) -> Setup:
    # OpenSSL serves nothing but the certificate of its own key first; here leaf and intermediate share one key.
    leaf = authority.leaf(ORIGIN, key=authority.intermediate.key)
    return Setup(web(Tls(Chain((authority.intermediate, leaf)))))


def _expired_intermediate(authority: Authority) -> Setup:
    current = authority.intermediate
    old = authority.mint(
        current.common_name, issuer=authority.root, ca=True, begins=-3 * YEAR, ends=-DAY, key=current.key
    )
    return Setup(web(Tls(Chain((authority.leaf(ORIGIN), old)))))


def _with_untrusted_twin(authority: Authority) -> Setup:
    old = authority.root_ca("Lab Root X1")
    cross = authority.cross_signed(old)
    issuing = authority.intermediate_ca("Lab Issuing CA X3", issuer=old)
    return Setup(web(Tls(Chain((authority.leaf(ORIGIN, issuer=issuing), issuing, old, cross)))))


def _expired_behind_function(authority: Authority) -> Setup:
    leaf = authority.leaf(ORIGIN, begins=-93 * DAY, ends=-3 * DAY)
    return Setup(web(Tls(Chain((leaf, authority.intermediate)))), function="rewrite-paths")


SCENARIOS = (
    Scenario(
        name="certificate-missing-intermediate",
        title="The certificate was renewed without its intermediate",
        story=(
            "02:13 PAGE  CloudFront 5xx of www.shop.example at 100 % since 02:00, all of it 502.",
            "Ticket: certificates were renewed at 02:00. In my browser https://origin.shop.example works fine.",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=_fault("certificate.missing_intermediate"),
        hints=(
            "A browser is not CloudFront: look at what the origin sends, not at what a browser makes of it.",
            "Count the certificates that the origin sends, and write down who issued each.",
            "Is the issuer of the last certificate sent one of the roots that CloudFront trusts?",
        ),
        why_in_real_life=(
            "The web server was given cert.pem instead of fullchain.pem. Browsers hide it: they remember intermediates "
            "or fetch them, CloudFront does not."
        ),
        page=_PAGE,
        set_up=_missing_intermediate,
    ),
    Scenario(
        name="certificate-expired",
        title="The origin's certificate has expired",
        story=(
            "00:01 PAGE  CloudFront 5xx of www.shop.example from 0 to 100 % within a minute.",
            "Ticket: nobody deployed anything for weeks. Cached pages still come, everything else is 502.",
        ),
        difficulty=Difficulty.EASY,
        expected=_fault("certificate.expired"),
        hints=(
            "Nothing was changed, so look for something that changes by itself.",
            "Look at the certificate that the origin sends, not at the one in the distribution.",
            "Compare its dates with now.",
        ),
        why_in_real_life=(
            "The renewal failed silently, or it succeeded and the web server was never reloaded. The certificate that "
            "viewers see is CloudFront's own and still good."
        ),
        page=_PAGE,
        set_up=_expired,
    ),
    Scenario(
        name="certificate-not-yet-valid",
        title="The origin's certificate is not valid yet",
        story=(
            "16:20 PAGE  CloudFront 502 on every uncached page of www.shop.example since the change window.",
            "Ticket: we installed next quarter's certificate ahead of time, so it cannot be the certificate.",
        ),
        difficulty=Difficulty.EASY,
        expected=_fault("certificate.not_yet_valid"),
        hints=(
            "Believe what the origin sends, not the change record.",
            "A certificate has two dates.",
            "From which moment on is the new certificate valid?",
        ),
        why_in_real_life="A certificate was ordered with a later start, or minted on a host whose clock runs ahead.",
        page=_PAGE,
        set_up=_not_yet_valid,
    ),
    Scenario(
        name="certificate-self-signed",
        title="The origin's certificate is signed by itself",
        story=(
            "10:42 PAGE  www.shop.example answers 502 since the origin moved to the new image.",
            "Ticket: `curl -k https://origin.shop.example/` works, TLS is on, port 443 is open.",
        ),
        difficulty=Difficulty.EASY,
        expected=_fault("certificate.self_signed"),
        hints=(
            "What does -k switch off?",
            "Run the same command without -k, and read what it complains about.",
            "Who issued the certificate, and who is it for?",
        ),
        why_in_real_life=(
            "An image ships with a generated certificate (ssl-cert-snakeoil, an appliance's default). CloudFront has "
            "no switch to accept it."
        ),
        page=_PAGE,
        set_up=_self_signed,
    ),
    Scenario(
        name="certificate-untrusted-root",
        title="The origin's certificate comes from a private authority",
        story=(
            "14:05 PAGE  CloudFront 502 for www.shop.example since the origin got its new certificate.",
            "Ticket: every machine in the office accepts https://origin.shop.example, also curl and Python.",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=_fault("certificate.untrusted_root"),
        hints=(
            "The office's machines may trust more than the world does.",
            "Follow the chain from the certificate upwards to the last issuer.",
            "Is that issuer in Mozilla's list of included authorities?",
        ),
        why_in_real_life=(
            "AWS Private CA, Active Directory Certificate Services or an in-house authority: trusted on managed "
            "machines, unknown to CloudFront, which trusts Mozilla's list only."
        ),
        page=_REQUIREMENTS,
        set_up=_untrusted_root,
    ),
    Scenario(
        name="certificate-wrong-order",
        title="The certificates are sent in the wrong order",
        story=(
            "09:30 PAGE  CloudFront 502 for www.shop.example; the synthetic check on the origin itself is green.",
            "Ticket: openssl s_client says `Verify return code: 0 (ok)`. We sent all certificates we were given.",
        ),
        difficulty=Difficulty.HARD,
        expected=_fault("certificate.wrong_order"),
        hints=(
            "Many clients tidy up what they receive before they verify it, so `ok` is not the whole story.",
            "List the certificates exactly as sent (openssl s_client -showcerts), with subject and issuer.",
            "Is each certificate followed by the one that issued it?",
        ),
        why_in_real_life=(
            "The bundle was put together by hand, or with `cat *.crt` in alphabetical order. OpenSSL and browsers sort "
            "it out; the page on 502 names the wrong order as a cause."
        ),
        page=_PAGE,
        set_up=_wrong_order,
    ),
    Scenario(
        name="certificate-leaf-not-first",
        title="The intermediate is sent before the origin's own certificate",
        story=(
            "11:11 PAGE  CloudFront 502 for www.shop.example right after the move to the new load balancer appliance.",
            "Ticket: the certificate and its chain were imported as one file. The names in it are right, we checked.",
        ),
        difficulty=Difficulty.HARD,
        expected=_fault("certificate.wrong_order"),
        hints=(
            "A client takes the first certificate for the server's own.",
            "List the certificates exactly as sent, with their subjects.",
            "Which of them carries the origin's name, and at which place is it?",
        ),
        why_in_real_life=(
            "Key stores and appliances accept the bundle in any order and send it as imported; nginx and Apache would "
            "refuse to start."
        ),
        page=_PAGE,
        set_up=_leaf_not_first,
    ),
    Scenario(
        name="certificate-expired-intermediate",
        title="The intermediate that is sent along has expired",
        story=(
            "03:00 PAGE  CloudFront 502 on www.shop.example, origin checks of some vendors are red, of others green.",
            "Ticket: the certificate was renewed last month and is good for two more, the monitor says so.",
        ),
        difficulty=Difficulty.HARD,
        expected=_fault("certificate.expired"),
        hints=(
            "The monitor looks at one certificate. The origin sends more than one.",
            "Look at the dates of every certificate that is sent.",
            "Has the authority a newer certificate of the same name?",
        ),
        why_in_real_life=(
            "The renewal replaces the certificate but leaves an old chain file in place; years later the intermediate "
            "in it expires."
        ),
        page=_PAGE,
        set_up=_expired_intermediate,
    ),
    Scenario(
        name="certificate-cross-signed-twin",
        title="The untrusted root is sent before its cross-signed twin, and clients stop there",
        story=(
            "23:17 PAGE  CloudFront 502 for www.shop.example since the chain file was completed.",
            "Ticket: the vendor says the chain is complete and ends at a trusted root, and browsers agree.",
        ),
        difficulty=Difficulty.HARD,
        expected=_fault("certificate.dead_end_first"),
        hints=(
            "List what is sent (openssl s_client -showcerts): two certificates have the same subject.",
            "Which of the two does a client take that goes through the list from the top?",
            "Verify the chain with openssl, without that one and with it.",
        ),
        why_in_real_life=(
            "A new root is signed by itself and, until everybody trusts it, by an older one. Somebody put both into "
            "the chain file; clients that do not know the new root take the first that fits and give up."
        ),
        page=_REQUIREMENTS,
        set_up=_with_untrusted_twin,
    ),
    Scenario(
        name="function-and-expired",
        title="The certificate has expired, and a function at the edge distracts from it",
        story=(
            "06:00 PAGE  CloudFront 502 for www.shop.example, all of it, since six sharp.",
            "Ticket: it must be the CloudFront Function of yesterday's release, it is the only thing that is new.",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=_fault("certificate.expired"),
        hints=(
            "The release was yesterday; what happened at six?",
            "Whatever a function does with the request, CloudFront still has to connect to the origin.",
            "Compare the dates of what the origin sends with now, whichever name it is asked for.",
        ),
        why_in_real_life=(
            "The last change is suspected first. What expires does not wait for a release, and no function changes "
            "what CloudFront thinks of the certificate."
        ),
        page=_PAGE,
        set_up=_expired_behind_function,
    ),
)
