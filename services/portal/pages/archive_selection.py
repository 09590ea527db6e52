"""What an auditor selects of the archive over all logs, and what of that cannot be read."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from services.portal.pages.frame import Page
from services.portal.pages.log_selection import ARCHIVED_KINDS, KINDS, SERVICES, day_of, moments_of
from services.portal.translation import _

# By the name of a filter on the page what is said of one that cannot be read.
WRONG: Final[Mapping[str, str]] = {
    "log": _("There is no such log."),
    "kind": _("There is no such kind of event."),
    **dict.fromkeys(("subject", "case", "about"), _("An id has 32 digits and letters in five groups. Copy it whole.")),
    "actor": _("This cannot be read. An actor is written such as staff:anna."),
    "reason": _("This cannot be read. A code is written such as four_eyes."),
    **dict.fromkeys(("from", "to"), _("Write a day such as 2023-05-02.")),
}  # fmt: skip
BACKWARDS: Final = _("This day is before the first one.")
# Under which names the archive has filters that the page calls otherwise.
_OF_THE_ARCHIVE: Final[Mapping[str, str]] = {"service": "log", "since": "from", "until": "to"}


@dataclass(frozen=True, slots=True)
class ArchiveSelection:
    """The filters as somebody typed them; each may be empty. Days are the mission's, the last one included.

    ``log`` may be one of what another lost in a restore, such as ``returns.1``, or of what nobody signed of it, such as ``returns.t1``.
    """

    log: str = ""
    kind: str = ""
    subject: str = ""
    case: str = ""
    about: str = ""
    actor: str = ""
    reason: str = ""
    first: str = ""
    last: str = ""

    def faults(self) -> dict[str, str]:
        """What is wrong with each filter that cannot be read, by its name on the page; what only the archive can tell is not among it."""
        wrong = []
        if self.log and self.log.partition(".")[0] not in ARCHIVED_KINDS:
            wrong.append("log")
        if self.kind and not any(self.kind in kinds for kinds in ARCHIVED_KINDS.values()):
            wrong.append("kind")
        ids = {"subject": self.subject, "case": self.case, "about": self.about}
        wrong += [name for name, text in ids.items() if text and not _is_id(text)]
        wrong += [name for name, text in (("from", self.first), ("to", self.last)) if text and day_of(text) is None]
        found = {name: WRONG[name] for name in wrong}
        first, last = day_of(self.first), day_of(self.last)
        if first and last and last < first:
            found["to"] = BACKWARDS
        return found

    def query(self, page: Page) -> dict[str, str]:
        """The same as the archive is asked for it."""
        return _stated(
            service=self.log, kind=self.kind, subject=self.subject, case=self.case, about=self.about, actor=self.actor,
            reason=self.reason, **moments_of(page, self.first, self.last),
        )  # fmt: skip

    def address(self) -> str:
        """The filters as they stand in the address of a page, ready to be followed by another name."""
        found = _stated(
            log=self.log, kind=self.kind, subject=self.subject, case=self.case, about=self.about, actor=self.actor,
            reason=self.reason, **{"from": self.first, "to": self.last},
        )  # fmt: skip
        return f"{urlencode(found)}&" if found else ""

    def of_the_services(self) -> str | None:
        """Where the services themselves show the same; None where they cannot be asked for it."""
        if self.subject or self.case or self.reason or self.log not in ("", *SERVICES):
            return None
        if self.kind and not any(self.kind in kinds for kinds in KINDS.values()):
            return None
        stated = _stated(
            service=self.log, kind=self.kind, id=self.about, actor=self.actor, **{"from": self.first, "to": self.last}
        )
        return f"/log?{urlencode(stated)}" if stated else "/log"


def refused(fields: Iterable[str]) -> dict[str, str]:
    """What is wrong with each filter that the archive could not read, by the places that it names (``query.actor``)."""
    names = [_OF_THE_ARCHIVE.get(name, name) for name in (field.rpartition(".")[2] for field in fields)]
    return {name: WRONG[name] for name in names if name in WRONG}


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _stated(**values: str) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}
