"""A page for what goes wrong before there is anything to render: one sentence and a way on, without a template."""

from html import escape

from starlette.responses import HTMLResponse


def plain_page(title: str, sentence: str, status: int, link: tuple[str, str] = ("/", "Go to the start page")) -> HTMLResponse:
    """A whole page with this sentence; ``link`` is where one can go on, and the words for it."""
    target, words = link
    return HTMLResponse(
        f'<!doctype html><html lang="en" dir="ltr"><head><meta charset="utf-8"><title>{escape(title)} – avrr</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"></head>'
        f"<body><main><h1>{escape(title)}</h1><p>{escape(sentence)}</p>"
        f'<p><a href="{escape(target)}">{escape(words)}</a></p></main></body></html>',
        status,
    )
