"""C2SP's signed notes: a text under lines of signatures, the keys that make and check them, and witnesses' cosignatures."""

import base64
import binascii
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from shared.tlog.refusals import LogRefused

# The types of signed-note: a log signs the text itself, a witness the text with the time at which it saw it.
ED25519: Final = 1
COSIGNATURE: Final = 4
KeyType = Literal[1, 4]

MOST_NOTE_BYTES: Final = 1 << 17
MOST_SIGNATURES: Final = 64
_ID_BYTES, _TIME_BYTES, _KEY_BYTES = 4, 8, 32
_SIGNATURE_LINE = re.compile(r"— (?P<name>\S+) (?P<blob>[A-Za-z0-9+/]+={0,2})")
_VERIFIER_KEY = re.compile(r"(?P<name>[^+]+)\+(?P<id>[0-9a-f]{8})\+(?P<key>[A-Za-z0-9+/]+={0,2})")


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """By what a signature is checked: whose, of which type, and the public key of 32 bytes (RFC 8032)."""

    name: str
    type: KeyType
    public: bytes

    def __post_init__(self) -> None:
        """LogRefused for a name that no line of a note can bear, and for what is no key."""
        if not self.name or "+" in self.name or any(_separates(letter) for letter in self.name):
            raise LogRefused("key_name_wrong", "The name of a key has no spaces, no plus sign and no control characters.")
        if len(self.public) != _KEY_BYTES:
            raise LogRefused("key_wrong", "A public key of Ed25519 has 32 bytes.")

    @property
    def id(self) -> bytes:
        """The four bytes by which a line of a note names the key beside its name."""
        return sha256(self.name.encode() + b"\n" + bytes([self.type]) + self.public).digest()[:_ID_BYTES]

    def under(self, name: str) -> "VerifierKey":
        """The same key under the name of another generation of its log, which has another id."""
        return replace(self, name=name)

    def __str__(self) -> str:
        """As it stands in a file of trusted keys."""
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(bytes([self.type]) + self.public).decode()}"

    @classmethod
    def of(cls, written: str) -> "VerifierKey":
        """A key as it is written; LogRefused where that is none of the two types, or its parts contradict each other."""
        found = _VERIFIER_KEY.fullmatch(written)
        if found is None:
            raise LogRefused("key_wrong", "This is not written as a key that checks signatures.")
        blob = decoded(found["key"])
        if not blob or blob[0] not in (ED25519, COSIGNATURE):
            raise LogRefused("key_type_unknown", "Only signatures and cosignatures of Ed25519 are checked.")
        key = cls(found["name"], ED25519 if blob[0] == ED25519 else COSIGNATURE, blob[1:])
        if key.id.hex() != found["id"]:
            raise LogRefused("key_wrong", "The id of a key is not the one that is made from it.")
        return key


@dataclass(frozen=True, slots=True)
class Signature:
    """One line of signature: whose it says it is, and everything after the key's id."""

    name: str
    key_id: bytes
    blob: bytes

    def __str__(self) -> str:
        """The line, without its end."""
        return f"— {self.name} {base64.b64encode(self.key_id + self.blob).decode()}"


