"""Epoch keys in the transit engine of OpenBao or Vault: no process of ours ever sees one of them.

An epoch is a version of the service's key there, which somebody made before (type aes256-gcm96, not derived). The token's
policy needs `read` on it, `update` on its encrypt and decrypt, and for who ends epochs on its rotate, config and trim.
"""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import httpx
import structlog
from pydantic import BaseModel, ValidationError

from shared.epochs import Bare, EpochsAway, StillCurrent, Wrapped, number_of
from shared.sealing import KEY_BYTES, Unsealed

# A command waits for this within its transaction.
_TIMEOUT: Final = httpx.Timeout(2.0, connect=1.0)
_CIPHERTEXT: Final = re.compile(rb"vault:v([1-9][0-9]{0,8}):[A-Za-z0-9+/]+={0,2}")

log = structlog.get_logger("transit")


class _Result(BaseModel):
    ciphertext: str = ""
    plaintext: str = ""
    hmac: str = ""


class _Results(BaseModel):
    batch_results: list[_Result]


class _Batch(BaseModel):
    data: _Results


class _Version(BaseModel):
    latest_version: int
    min_available_version: int = 0
    min_decryption_version: int = 0
    min_encryption_version: int = 0


class _Key(BaseModel):
    data: _Version


class TransitEpochs:
    """The epochs of one service: the versions of the key ``avrr-<service>`` of a transit engine.

    ``url`` is the engine's address with its mount (``https://…/v1/transit``). The token is read from its file at each
    request, as whoever renews it writes it there.
    """

    def __init__(self, client: httpx.AsyncClient, url: str, service: str, token_file: Path) -> None:
        self._client = client
        self._url = url.rstrip("/")
        self._name = f"avrr-{service}"
        self._token_file = token_file

    async def current(self) -> str:
        """As `Epochs` promises."""
        return str((await self._key()).latest_version)

    async def wrap(self, keys: Sequence[Bare]) -> list[Wrapped]:
        """As `Epochs` promises."""
        asked = [{"plaintext": _base64(each.key), "associated_data": _base64(each.bound)} for each in keys]
        wrapped: list[Wrapped] = []
        for each, result in zip(keys, await self._batch("encrypt", asked), strict=True):
            ciphertext = result.ciphertext.encode()
            found = _CIPHERTEXT.fullmatch(ciphertext)
            if found is None:
                raise away("unreadable")
            wrapped.append(Wrapped(found[1].decode(), ciphertext, each.bound))
        return wrapped

    async def unwrap(self, wrapped: Sequence[Wrapped]) -> list[bytes]:
        """As `Epochs` promises."""
        asked: list[Mapping[str, str]] = []
        for each in wrapped:
            found = _CIPHERTEXT.fullmatch(each.wrapped)
            if found is None or found[1].decode() != each.epoch:
                raise Unsealed
            asked.append({"ciphertext": each.wrapped.decode(), "associated_data": _base64(each.bound)})
        keys: list[bytes] = []
        for result in await self._batch("decrypt", asked):
            try:
                key = base64.b64decode(result.plaintext, validate=True)
            except (binascii.Error, ValueError):
                raise Unsealed from None
            # Of what the engine could not decrypt it answers an error in place of the plaintext.
            if len(key) != KEY_BYTES:
                raise Unsealed
            keys.append(key)
        return keys

    async def rotate(self) -> str:
        """As `Epochs` promises."""
        await self._ask("POST", f"keys/{self._name}/rotate", {})
        return await self.current()

    async def destroy(self, epoch: str) -> None:
        """As `Epochs` promises; a backup of the vault holds the key for as long as it is kept itself."""
        first_left = number_of(epoch) + 1
        key = await self._key()
        if first_left > key.latest_version:
            raise StillCurrent
        if key.min_available_version >= first_left:
            return
        # A version is trimmed only if it may be used neither to decrypt nor to encrypt any more.
        least = {
            "min_decryption_version": max(first_left, key.min_decryption_version),
            "min_encryption_version": max(first_left, key.min_encryption_version),
        }
        await self._ask("POST", f"keys/{self._name}/config", least)
        await self._ask("POST", f"keys/{self._name}/trim", {"min_available_version": first_left})

    async def _key(self) -> _Version:
        answer = await self._ask("GET", f"keys/{self._name}")
        try:
            return _Key.model_validate_json(answer.content).data
        except ValidationError:
            raise away("unreadable") from None

    async def _batch(self, what: str, asked: Sequence[Mapping[str, str]], **how: str | int) -> list[_Result]:
        if not asked:
            return []
        answer = await self._ask("POST", f"{what}/{self._name}", {"batch_input": asked, **how}, accepted=(200, 400))
        try:
            results = _Batch.model_validate_json(answer.content).data.batch_results
        except ValidationError:
            # Refused as a whole, as where there is no such key: that says nothing about what is kept.
            raise away(answer.status_code) from None
        if len(results) != len(asked):
            raise away("unreadable")
        return results

    async def _ask(
        self, method: str, path: str, body: Mapping[str, object] | None = None, accepted: Sequence[int] = (200, 204)
    ) -> httpx.Response:
        try:
            token = self._token_file.read_text("ascii").strip()
            answer = await self._client.request(
                method, f"{self._url}/{path}", json=body, timeout=_TIMEOUT,
                headers={"X-Vault-Token": token, "X-Vault-Request": "true"},
            )  # fmt: skip
        except (httpx.HTTPError, OSError, ValueError) as error:
            raise away(type(error).__name__) from None
        if answer.status_code not in accepted:
            raise away(answer.status_code)
        return answer


def away(reason: str | int) -> EpochsAway:
    """What is raised where the engine gave no answer that could be used; the reason is told to the log."""
    log.warning("epochs_away", reason=reason)
    return EpochsAway()


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
