"""A browser for as long as the tests of one file run."""

import pytest

from tests.browser.chromium import CannotRun, Chromium


@pytest.fixture(scope="session")
def chromium():
    """Headless Chromium; skips where there is none and none can be installed."""
    try:
        with Chromium() as running:
            yield running
    except CannotRun as reason:
        pytest.skip(str(reason))