@dataclass(frozen=True, slots=True)
class Note:
    """A text that ends with a line, and who signed it."""

    text: str
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        """The note as it is kept and sent."""
        return self.text + "\n" + "".join(f"{signature}\n" for signature in self.signatures)

    @classmethod
    def of(cls, written: bytes) -> "Note":
        """A note as it was sent; LogRefused where it is too large, is no text, or has no lines of signatures at its end."""
        if len(written) > MOST_NOTE_BYTES:
            raise LogRefused("note_too_large", "A note is longer than any that is signed here.")
        try:
            said = written.decode("utf-8")
        except UnicodeDecodeError:
            raise LogRefused("note_wrong", "A note is text in UTF-8.") from None
        if any(letter < " " and letter != "\n" for letter in said):
            raise LogRefused("note_wrong", "A note has no control characters but the ends of its lines.")
        text, blank, lines = said.rpartition("\n\n")
        if not blank or not lines.endswith("\n"):
            raise LogRefused("note_wrong", "A note has an empty line before its signatures.")
        signatures = signatures_in(lines)
        if not signatures:
            raise LogRefused("note_unsigned", "A note is signed.")
        return cls(text + "\n", signatures)

    def signed_by(self, keys: Iterable[VerifierKey]) -> Mapping[VerifierKey, int | None]:
        """Whose signatures on it hold, and when the witnesses among them made theirs (seconds since 1970, UTC).

        Lines of unknown keys are passed over. LogRefused where a line says it is of one of these keys and is not.
        """
        known = {(key.name, key.id): key for key in keys}
        found: dict[VerifierKey, int | None] = {}
        for signature in self.signatures:
            key = known.get((signature.name, signature.key_id))
            if key is not None:
                found[key] = _checked(self.text, key, signature.blob)
        return found

    def with_signatures(self, more: Iterable[Signature]) -> "Note":
        """The same text with further lines; one that stands there already is not added again."""
        return replace(self, signatures=tuple(dict.fromkeys((*self.signatures, *more))))


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs: under which name, by which private key. It never shows that key."""

    name: str
    type: KeyType
    _private: Ed25519PrivateKey

    def __repr__(self) -> str:
        """Without the key."""
        return f"Signer({self.verifier_key})"

    @classmethod
    def of(cls, name: str, type: KeyType, seed: bytes) -> "Signer":
        """A signer from the 32 bytes that are kept of its key; LogRefused for a name that no line of a note can bear."""
        signer = cls(name, type, Ed25519PrivateKey.from_private_bytes(seed))
        _ = signer.verifier_key
        return signer

    @property
    def verifier_key(self) -> VerifierKey:
        """By what its signatures are checked."""
        return VerifierKey(self.name, self.type, self._private.public_key().public_bytes_raw())

    def under(self, name: str) -> "Signer":
        """Who signs another generation of the same log by the same key."""
        return replace(self, name=name)

    def sign(self, text: str, at: int = 0) -> Signature:
        """Its line on a note's text; a witness says at which second (since 1970, UTC) it saw it."""
        if self.type == ED25519:
            return Signature(self.name, self.verifier_key.id, self._private.sign(text.encode()))
        blob = at.to_bytes(_TIME_BYTES, "big") + self._private.sign(_cosigned(text, at))
        return Signature(self.name, self.verifier_key.id, blob)


def signatures_in(lines: str) -> tuple[Signature, ...]:
    """The signatures that stand in these lines, each of which ends; LogRefused where a line is none, or there are too many."""
    written = lines.split("\n")[:-1]
    if len(written) > MOST_SIGNATURES:
        raise LogRefused("note_too_large", "A note has more signatures than are read.")
    signatures: list[Signature] = []
    for line in written:
        found = _SIGNATURE_LINE.fullmatch(line)
        blob = decoded(found["blob"]) if found is not None else b""
        if found is None or len(blob) <= _ID_BYTES:
            raise LogRefused("signature_wrong", "A line below a note is not a signature.")
        signatures.append(Signature(found["name"], blob[:_ID_BYTES], blob[_ID_BYTES:]))
    return tuple(signatures)


def decoded(written: str) -> bytes:
    """What stands there in base 64, written in the one way in which it can be; LogRefused otherwise (RFC 4648, 3.5)."""
    try:
        found = base64.b64decode(written, validate=True)
    except (binascii.Error, ValueError):
        raise LogRefused("base64_wrong", "This is not base 64.") from None
    if base64.b64encode(found).decode() != written:
        raise LogRefused("base64_wrong", "This is base 64 that says the same in another way.")
    return found


def _checked(text: str, key: VerifierKey, blob: bytes) -> int | None:
    """When a witness signed, None of a log; LogRefused where the key did not sign this."""
    public = Ed25519PublicKey.from_public_bytes(key.public)
    at = int.from_bytes(blob[:_TIME_BYTES], "big") if key.type == COSIGNATURE else None
    try:
        if at is None:
            public.verify(blob, text.encode())
        else:
            public.verify(blob[_TIME_BYTES:], _cosigned(text, at))
    except InvalidSignature:
        raise LogRefused("signature_false", "A line says it is by a key that is trusted, and is not.") from None
    return at


def _cosigned(text: str, at: int) -> bytes:
    """What a witness signs: the text, and when it saw it (C2SP tlog-cosignature, cosignature/v1)."""
    return f"cosignature/v1\ntime {at}\n{text}".encode()


def _separates(letter: str) -> bool:
    return letter.isspace() or unicodedata.category(letter) in ("Cc", "Zs", "Zl", "Zp")
