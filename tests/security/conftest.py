"""Who tries to do harm in these tests?"""

from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext


@pytest.fixture
def no_csrf(app: Flask) -> None:
    """Switched off, for tests that are about something else."""
    app.config["WTF_CSRF_ENABLED"] = False


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(reduced_motion="reduce", locale="en-GB")
    yield context
    context.close()
