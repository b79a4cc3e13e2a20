"""Rules of signing in that need no rows."""

from urllib.parse import unquote, urlsplit

LONGEST_PATH = 500


def own_path(text: str) -> str:
    """Return the text if it is a path of this portal, else an empty string.

    Browsers read "//host", "/\\host" and control characters as the start of another site's address, also when they
    are escaped (identity research, W9).
    """
    plain = unquote(text)
    if len(text) > LONGEST_PATH or not plain.startswith("/") or plain.startswith("//"):
        return ""
    if "\\" in plain or "//" in urlsplit(plain).path or not plain.isprintable():
        return ""
    parts = urlsplit(text)
    return "" if parts.scheme or parts.netloc else text
