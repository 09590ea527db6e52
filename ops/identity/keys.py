"""The provider's signing key and its client's secret: made at first start, kept, their owner's alone."""

import json
import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final

from joserfc.errors import JoseError
from joserfc.jwk import ECKey

SIGNING_KEY_FILE: Final = "signing-key.json"
CLIENT_SECRET_FILE: Final = "client-secret"  # noqa: S105 -- the name of the file

_MAX_BYTES: Final = 4096


class UnsafeFile(Exception):
    """A key or secret that another user of this machine may have read or written, or that is damaged."""

    def __init__(self, name: str, fault: str) -> None:
        super().__init__(f"{name} {fault}")


def signing_key(folder: Path) -> ECKey:
    """The P-256 key of this folder, made if there is none yet; UnsafeFile if others could have touched it."""
    content = _kept(folder / SIGNING_KEY_FILE, _new_signing_key)
    try:
        key = ECKey.import_key(json.loads(content))
    except (JoseError, ValueError, TypeError):
        raise UnsafeFile(SIGNING_KEY_FILE, "holds no key") from None
    if not key.is_private or key.curve_name != "P-256" or not key.kid:
        raise UnsafeFile(SIGNING_KEY_FILE, "holds another kind of key")
    return key


def client_secret(folder: Path) -> str:
    """The secret of this folder, made if there is none yet; UnsafeFile if others could have touched it."""
    secret = _kept(folder / CLIENT_SECRET_FILE, _new_secret).decode("ascii", errors="replace").strip()
    if not secret:
        raise UnsafeFile(CLIENT_SECRET_FILE, "holds no secret")
    return secret


def new_signing_key() -> ECKey:
    """A fresh P-256 key that names itself by its RFC 7638 thumbprint."""
    return ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, private=True, auto_kid=True)


def _new_signing_key() -> bytes:
    return json.dumps(new_signing_key().as_dict(private=True)).encode()


def _new_secret() -> bytes:
    return secrets.token_urlsafe(32).encode()


def _kept(path: Path, make: Callable[[], bytes]) -> bytes:
    try:
        return _read(path)
    except FileNotFoundError:
        _create(path, make())
    return _read(path)


def _create(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        try:
            # A link, unlike a rename, never replaces what another process made at the same moment.
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        draft.unlink()


def _read(path: Path) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        raise
    except OSError:
        raise UnsafeFile(path.name, "cannot be opened") from None
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o077:
            raise UnsafeFile(path.name, "is open to others than its owner")
        return file.read(_MAX_BYTES)
