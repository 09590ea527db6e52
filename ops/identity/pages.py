"""The provider's pages: plain HTML without scripts and without anything from elsewhere; they repeat no input."""

import base64
import hashlib
from collections.abc import Iterable
from html import escape
from typing import Final

from ops.identity.personas import ABROAD, ACR_PHISHING_RESISTANT, PERSONAS, Persona, dashed
from shared.actors import Role

_STYLE: Final = """
body { font: 1rem/1.5 system-ui, sans-serif; color: #1b1b1b; background: #fff; margin: 0; }
main { max-width: 44rem; margin: 0 auto; padding: 1rem 1.5rem 3rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.1rem; margin: 1.5rem 0 .5rem; }
ul { list-style: none; margin: 0; padding: 0; display: flex; flex-wrap: wrap; gap: .5rem; }
button { font: inherit; min-height: 2.75rem; padding: .25rem 1rem; color: #0b3d91; background: #fff;
  border: 2px solid #0b3d91; border-radius: .25rem; cursor: pointer; }
button.main { color: #fff; background: #0b3d91; }
input[type=text] { font: inherit; min-height: 2.5rem; width: 5rem; border: 2px solid #1b1b1b; }
input.code { width: 10rem; }
:focus-visible { outline: 3px solid #b35900; outline-offset: 2px; }
.alert { border-left: .5rem solid #a4000f; padding: .5rem 1rem; }
.note { border-left: .5rem solid #0b3d91; padding: .5rem 1rem; }
"""
STYLE_HASH: Final = f"sha256-{base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}"

_NOTE: Final = (
    '<p class="note">This is the development sign-in. Everybody here is invented, and choosing somebody proves nothing; '
    "in production the identity provider of the mission stands in its place.</p>"
)
_KEY_NOTE: Final = {ACR_PHISHING_RESISTANT: ("security key",)}
_FAULT: Final = "Nobody can sign in as that: they are suspended, or there is no such country (two letters of ISO 3166, such as TN)."


def choose_page(
    waiting: str, present: Persona | None, added: Iterable[Persona] = (), *, fault: bool = False
) -> str:
    """Everybody as whom one can sign in, by role; who is signed in already comes first."""
    sections = [
        f"<h2>{_title(role)}</h2><ul>{''.join(f'<li>{_choice(member)}</li>' for member in members)}</ul>"
        for role, members in _by_role(added)
    ]
    again = f"<h2>Go on as</h2>{_choice(present)}" if present is not None else ""
    return _page(
        "Sign in",
        _NOTE
        + _form("/sign-in", waiting, again + "".join(sections))
        + _form("/sign-in", waiting, _abroad(fault))
        + _give_up(waiting),
    )


def touch_page(waiting: str, persona: Persona, *, enrols: bool = False) -> str:
    """The second factor: an invented key that a button touches."""
    return _page(
        "Touch your security key",
        _NOTE
        + f"<p>You go on as <strong>{escape(persona.name)}</strong>. What you are about to do needs a sign-in that nobody "
        "can phish. The key is invented: the button touches it.</p>"
        + ("<p>Your former key was taken off. The one that you touch now is yours from then on.</p>" if enrols else "")
        + _form("/second-factor", waiting, '<button class="main" type="submit">Touch the key</button>')
        + _give_up(waiting),
    )


def device_page(*, fault: bool = False) -> str:
    """Where somebody types the code that a program without a browser told them."""
    wrong = (
        '<p class="alert" role="alert" id="code-fault">Nobody waits for that code: it was typed wrong, was used, or is older '
        "than ten minutes.</p>"
    )
    invalid = ' aria-invalid="true" aria-describedby="code-fault"'
    return _page(
        "Sign in a command line",
        _NOTE
        + "<p>Type the code only if you began this yourself: whoever waits for it acts in your name for five minutes.</p>"
        + (wrong if fault else "")
        + '<form method="post" action="/device"><p><label for="user_code">Code, eight letters</label> '
        '<input type="text" class="code" id="user_code" name="user_code" required maxlength="9" autocomplete="off"'
        f'{invalid if fault else ""}></p><button class="main" type="submit">Go on</button></form>',
    )


def device_done_page(persona: Persona) -> str:
    """The sign-in has gone to the program that waited for it."""
    return _page("Signed in", f"<p>The command line goes on as <strong>{escape(persona.name)}</strong>. You may close this page.</p>")


def device_denied_page() -> str:
    """The program that waited is told that there is no sign-in."""
    return _page("Not signed in", "<p>The command line got nothing. You may close this page.</p>")


def fault_page(sentence: str) -> str:
    """Something that cannot go on, in one of our own sentences."""
    return _page("This cannot go on", f'<p class="alert" role="alert">{sentence}</p>')


def sign_out_page() -> str:
    """Asks whether somebody really wants to sign out, where no client could prove it."""
    return _page(
        "Sign out",
        '<p>Do you want to sign out here?</p><form method="post" action="/end-session">'
        '<button class="main" type="submit">Sign out</button></form>',
    )


def signed_out_page() -> str:
    """The end of a sign-in."""
    return _page("Signed out", "<p>You are signed out.</p>")


def _page(title: str, content: str) -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title} – avrr development</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head>'
        f"<body><main><h1>{title}</h1>{content}</main></body></html>"
    )


def _form(action: str, waiting: str, content: str) -> str:
    return (
        f'<form method="post" action="{action}"><input type="hidden" name="waiting" value="{escape(waiting)}">'
        f"{content}</form>"
    )


def _give_up(waiting: str) -> str:
    return _form("/give-up", waiting, '<h2>Or</h2><button type="submit">Go back without signing in</button>')


def _choice(persona: Persona) -> str:
    # Twelve counsellors differ by their site; the others belong to all of them.
    notes = [*(persona.sites if len(persona.sites) == 1 else ()), *_KEY_NOTE.get(persona.acr, ())]
    shown = f" ({', '.join(notes)})" if notes else ""
    return f'<button type="submit" name="persona" value="{escape(persona.name)}">{escape(persona.name + shown)}</button>'


def _abroad(is_fault: bool) -> str:
    fault = f'<p class="alert" role="alert" id="country-fault">{_FAULT}</p>' if is_fault else ""
    invalid = ' aria-invalid="true" aria-describedby="country-fault"' if is_fault else ""
    kinds = "".join(
        f'<p><label><input type="radio" name="kind" value="{dashed(role)}" required> {_title(role)}</label></p>'
        for role in ABROAD
    )
    return (
        f"<h2>Abroad</h2>{fault}<fieldset><legend>Somebody in a country of origin</legend>{kinds}"
        '<p><label for="country">Country, two letters</label> '
        '<input type="text" id="country" name="country" required maxlength="2" pattern="[A-Za-z]{2}" '
        f'autocomplete="off"{invalid}></p>'
        '<p><input type="checkbox" id="second" name="second" value="yes"> <label for="second">The second person there</label></p>'
        '<button type="submit">Sign in abroad</button></fieldset>'
    )


def _by_role(added: Iterable[Persona]) -> Iterable[tuple[Role, list[Persona]]]:
    everybody = [*(member for name, member in PERSONAS.items() if name == member.name), *added]
    for role in Role:
        members = [member for member in everybody if member.role is role]
        if members:
            yield role, members


def _title(role: Role) -> str:
    return role.value.replace("_", " ").capitalize()
