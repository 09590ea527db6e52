"""Who was added to the invented staff, who is suspended, and whose sign-ins of before count no more; in one private file."""

import contextlib
import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from ops.identity.personas import MISSION, MISSION_COUNTRY, Persona, UnknownPersona, acr_of, persona
from ops.identity.private_files import UnsafeFile, alone, kept, replaced
from ops.identity.tokens import SignIn
from shared.actors import PROGRAMS, Role

_FILE: Final = "staff.json"
_NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST: Final = 40


class StaffRefused(Exception):
    """What cannot be done with a member of staff; ``sentence`` says why."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class _Known:
    # By name: role and sites of whoever was added; since when suspended; before when a sign-in counts no more; whose key is off.
    added: dict[str, dict[str, list[str] | str]] = field(default_factory=dict)
    suspended: dict[str, str] = field(default_factory=dict)
    ended: dict[str, str] = field(default_factory=dict)
    keyless: list[str] = field(default_factory=list)


class Staff:
    """The staff of one provider. Read anew at each question, so that what a command says counts at once."""

    def __init__(self, folder: Path, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._folder = folder
        self._now = now

    def persona(self, name: str) -> Persona:
        """The member of staff of this name; UnknownPersona if there is none, or if they are suspended."""
        known = self._read()
        found = _persona(known, name)
        if found.name in known.suspended:
            raise UnknownPersona
        return found

    def added(self) -> list[Persona]:
        """Whoever was added and is not suspended, by name."""
        known = self._read()
        return [_persona(known, name) for name in sorted(known.added) if name not in known.suspended]

    def stands(self, sign_in: SignIn) -> bool:
        """Whether a sign-in of before still counts."""
        known, name = self._read(), sign_in.persona.name
        ended = known.ended.get(name)
        return name not in known.suspended and (ended is None or sign_in.at >= datetime.fromisoformat(ended))

    def has_key(self, person: Persona) -> bool:
        """Whether their invented key is enrolled: every one is, until it was taken off."""
        return person.name not in self._read().keyless

    def add(self, name: str, role: Role, sites: tuple[str, ...]) -> Persona:
        """Adds a member of the mission's staff; `StaffRefused` where the name is taken or none, or the role is nobody's here."""
        with self._alone():
            known = self._read()
            if not _NAME.fullmatch(name) or len(name) > _LONGEST:
                raise StaffRefused("A name is small letters and digits with single dashes between, forty at most, e.g. counsellor-lipa.")
            if role in PROGRAMS or role in {Role.RECEIVING_OFFICE, Role.OFFICE_PAYER, Role.CONSULAR_POST}:
                raise StaffRefused("Programs and staff abroad are not added: programs have clients, and each country has its offices.")
            try:
                _persona(known, name)
            except UnknownPersona:
                self._write(replace(known, added={**known.added, name: {"role": role.value, "sites": list(sites)}}))
                return self.persona(name)
            raise StaffRefused("There is somebody of that name.")

    def suspend(self, name: str) -> None:
        """Lets nobody sign in as them and ends what they are signed in to; `StaffRefused` if there is nobody of that name."""
        with self._alone():
            (known, name), since = self._known(name), self._now().isoformat()
            self._write(replace(known, suspended={**known.suspended, name: since}, ended={**known.ended, name: since}))

    def readmit(self, name: str) -> None:
        """Ends a suspension; sign-ins of before stay ended. `StaffRefused` if there is nobody of that name."""
        with self._alone():
            known, name = self._known(name)
            self._write(replace(known, suspended={one: since for one, since in known.suspended.items() if one != name}))

    def reset_factor(self, name: str) -> None:
        """Takes their key off and ends what they are signed in to; the next touch enrols another. `StaffRefused` as before."""
        with self._alone():
            known, name = self._known(name)
            keyless = sorted({*known.keyless, name})
            self._write(replace(known, keyless=keyless, ended={**known.ended, name: self._now().isoformat()}))

    def enrolled(self, person: Persona) -> None:
        """Their key was touched: it is theirs from now on."""
        with self._alone():
            known = self._read()
            if person.name in known.keyless:
                self._write(replace(known, keyless=[name for name in known.keyless if name != person.name]))

    def _alone(self) -> contextlib.AbstractContextManager[None]:
        # A command and the provider change it in two processes: what one of them read before the other wrote it would undo.
        return alone(self._folder / _FILE)

    def _known(self, name: str) -> tuple[_Known, str]:
        known = self._read()
        try:
            return known, _persona(known, name).name
        except UnknownPersona:
            raise StaffRefused("There is nobody of that name.") from None

    def _read(self) -> _Known:
        path = self._folder / _FILE
        if not path.exists():
            return _Known()
        try:
            return _Known(**json.loads(kept(path, bytes)))
        except (ValueError, TypeError):
            # Nobody is let in by a list that cannot be read.
            raise UnsafeFile(_FILE, "cannot be read") from None

    def _write(self, known: _Known) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        replaced(self._folder / _FILE, json.dumps(asdict(known), indent=1).encode())


def _persona(known: _Known, name: str) -> Persona:
    told = known.added.get(name)
    if told is None:
        return persona(name)
    role = Role(str(told["role"]))
    return Persona(name, role, MISSION, (MISSION_COUNTRY,), tuple(told["sites"]), acr_of(role))
