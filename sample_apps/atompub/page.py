"""The front page, in HTML. All that comes from elsewhere is text here, never markup."""

from html import escape

from .feed import when

MAX_TEXT = 500

STYLE = """
body { max-width: 44rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif;
       color: #222; overflow-wrap: anywhere }
h1 { margin-bottom: 0 }
h2 { font-size: 1.1rem; margin-bottom: 0 }
a { color: #0b57a4 }
article p { margin: .2rem 0 }
small, .note { color: #666 }
pre { background: #f3f3f1; padding: .6rem .8rem; white-space: pre-wrap }
"""


def front_page(page, urls, entry_url, steps):
    """A page of entries. urls: of what it links to, by relation; steps: see `guide`."""
    articles = "".join(_article(row, entry_url(row.slug)) for row in page.rows)
    older = ""
    if "next" in urls:
        older = f'<p><a rel="next" href="{escape(urls["next"])}">Older entries</a></p>'
    tries = "".join(f"<p>{escape(what)}</p>\n<pre>{escape(line)}</pre>\n" for what, line in steps)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Entries</title>
<link rel="service" type="application/atomsvc+xml" href="{escape(urls["service"])}">
<link rel="alternate" type="application/atom+xml" href="{escape(urls["feed"])}">
<style>{STYLE}</style>
</head>
<body>
<h1>Entries</h1>
<p class="note">The same as an <a href="{escape(urls["feed"])}">Atom feed</a>; for AtomPub clients
there is the <a href="{escape(urls["service"])}">service document</a>.</p>
{articles or "<p>There are none yet.</p>"}
{older}
<h2>Try it</h2>
{tries}</body>
</html>
"""


def _article(row, url):
    text = row.text if len(row.text) <= MAX_TEXT else row.text[:MAX_TEXT] + " …"
    return f"""<article>
<h2><a href="{escape(url)}">{escape(row.title or row.slug)}</a></h2>
<small>{when(row.edited)[:16].replace("T", " ")} UTC</small>
<p>{escape(text)}</p>
</article>
"""
