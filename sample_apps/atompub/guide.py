"""What to try first: `steps` for the front page, `guide` for the terminal."""

STEPS = (
    ("List the entries, the newest edit first.", "curl {entries}"),
    (
        "Create one; the Slug is a wish for its name.",
        "curl -i {entries} -H 'Content-Type: application/atom+xml' -H 'Slug: First' "
        """-d '<entry xmlns="http://www.w3.org/2005/Atom">"""
        "<title>First</title><content>Hello!</content></entry>'",
    ),
    ("Get it, with its ETag.", "curl -i {entries}/first"),
    (
        "Edit it, if nobody else has meanwhile.",
        "curl -i -X PUT {entries}/first -H 'Content-Type: application/atom+xml' "
        """-H "If-Match: $(curl -sI {entries}/first | sed -n 's/^ETag: //p' | tr -d '\\r')" """
        """-d '<entry xmlns="http://www.w3.org/2005/Atom">"""
        "<title>First</title><content>Hello again!</content></entry>'",
    ),
    ("Delete it, whatever it says by now.", "curl -i -X DELETE {entries}/first -H 'If-Match: *'"),
)


def steps(entries):
    """(what it does, the command), for the collection at the URL `entries`."""
    return [(what, command.replace("{entries}", entries)) for what, command in STEPS]


def guide(root):
    """The steps as text, for the server at the URL `root`."""
    lines = [f"\nOpen {root}/ in a browser, or try in another terminal:\n"]
    for what, command in steps(f"{root}/entries"):
        lines += [what, f"  {command}", ""]
    return "\n".join(lines)
