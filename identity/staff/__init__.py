"""Staff's own way in: password, code app, passkeys, links, letters."""
