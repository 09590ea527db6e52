"""The ways a command ends in a refusal, each with a stable code and a sentence for people."""

from collections.abc import Sequence


class Refusal(Exception):
    """What was asked is not done, for a reason that the caller is told."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(code)
        self.code = code
        self.sentence = sentence


class RuleViolation(Refusal):
    """A rule of the domain forbids the command in the present state."""


class FourEyes(RuleViolation):
    """Somebody would take a second part in what needs another person; each such try is put on record."""

    def __init__(self, sentence: str, code: str = "four_eyes") -> None:
        super().__init__(code, sentence)


class NotFound(Refusal):
    """There is nothing under this id that the caller may know of."""

    def __init__(self) -> None:
        super().__init__("not_found", "There is nothing here under this reference.")


class Stale(Refusal):
    """The caller decided on a version that is no longer the present one."""

    def __init__(self) -> None:
        super().__init__("stale", "This has changed since you read it. Read it again, then decide.")


class StepUpNeeded(Refusal):
    """The caller's sign-in is too weak or too old for this operation (RFC 9470)."""

    def __init__(self, acr_values: Sequence[str], max_age_seconds: int) -> None:
        super().__init__("insufficient_user_authentication", "Sign in again with your security key to do this.")
        self.acr_values = tuple(acr_values)
        self.max_age_seconds = max_age_seconds


class NotPermitted(Refusal):
    """The caller's role does not include this operation."""

    def __init__(self) -> None:
        super().__init__("not_permitted", "Your role does not include this.")
