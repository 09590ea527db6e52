"""The four ways a command ends in a refusal, each with a stable code and a sentence for people."""


class Refusal(Exception):
    """What was asked is not done, for a reason that the caller is told."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(code)
        self.code = code
        self.sentence = sentence


class RuleViolation(Refusal):
    """A rule of the domain forbids the command in the present state."""


class NotFound(Refusal):
    """There is nothing under this id that the caller may know of."""

    def __init__(self) -> None:
        super().__init__("not_found", "There is nothing here under this reference.")


class Stale(Refusal):
    """The caller decided on a version that is no longer the present one."""

    def __init__(self) -> None:
        super().__init__("stale", "This has changed since you read it. Read it again, then decide.")


class NotPermitted(Refusal):
    """The caller's role does not include this operation."""

    def __init__(self) -> None:
        super().__init__("not_permitted", "Your role does not include this.")
