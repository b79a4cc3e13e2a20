"""One list of what waits for staff. It does not look inside: each item leads to its service's own page."""
