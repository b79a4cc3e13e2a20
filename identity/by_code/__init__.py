"""Signing in with password and code: memberships of a clinic, their passwords, codes and letters."""
