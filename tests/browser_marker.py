"""Pytest plugin: tests marked `browser` are skipped, with one line saying why, on a machine without a Chromium.

With CI set nothing is skipped: there a missing browser is a failure.
"""

from collections.abc import Sequence

import pytest

from launcher import browser


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Mark what cannot run here."""
    if browser.find() is not None or browser.must_be_there():
        return
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.skip(reason=browser.HOW_TO_GET_ONE))
