"""Why a log, a note or a proof is not taken."""


class LogRefused(ValueError):
    """What was given cannot be right; ``code`` is stable, the sentence is for people, and neither repeats what was given."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
