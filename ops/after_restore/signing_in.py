"""Who gives an order on the command line, by an access token for which they touched their security key a moment ago."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pydantic import SecretStr

from ops.operating import clock_of, issuer_of
from ops.settings import CannotStart, OpsSettings
from ops.system import api_url
from shared.actors import Role
from shared.auth import BadToken, open_tokens
from shared.clock import Clock, real_time
from shared.errors import StepUpNeeded
from shared.messages import Context
from shared.settings import Settings
from shared.step_up import StepUp
from shared.topology import COUNSELLING


@asynccontextmanager
async def signed_in(settings: OpsSettings, token: str, *roles: Role) -> AsyncIterator[Context]:
    """Whom this token names, if they have one of these roles; `CannotStart` if not, or if it is weak, old or no token of ours."""
    # The provider, its claims and what counts as strong are the services' own variables.
    configured = Settings(role="api", api_database_url=SecretStr(api_url(settings, COUNSELLING)), oidc_issuer=issuer_of(settings))
    async with open_tokens(configured, real_time) as tokens:
        try:
            actor = await tokens.verify(token)
            sign_in = StepUp(configured.step_up_acr_values, configured.step_up_max_age_seconds).demand(actor)
        except BadToken:
            raise CannotStart("not_signed_in", "This is no access token of our provider that is good now.") from None
        except StepUpNeeded as refusal:
            raise CannotStart(refusal.code, refusal.sentence) from None
    if not actor.roles & set(roles):
        raise CannotStart("not_permitted", f"This is for whoever has one of these roles: {', '.join(sorted(roles))}.")
    yield Context(actor, Clock(clock_of(settings)).present(), sign_in)
