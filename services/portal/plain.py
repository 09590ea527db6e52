"""A page for what goes wrong before there is anything to render: one sentence and a way on, without a template."""

from html import escape

from starlette.responses import HTMLResponse

from services.portal.translation import _, translated


def plain_page(title: str, sentence: str, status: int, link: tuple[str, str] = ("/", _("Go to the start page"))) -> HTMLResponse:
    """A whole page with this sentence, in the reader's language; ``link`` is where one can go on, and the words for it."""
    title, sentence = translated(title), translated(sentence)
    target, words = link[0], translated(link[1])
    return HTMLResponse(
        f'<!doctype html><html lang="en" dir="ltr"><head><meta charset="utf-8"><title>{escape(title)} – avrr</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"></head>'
        f"<body><main><h1>{escape(title)}</h1><p>{escape(sentence)}</p>"
        f'<p><a href="{escape(target)}">{escape(words)}</a></p></main></body></html>',
        status,
    )
