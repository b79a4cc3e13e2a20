"""Pytest plugin: a property says nothing about time, so a busy machine doesn't fail one (Hypothesis stops at 200 ms)."""

from hypothesis import settings

settings.register_profile("venterom", deadline=None)
settings.load_profile("venterom")
