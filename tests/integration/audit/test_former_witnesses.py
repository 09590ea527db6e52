"""After a change of witness what the former one saw in its time stays proven by what people set, and without that it rings."""

from dataclasses import replace

import pytest

from shared.tlog.notes import COSIGNATURE, Signer
from shared.tlog.trust import Former, TrustPolicy
from tests.integration.audit.archived_log import OF_WITNESS, POLICY, ArchivedLog
from tests.integration.audit.broken_log import Checkpointer
from tests.integration.audit.signed_log import Signed, foreign
from tests.integration.audit.test_integrity import codes, told

COURT = Signer.of("court.example", COSIGNATURE, bytes([9]) * 32)
CHANGED = replace(POLICY, witnesses={"court": COURT.verifier_key}, groups={}, quorum="court")
# Everything here was seen at the first second of 1970.
IN_TIME, TOO_LATE = (replace(CHANGED, former=(Former(until, 1, (OF_WITNESS.verifier_key,)),)) for until in (2, 1))


async def by(archived: ArchivedLog, policy: TrustPolicy) -> tuple[list[str], int, int]:
    """What is told where this is believed: the alarms, and how many breaks and tails are proven."""
    async with archived.beside_the_archive() as superuser:
        await superuser.execute("UPDATE archive_watched SET policy = $1", str(policy))
    found = await told(archived)
    return codes(found), len(found["breaks"]), len(found["tails"])


@pytest.mark.parametrize(("policy", "proven"), [(POLICY, True), (CHANGED, False), (TOO_LATE, False), (IN_TIME, True)])
async def test_a_tail_stays_proven(signed: Signed, policy: TrustPolicy, proven: bool) -> None:
    await signed.take(foreign((await signed.archived.leaves())[-1]))
    await signed.sign(2)
    # The stream brings another entry in its place.
    await signed.archived.archive()
    assert await signed.look() is None
    alarms, _, tails = await by(signed.archived, policy)
    assert ("tail_unproven" not in alarms, tails) == (proven, int(proven))


@pytest.mark.parametrize(("policy", "proven"), [(POLICY, True), (CHANGED, False), (TOO_LATE, False), (IN_TIME, True)])
async def test_a_break_stays_proven(signed: Signed, policy: TrustPolicy, proven: bool) -> None:
    checkpointer = Checkpointer(signed.archived, signed.note)
    await checkpointer.set_back(3)
    assert await checkpointer.look() is None
    alarms, breaks, _ = await by(signed.archived, policy)
    assert ("break_unproven" not in alarms, breaks) == (proven, int(proven))


async def test_the_keys_that_auditors_take_along_have_the_former_ones(signed: Signed) -> None:
    await by(signed.archived, IN_TIME)
    assert TrustPolicy.of((await signed.archived.get("/v1/archive/policy")).text) == IN_TIME
    named = (await signed.archived.get("/v1/archive/keys")).text
    assert [named.count(f"{key}\n") for key in (OF_WITNESS.verifier_key, COURT.verifier_key)] == [1, 1]
