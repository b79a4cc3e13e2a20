"""Signing up: patients for themselves, and guardians for a child."""
