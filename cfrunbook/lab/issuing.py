"""New certificates from the authority of a running lab, as a public one would issue them today."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cfrunbook.errors import BadInput
from cfrunbook.files import read_bounded, write_whole
from cfrunbook.hostname import canonical
from cfrunbook.lab.authority import Authority, Identity, pem_bundle
from cfrunbook.lab.site import AUTHORITY
from cfrunbook.text import visible

_LIMIT = 100_000
_MOST_NAMES = 100


def issue(site: Path, names: Sequence[str], folder: Path) -> tuple[Path, Path]:
    """Write a certificate for `names` with its chain, and its key, into `folder`; return both paths.

    Raises BadInput for names that are none, and where the lab's authority cannot be read or nothing can be written.
    """
    if len(names) > _MOST_NAMES:
        raise BadInput(f"Lab: more than {_MOST_NAMES} names in one certificate.")
    for name in names:
        if canonical(name.removeprefix("*.")) is None:
            raise BadInput(f"Lab: '{visible(name, 80)}' is not a DNS name.")
    issuing = _authority(site)
    leaf = Authority().leaf(*(name.lower().rstrip(".") for name in names), issuer=issuing)
    if not folder.is_dir():
        raise BadInput(f"Lab: {visible(folder)} is not a folder.")
    chain, key = folder / "fullchain.pem", folder / "privkey.pem"
    write_whole(key, leaf.key_pem)
    key.chmod(0o600)
    write_whole(chain, pem_bundle((leaf, issuing)))
    return chain, key


def _authority(site: Path) -> Identity:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    folder = site / AUTHORITY
    try:
        certificate = x509.load_pem_x509_certificate(read_bounded(folder / "intermediate.pem", "Lab", _LIMIT))
        key = load_pem_private_key(read_bounded(folder / "intermediate-key.pem", "Lab", _LIMIT), None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise BadInput(f"Lab: the authority in {visible(folder)} cannot be read.")
    return Identity(certificate, key)
