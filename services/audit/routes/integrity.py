"""How it stands with every log, and by which keys whoever does not trust us checks what was signed of it."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi import APIRouter, Response

from services.audit import integrity
from services.audit.breaks import BREAKS
from services.audit.integrity import LogIntegrity
from services.audit.tails import TAILS, tails_of
from shared.callers import AuthenticatedRoute
from shared.db import UnitOfWork
from shared.errors import NotFound
from shared.http import Calling
from shared.tlog.trust import TrustPolicy
from shared.topology import AUDIT

router = APIRouter(route_class=AuthenticatedRoute)

_TEXT = "text/plain; charset=utf-8"


@router.get("/v1/archive/integrity")
async def read_integrity(call: Calling) -> list[LogIntegrity]:
    """Of each log the latest checkpoint with its signatures, how far it is archived and compared, and every alarm.

    Of the rows beside each log what the service's own verification said, and what it said that is no more.
    """
    await call.on_record()
    logs = list(AUDIT.follows)

    async def work(unit: UnitOfWork) -> list[LogIntegrity]:
        different = await unit.rows(integrity.OPEN)
        rows, verified = await unit.rows(integrity.ROWS, logs=logs), await unit.rows(integrity.VERIFIED)
        broken, apart = await unit.rows(BREAKS), await unit.rows(TAILS)
        found = await unit.rows(integrity.LOGS, logs=logs)
        told = [
            LogIntegrity.of(row, different).with_breaks(broken, row["policy"])
            .with_tails(*await tails_of(unit, row["log"], apart, row["policy"])).with_rows(rows, verified)
            for row in found
        ]  # fmt: skip
        # Of a log that there is not nobody looks at anything: what stands there of one is told with the archive's own.
        return [one.with_strange(broken, apart, logs) if one.log == AUDIT.name else one for one in told]

    return await call.ask(work, log=True)


@router.get("/v1/archive/policy", response_class=Response)
async def read_trust_policy(call: Calling) -> Response:
    """The keys of all logs and witnesses as a C2SP tlog-policy, as the archive checks checkpoints by it."""
    await call.on_record()
    return Response(await _policy(call), media_type=_TEXT)


@router.get("/v1/archive/keys", response_class=Response)
async def read_public_keys(call: Calling) -> Response:
    """The same keys one after the other in PEM, each below the name under which it signs, for openssl."""
    await call.on_record()
    trusted = TrustPolicy.of(await _policy(call))
    former = (key for one in trusted.former for key in one.keys)
    keys = dict.fromkeys((*trusted.logs, *trusted.witnesses.values(), *former))
    return Response("\n".join(f"{key}\n{_pem(key.public)}" for key in keys), media_type=_TEXT)


async def _policy(call: Calling) -> str:
    row = await call.ask(lambda unit: unit.row(integrity.POLICIES), log=True)
    if row is None:
        raise NotFound
    policy: str = row["policy"]
    return policy


def _pem(public: bytes) -> str:
    key = Ed25519PublicKey.from_public_bytes(public)
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
