"""A transit engine on loopback that speaks as much of OpenBao's API as we use, with real AES-GCM and its rules inside."""

import base64
import hmac
import json
import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

Answer = tuple[int, Mapping[str, object]]


def refused(reason: str, status: int = 400) -> Answer:
    return status, {"errors": [reason]}


@dataclass
class TransitKey:
    """One named key with its versions, as the engine keeps it."""

    versions: dict[int, bytes] = field(default_factory=lambda: {1: secrets.token_bytes(32)})
    min_available: int = 0
    min_decryption: int = 1
    min_encryption: int = 0

    @property
    def latest(self) -> int:
        return max(self.versions)

    def described(self) -> Answer:
        return 200, {
            "data": {
                "type": "aes256-gcm96", "latest_version": self.latest, "min_available_version": self.min_available,
                "min_decryption_version": self.min_decryption, "min_encryption_version": self.min_encryption,
                "keys": {str(number): 1_700_000_000 for number in self.versions},
            }
        }  # fmt: skip

    def encrypt(self, item: Mapping[str, str]) -> dict[str, object]:
        nonce = secrets.token_bytes(12)
        associated = base64.b64decode(item.get("associated_data", ""))
        sealed = AESGCM(self.versions[self.latest]).encrypt(nonce, base64.b64decode(item["plaintext"]), associated)
        text = base64.b64encode(nonce + sealed).decode()
        return {"ciphertext": f"vault:v{self.latest}:{text}", "key_version": self.latest}

    def decrypt(self, item: Mapping[str, str]) -> dict[str, object]:
        _, version, text = item["ciphertext"].split(":")
        number = int(version[1:])
        if number < self.min_decryption:
            return {"plaintext": "", "error": "ciphertext or signature version is disallowed by policy (too old)"}
        if number not in self.versions:
            return {"plaintext": "", "error": "invalid ciphertext: version is too new"}
        kept = base64.b64decode(text)
        associated = base64.b64decode(item.get("associated_data", ""))
        try:
            plain = AESGCM(self.versions[number]).decrypt(kept[:12], kept[12:], associated)
        except (InvalidTag, ValueError):
            return {"plaintext": "", "error": "cipher: message authentication failed"}
        return {"plaintext": base64.b64encode(plain).decode()}

    def hmac(self, item: Mapping[str, str], version: int, algorithm: str) -> dict[str, object]:
        number = version or self.latest
        if number not in self.versions or number < self.min_decryption:
            return {"error": "cannot generate HMAC: version is too old (disallowed by policy)"}
        found = hmac.digest(self.versions[number], base64.b64decode(item["input"]), algorithm.replace("sha2-", "sha"))
        return {"hmac": f"vault:v{number}:{base64.b64encode(found).decode()}"}

    def configure(self, body: Mapping[str, int]) -> Answer:
        decryption = body.get("min_decryption_version", self.min_decryption)
        encryption = body.get("min_encryption_version", self.min_encryption)
        if max(decryption, encryption) > self.latest:
            return refused("cannot set min version above the latest")
        if 0 < encryption < decryption:
            return refused("cannot set min encryption/decryption values")
        if decryption < self.min_available:
            return refused("cannot set min decryption version below the min available")
        self.min_decryption, self.min_encryption = decryption, encryption
        return self.described()

    def trim(self, body: Mapping[str, int]) -> Answer:
        least = body["min_available_version"]
        if least < self.min_available:
            return refused("minimum available version cannot be decremented")
        if self.min_encryption == 0:
            return refused("minimum available version cannot be set when minimum encryption version is not set")
        if least > min(self.min_encryption, self.min_decryption):
            return refused("minimum available version cannot be greater than minimum decryption version")
        self.min_available = least
        self.versions = {number: key for number, key in self.versions.items() if number >= least}
        return self.described()


@dataclass
class TransitEngine:
    """The engine: its keys by name, the one token that it accepts, how often it was asked, and whether it is well."""

    token: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    keys: dict[str, TransitKey] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    instead: tuple[int, bytes] | None = None
    url: str = ""

    def answer(self, method: str, path: str, token: str, body: Mapping[str, Any]) -> Answer:
        if token != self.token:
            return refused("permission denied", 403)
        match (method, path.removeprefix("/v1/transit/").split("/")):
            case "GET", ["keys", name] if name in self.keys:
                return self.keys[name].described()
            case "GET", ["keys", _]:
                return refused("", 404)
            case "POST", ["keys", name, "rotate"] if name in self.keys:
                key = self.keys[name]
                key.versions[key.latest + 1] = secrets.token_bytes(32)
                return key.described()
            case "POST", ["keys", name, "config"] if name in self.keys:
                return self.keys[name].configure(body)
            case "POST", ["keys", name, "trim"] if name in self.keys:
                return self.keys[name].trim(body)
            case "POST", [("encrypt" | "decrypt") as what, name] if name in self.keys:
                key = self.keys[name]
                results = [(key.encrypt if what == "encrypt" else key.decrypt)(item) for item in body["batch_input"]]
                failed = any("error" in result for result in results)
                return 400 if failed else 200, {"data": {"batch_results": results}}
            case "POST", ["hmac", name] if name in self.keys:
                key = self.keys[name]
                results = [key.hmac(item, body.get("key_version", 0), body["algorithm"]) for item in body["batch_input"]]
                return 400 if any("error" in one for one in results) else 200, {"data": {"batch_results": results}}
            case "POST", [_, _]:
                return refused("encryption key not found")
        return refused("unsupported path", 404)


@contextmanager
def running_engine(engine: TransitEngine) -> Iterator[TransitEngine]:
    """Lets the engine be asked by HTTP, at ``engine.url``, until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            engine.asked.append(f"{self.command} {self.path}")
            length = int(self.headers.get("Content-Length", 0))
            body = json.loads(self.rfile.read(length) or b"{}")
            status, found = engine.answer(self.command, self.path, self.headers.get("X-Vault-Token", ""), body)
            content = json.dumps(found).encode()
            if engine.instead is not None:
                status, content = engine.instead
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _answer  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        engine.url = f"http://127.0.0.1:{server.server_port}/v1/transit"
        try:
            yield engine
        finally:
            server.shutdown()
            thread.join()
