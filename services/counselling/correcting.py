"""How a wrong year of birth is corrected: what is kept under it, and by what the person is found, at once."""

from collections.abc import Sequence
from uuid import UUID

from services.counselling import birth_years, finding, identities
from services.counselling.domain.identity import RecordIdentity
from services.counselling.domain.person import CorrectBirthYear, is_possible
from shared.contracts.counselling import IdentityRecorded
from shared.db import UnitOfWork, Write
from shared.erasing import TAKE_TURN
from shared.handling import Handled
from shared.messages import Context
from shared.private import PersonKey, PersonKeys


class Correction:
    """Keeps the year that was corrected, with all that goes by it; one for each request.

    The hashes have to be made before the rules decide, and the year can be sealed only after.
    """

    def __init__(self, keys: PersonKeys, context: Context, person_id: UUID, command: CorrectBirthYear) -> None:
        self._keys = keys
        self._context = context
        self._person_id = person_id
        self._command = command
        self._hashed: tuple[str, bytes] = ("", b"")

    async def hashed(self, unit: UnitOfWork) -> Sequence[Write]:
        """The writes by which the person is found under that year; none where the rules will refuse it.

        `Busy` while years of before wait to be sealed.
        """
        if not is_possible(self._command.birth_year, self._context) or not await finding.is_held(unit, self._person_id):
            return ()
        await birth_years.all_are_sealed(unit)
        # Whoever records a wish to return of theirs meanwhile waits, and reads the year that is right.
        await unit.row(TAKE_TURN, person_id=self._person_id)
        self._hashed = await birth_years.hashed_now(self._keys.index, self._command.birth_year)
        return await finding.under_another_year(unit, self._keys, self._person_id, self._command.birth_year)

    def writes(self, key: PersonKey, handled: Handled) -> Sequence[Write]:
        """The write that keeps the year, sealed, and the one that keeps that a date of birth was emptied, if one was."""
        kept = birth_years.corrected(key, self._command.birth_year, self._hashed, handled)
        if not any(isinstance(event, IdentityRecorded) for event in handled.events):
            return (kept,)
        emptied = RecordIdentity(emptied=("birth_date",), reason=self._command.reason)
        return (kept, *identities.kept(self._person_id, emptied, self._context)(key, handled))
