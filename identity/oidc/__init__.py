"""Signing in and out by OpenID Connect: BankID, and MitID through a broker."""
