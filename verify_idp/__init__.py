"""Whole sign-ins against identity providers that others wrote: `make verify-idp`. Not part of the quick checks."""
