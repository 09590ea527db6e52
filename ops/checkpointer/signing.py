"""A log's next checkpoint: refused where the log is not the one of before, remembered before it is signed, and shown to witnesses."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

import httpx

from ops.witness.memory import Memory
from shared.tlog.checkpoints import Checkpoint
from shared.tlog.notes import Note, Signature, Signer, VerifierKey, signatures_in
from shared.tlog.refusals import LogRefused
from shared.tlog.tree import Nodes, consistency_proof, root_of
from shared.tlog.witnessing import SIZE, AddCheckpoint, Seen

_MOST_SIZE_BYTES = 20


@dataclass(frozen=True, slots=True)
class Witness:
    """Who has to see checkpoints: its key, and the address that C2SP calls its submission prefix."""

    key: VerifierKey
    url: str


def next_checkpoint(memory: Memory, signers: Sequence[Signer], origin: str, size: int, nodes: Nodes) -> Note:
    """The checkpoint of a log's first ``size`` entries, signed by each of its keys: by two while one is changed for another.

    LogRefused as ``log_shrank`` where it held more when it was signed last, and as ``log_rewritten`` where it held
    something else: whatever brought that about, a backup that was restored too, is for people to look at. What is signed is
    remembered first, on disk.
    """
    seen = memory.seen(origin)
    if seen is not None:
        if size < seen.size:
            raise LogRefused("log_shrank", f"The log holds {size} entries, and {seen.size} of it were signed.")
        if root_of(seen.size, nodes) != seen.root:
            raise LogRefused("log_rewritten", f"The log's first {seen.size} entries are not those that were signed.")
    said = Checkpoint(origin, size, root_of(size, nodes))
    memory.remember(origin, Seen(size, said.root))
    return Note(said.text, tuple(signer.sign(said.text) for signer in signers))


class Shown:
    """What each witness has seen of each log, as far as is known here; whatever is not is asked."""

    def __init__(self) -> None:
        self._sizes: dict[tuple[VerifierKey, str], int] = {}

    async def to(self, witness: Witness, note: Note, nodes: Nodes, client: httpx.AsyncClient) -> Signature:
        """The witness's line on a checkpoint.

        LogRefused as ``witness_saw_more`` or ``witness_saw_another`` where it signed another history of the log, which is an alarm,
        as ``log_unknown_to_witness`` where it says that it knows no such log: it was not told the log's keys, or saw it go on under
        another name; and as ``witness_away`` where it does not answer as a witness does.
        """
        said = Checkpoint.of(note)
        known = (witness.key, said.origin)
        old = self._sizes.get(known, 0)
        for _ in range(2):
            asked = AddCheckpoint(old, consistency_proof(old, said.size, nodes), note)
            answer = await _asked(client, witness, asked)
            if answer.status_code == HTTPStatus.CONFLICT and answer.headers.get("content-type") == SIZE:
                had = _size_in(answer)
                if had > said.size:
                    raise LogRefused("witness_saw_more", f"A witness signed {had} entries of the log, and it holds {said.size}.")
                if had != old:
                    old = had
                    continue
                raise LogRefused("witness_saw_another", f"A witness signed another log of {had} entries.")
            if answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY:
                raise LogRefused("witness_saw_another", "A witness signed entries that this log does not begin with.")
            if answer.status_code == HTTPStatus.NOT_FOUND:
                raise LogRefused("log_unknown_to_witness", "A witness knows no log of this name, or saw it go on under another one.")
            if answer.status_code == HTTPStatus.OK:
                self._sizes[known] = said.size
                return _line_of(witness.key, note, answer.text)
            break
        raise LogRefused("witness_away", "A witness did not answer as a witness does.")


async def _asked(client: httpx.AsyncClient, witness: Witness, asked: AddCheckpoint) -> httpx.Response:
    try:
        return await client.post(f"{witness.url}/add-checkpoint", content=bytes(asked))
    except httpx.RequestError:
        # Also one whose answer cannot be read.
        raise LogRefused("witness_away", "A witness cannot be reached.") from None


def _size_in(answer: httpx.Response) -> int:
    told = answer.text.removesuffix("\n")
    if not told.isascii() or not told.isdecimal() or len(told) > _MOST_SIZE_BYTES:
        raise LogRefused("witness_away", "A witness did not answer as a witness does.")
    return int(told)


def _line_of(key: VerifierKey, note: Note, lines: str) -> Signature:
    """The witness's signature among those that it answered, which holds for this checkpoint."""
    for signature in signatures_in(lines):
        if (signature.name, signature.key_id) == (key.name, key.id):
            Note(note.text, (signature,)).signed_by([key])
            return signature
    raise LogRefused("witness_away", "A witness did not answer as a witness does.")
