"""What a check says: that something is well, or what is wrong and what to do about it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final, Literal

# How grave: nothing, for the next working day, or for now.
Level = Literal["well", "warning", "wrong"]
EXIT_CODES: Final[dict[Level, int]] = {"well": 0, "warning": 1, "wrong": 2}


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence of a check; ``do`` is empty where all is well. Neither holds a secret or anything of a person."""

    check: str
    level: Level
    sentence: str
    do: str = ""


def well(check: str, sentence: str) -> Finding:
    """All is as it should be."""
    return Finding(check, "well", sentence)


def warning(check: str, sentence: str, do: str) -> Finding:
    """It works, and somebody should look at it on the next working day."""
    return Finding(check, "warning", sentence, do)


def wrong(check: str, sentence: str, do: str) -> Finding:
    """Something does not work, or will not for long."""
    return Finding(check, "wrong", sentence, do)


def code_of(findings: Sequence[Finding]) -> int:
    """The exit code: 0 if all is well, 1 if the worst is a warning, 2 if something is wrong."""
    return max((EXIT_CODES[finding.level] for finding in findings), default=0)


def lines(findings: Sequence[Finding]) -> list[str]:
    """The findings for people, the worst first."""
    told: list[str] = []
    for finding in sorted(findings, key=lambda one: -EXIT_CODES[one.level]):
        told.append(f"{finding.level:8}{finding.sentence}")
        if finding.do:
            told.append(f"{'':8}What to do: {finding.do}")
    if code_of(findings) == 0:
        told.append("Nothing is wrong.")
    return told


def as_json(findings: Sequence[Finding]) -> dict[str, object]:
    """The same for programs."""
    return {"code": code_of(findings), "findings": [asdict(finding) for finding in findings]}
