"""Makes what broker and users know each other by, one folder for each: `python -m ops.bus_keys FOLDER NAME …`.

A key that exists is never replaced; a certificate is made anew, for the same key, when less than a year of it is left.
"""

import ipaddress
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ops.embedded.nats import all_permissions
from shared.durable_files import write_durably
from shared.nkeys import UserKey

AUTHORITY: Final = "authority"
SERVER: Final = "server"
CA_FILE: Final = "ca.crt"
CERTIFICATE_FILE: Final = "tls.crt"
KEY_FILE: Final = "tls.key"
SEED_FILE: Final = "nkey.seed"
NKEYS_FILE: Final = "nkeys.conf"
AUTHORITY_DAYS: Final = 3650
LEAF_DAYS: Final = 825
RENEWED_BEFORE: Final = timedelta(days=365)


def nkey_variable(user: str) -> str:
    """The name by which the broker's configuration calls a user's public key."""
    return f"NKEY_{user.upper()}"


def make_bus_keys(folder: Path, names: Sequence[str], now: datetime) -> list[str]:
    """Makes what is missing or about to expire below ``folder``, for a broker reached by ``names``; says what it made.

    The authority's key stays in a folder of its own, which no process but this one needs. OSError where nothing can be kept.
    """
    made: list[str] = []
    for part in (AUTHORITY, SERVER, *all_permissions()):
        (folder / part).mkdir(mode=0o700, parents=True, exist_ok=True)
    key = _key(folder / AUTHORITY / KEY_FILE, made)
    authority_file = folder / AUTHORITY / CA_FILE
    if not authority_file.exists():
        write_durably(authority_file, _authority(key, now).public_bytes(Encoding.PEM))
        made.append(f"{AUTHORITY}/{CA_FILE}")
    authority = x509.load_pem_x509_certificate(authority_file.read_bytes())
    for part in (SERVER, *all_permissions()):
        _same(folder / part / CA_FILE, authority_file.read_bytes(), made)
        own = _key(folder / part / KEY_FILE, made)
        file = folder / part / CERTIFICATE_FILE
        if not file.exists() or _ends(file) - now < RENEWED_BEFORE:
            issued = _issued(part, own, names if part == SERVER else (), authority, key, now)
            write_durably(file, issued.public_bytes(Encoding.PEM))
            made.append(f"{part}/{CERTIFICATE_FILE}")
    lines = [f'{nkey_variable(user)}: "{_user_key(folder / user / SEED_FILE, made).public}"' for user in all_permissions()]
    _same(folder / SERVER / NKEYS_FILE, ("\n".join(lines) + "\n").encode(), made)
    return made


def _key(file: Path, made: list[str]) -> ec.EllipticCurvePrivateKey:
    if not file.exists():
        key = ec.generate_private_key(ec.SECP256R1())
        write_durably(file, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        made.append(f"{file.parent.name}/{file.name}")
        return key
    found = load_pem_private_key(file.read_bytes(), None)
    if not isinstance(found, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{file} holds no key of ours")  # noqa: TRY004 -- what a file holds is no argument of ours
    return found


def _user_key(file: Path, made: list[str]) -> UserKey:
    if not file.exists():
        write_durably(file, UserKey.made().seed.encode("ascii"))
        made.append(f"{file.parent.name}/{file.name}")
    return UserKey.from_seed(file.read_text(encoding="ascii"))


def _same(file: Path, content: bytes, made: list[str]) -> None:
    if not file.exists() or file.read_bytes() != content:
        write_durably(file, content)
        made.append(f"{file.parent.name}/{file.name}")


def _ends(file: Path) -> datetime:
    return x509.load_pem_x509_certificate(file.read_bytes()).not_valid_after_utc


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _begun(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int, now: datetime) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject).issuer_name(issuer).public_key(key).serial_number(x509.random_serial_number())
        # Clocks of two machines may differ.
        .not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )  # fmt: skip


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates, key_cert_sign=signs_certificates, crl_sign=signs_certificates, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _authority(key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    name = _named("avrr broker authority")
    return (
        _begun(name, name, key.public_key(), AUTHORITY_DAYS, now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )


def _issued(
    part: str, own: ec.EllipticCurvePrivateKey, names: Sequence[str], authority: x509.Certificate, key: ec.EllipticCurvePrivateKey,
    now: datetime,
) -> x509.Certificate:  # fmt: skip
    purpose = ExtendedKeyUsageOID.SERVER_AUTH if part == SERVER else ExtendedKeyUsageOID.CLIENT_AUTH
    certificate = (
        _begun(_named(part), authority.subject, own.public_key(), LEAF_DAYS, now)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    )
    if names:
        certificate = certificate.add_extension(x509.SubjectAlternativeName([_reached_by(name) for name in names]), critical=False)
    return certificate.sign(key, hashes.SHA256())


def _reached_by(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def main(arguments: Sequence[str]) -> int:
    """The job of a deployment: what it made, a line each; 2 where it is not told for whom."""
    if len(arguments) < 2:
        sys.stderr.write("python -m ops.bus_keys FOLDER NAME …: where to keep keys, and the names by which the broker is reached\n")
        return 2
    folder, *names = arguments
    for line in make_bus_keys(Path(folder), names, datetime.now(UTC)):
        sys.stdout.write(f"made {line}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
