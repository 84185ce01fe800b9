"""The parts of a page that a session writes, between two comments that name them."""

import re


def filled(text: str, part: str, content: str) -> str:
    """Return the text of a page with another content of a part.

    Args:
        text: The page.
        part: What its comments call it: ``<!-- part: why -->``, ``<!-- end of part -->``.
        content: The lines between these comments.

    Raises:
        ValueError: The page has no such part, or more than one.
    """
    begin, end = rf"<!-- {part}(?:: [^>]*)? -->\n", rf"<!-- end of {part} -->"
    changed, found = re.subn(
        f"(?s)({begin}).*?({end})", lambda match: match[1] + content + match[2], text
    )
    if found != 1:
        raise ValueError(f"the page has {found} parts between {begin!r} and {end!r}")
    return changed
