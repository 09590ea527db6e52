"""`./avrr staff`: who may sign in at the development provider, from the next question on."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from ops.settings import CannotStart, read_settings

if TYPE_CHECKING:
    from ops.identity.staff import Staff

staff = typer.Typer(no_args_is_help=True, help="Who may sign in at the development provider.")

Name = Annotated[str, typer.Argument(help="e.g. counsellor-1, finance-approver, receiving-office-tn")]


@staff.command("add")
def add(
    name: Annotated[str, typer.Argument(help="a name that nobody has, e.g. counsellor-lipa")],
    role: Annotated[str, typer.Option(help="as the tables of the policy name it, e.g. counsellor")],
    site: Annotated[list[str] | None, typer.Option(help="a site of theirs, may be said several times; all by default")] = None,
) -> None:
    """Adds an invented member of the mission's staff."""
    from ops.identity.personas import SITES
    from shared.actors import Role

    if role not in {one.value for one in Role}:
        raise CannotStart("unknown_role", "There is no such role: ./avrr policy names them.")
    if not set(site or ()) <= set(SITES):
        raise CannotStart("unknown_site", f"There is no such site; there are {', '.join(SITES)}.")
    with _kept() as kept:
        added = kept.add(name, Role(role), tuple(site or SITES))
    typer.echo(f"{added.name} may sign in as {role}.")


@staff.command("suspend")
def suspend(name: Name) -> None:
    """Lets them sign in no more; what they have open ends within five minutes."""
    with _kept() as kept:
        kept.suspend(name)
    typer.echo(f"{name} is suspended: no token is given any more, and open pages end within five minutes.")


@staff.command("readmit")
def readmit(name: Name) -> None:
    """Lets a suspended member of staff sign in again."""
    with _kept() as kept:
        kept.readmit(name)
    typer.echo(f"{name} may sign in again.")


@staff.command("reset-factor")
def reset_factor(name: Name) -> None:
    """Takes their key off: what they have open ends within five minutes, and at the next sign-in they enrol another."""
    with _kept() as kept:
        kept.reset_factor(name)
    typer.echo(f"{name} has no key any more: open pages end within five minutes, the next sign-in enrols another.")


@contextmanager
def _kept() -> "Iterator[Staff]":
    from ops.identity.private_files import UnsafeFile
    from ops.identity.staff import Staff, StaffRefused
    from ops.system import identity_folder

    settings = read_settings()
    if settings.oidc_issuer is not None:
        raise CannotStart(
            "staff_elsewhere",
            "Staff are kept by the provider at AVRR_OIDC_ISSUER: add, suspend and reset them there. Pages of whoever is "
            "suspended there end within five minutes.",
        )
    try:
        yield Staff(identity_folder(settings))
    except StaffRefused as refusal:
        raise CannotStart("staff_refused", refusal.sentence) from None
    except UnsafeFile as unsafe:
        raise CannotStart("staff_unsafe", f"The list of staff can't be used: {unsafe}") from None
