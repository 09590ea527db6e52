"""The programs that the provider knows: what each may ask for, where it sends people back to, and its secret."""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from ops.identity.private_files import UnsafeFile, kept
from shared.actors import CLIENT, Role
from shared.countries import is_country

DEVELOPMENT_CLIENT: Final = "avrr-development"
PORTAL_CLIENT: Final = "avrr-portal"
COMMAND_LINE_CLIENT: Final = "avrr-command-line"
SERVICE_CLIENTS: Final[Mapping[str, Role]] = MappingProxyType(
    {
        "service-returns": Role.SERVICE, "service-reintegration": Role.SERVICE, "service-retention": Role.RETENTION,
        "service-audit": Role.ARCHIVE,
    }
)

# Ours, for development only: it names a persona where a real provider lets a person prove who they are.
PERSONA_GRANT: Final = "urn:avrr:persona"
CODE_GRANT: Final = "authorization_code"
REFRESH_GRANT: Final = "refresh_token"
CREDENTIALS_GRANT: Final = "client_credentials"
# RFC 8628: who has no browser is signed in by somebody's browser elsewhere.
DEVICE_GRANT: Final = "urn:ietf:params:oauth:grant-type:device_code"

DEVELOPMENT_SECRET_FILE: Final = "client-secret"  # noqa: S105 -- the name of the file
PORTAL_SECRET_FILE: Final = "portal-secret"  # noqa: S105 -- the name of the file
MACHINES_SECRET_FILE: Final = "machines-secret"  # noqa: S105 -- the name of the file

# Who gives orders on the command line by a token: accepts a restore, settles its payments, takes out logs or what is held.
COMMAND_LINE_ROLES: Final = frozenset(
    {Role.CHIEF_OF_MISSION, Role.DATA_PROTECTION, Role.AUDITOR, Role.FINANCE_RECONCILER, Role.FINANCE_APPROVER}
)

_OFFICE: Final = "office-"
# RFC 8252 section 7.3: on the loopback interface the port is whatever was free; everything else is compared exactly.
_LOOPBACK: Final = re.compile(r"http://(?:127\.0\.0\.1|localhost)(?::[1-9][0-9]{0,4})?(/[a-z-]*)")


@dataclass(frozen=True, slots=True)
class Client:
    """A program: it signs people in, or acts on its own with one role and an explicit scope.

    One that is ``public`` runs where others could read it and so has no secret. Its tokens bear none but the roles that it ``brings``.
    """

    id: str
    grants: frozenset[str]
    public: bool = False
    brings: frozenset[Role] = frozenset(Role)
    redirect_paths: frozenset[str] = frozenset()
    signed_out_paths: frozenset[str] = frozenset()
    role: Role | None = None
    organisation: str = ""
    countries: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        """The person id of a program that acts on its own; no person's begins like this."""
        return f"{CLIENT}{self.id}"

    def may_redirect(self, uri: str) -> bool:
        """Whether a person who signed in may be sent here."""
        return _loopback_path(uri) in self.redirect_paths

    def may_redirect_signed_out(self, uri: str) -> bool:
        """Whether a person who signed out may be sent here."""
        return _loopback_path(uri) in self.signed_out_paths


def client_of(client_id: str) -> Client | None:
    """The client of this name, None if there is none; offices have one for every ISO country, e.g. `office-tn`."""
    country = client_id.removeprefix(_OFFICE)
    if country != client_id and country == country.lower() and is_country(country.upper()):
        return Client(
            client_id,
            frozenset({CREDENTIALS_GRANT}),
            role=Role.RECEIVING_OFFICE,
            organisation=f"iom_{country}",
            countries=(country.upper(),),
        )
    return _NAMED.get(client_id)


def secret_of(folder: Path, client: Client) -> str:
    """A client's secret, made at its first use; UnsafeFile if others could have touched it.

    The two that people sign in with have a file each. Those of machines are derived from one kept secret, so that 249
    offices need no files, nothing is written while a request is answered, and the operator can tell an office its
    secret without asking the provider; whoever knows one of them learns nothing about another.
    """
    file = _SECRET_FILES.get(client.id)
    if file is not None:
        return _secret(folder / file)
    digest = hmac.digest(_secret(folder / MACHINES_SECRET_FILE).encode(), client.id.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def development_secret(folder: Path) -> str:
    """The secret that opens everything here: any persona's token, forged ones, and the rotation of keys."""
    return secret_of(folder, _NAMED[DEVELOPMENT_CLIENT])


def _secret(path: Path) -> str:
    found = kept(path, lambda: secrets.token_urlsafe(32).encode()).decode("ascii", errors="replace").strip()
    if not found:
        raise UnsafeFile(path.name, "holds no secret")
    return found


def _loopback_path(uri: str) -> str | None:
    found = _LOOPBACK.fullmatch(uri)
    return found[1] if found else None


_NAMED: Final[Mapping[str, Client]] = MappingProxyType(
    {
        client.id: client
        for client in (
            Client(DEVELOPMENT_CLIENT, frozenset({PERSONA_GRANT})),
            Client(
                PORTAL_CLIENT,
                frozenset({CODE_GRANT, REFRESH_GRANT}),
                redirect_paths=frozenset({"/signed-in"}),
                signed_out_paths=frozenset({"/", "/signed-out"}),
            ),
            Client(COMMAND_LINE_CLIENT, frozenset({DEVICE_GRANT}), public=True, brings=COMMAND_LINE_ROLES),
            *(
                Client(name, frozenset({CREDENTIALS_GRANT}), role=role, organisation="avrr")
                for name, role in SERVICE_CLIENTS.items()
            ),
        )
    }
)
_SECRET_FILES: Final[Mapping[str, str]] = MappingProxyType(
    {DEVELOPMENT_CLIENT: DEVELOPMENT_SECRET_FILE, PORTAL_CLIENT: PORTAL_SECRET_FILE}
)
