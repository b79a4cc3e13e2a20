"""Signing up: by a guardian for a child."""
