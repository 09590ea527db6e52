"""Step-up: some operations need a sign-in that is strong and fresh, read from the access token (RFC 9470)."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.actors import Actor
from shared.clock import real_time
from shared.errors import StepUpNeeded
from shared.messages import SignIn

# What an issuer's clock may be ahead of ours; `auth` refuses tokens that claim more.
_LEEWAY = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class StepUp:
    """Which authentication counts as phishing-resistant (``acr``), and for how many seconds it is fresh.

    ``present`` is always the real clock: a replayed year must not make an old sign-in young.
    """

    acr_values: tuple[str, ...] = ("phr",)
    max_age_seconds: int = 300
    present: Callable[[], datetime] = real_time

    def demand(self, actor: Actor) -> SignIn:
        """How the actor signed in; raises `StepUpNeeded` unless that was strongly and a moment ago."""
        if actor.acr not in self.acr_values or actor.auth_time is None:
            raise self._challenge()
        age = self.present() - actor.auth_time
        if not -_LEEWAY <= age <= timedelta(seconds=self.max_age_seconds):
            raise self._challenge()
        return SignIn("phishing_resistant", math.floor(age.total_seconds()))

    def _challenge(self) -> StepUpNeeded:
        return StepUpNeeded(self.acr_values, self.max_age_seconds)
