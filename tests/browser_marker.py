"""Pytest plugin: tests marked `browser` are skipped, with one line saying why, on a machine without a Chromium.

With CI set nothing is skipped for that: there a missing browser is a failure. Tests marked `long` (journeys that wait for
clocks, or go a way that another one goes with scripts on) are left to `make e2e`, so that the whole run stays short.
"""

import os
from collections.abc import Sequence

import pytest

from launcher import browser


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Mark what cannot run here, and what runs in the long lane."""
    has_browser = browser.find() is not None or browser.must_be_there()
    takes_long = bool(os.environ.get("VENTEROM_LONG"))
    for item in items:
        if item.get_closest_marker("browser") and not has_browser:
            item.add_marker(pytest.mark.skip(reason=browser.HOW_TO_GET_ONE))
        if item.get_closest_marker("long") and not takes_long:
            item.add_marker(pytest.mark.skip(reason="a long journey: make e2e runs it"))
