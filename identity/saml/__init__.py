"""Signing in and out by SAML: MitID through NemLog-in."""
