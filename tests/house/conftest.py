"""What do many tests of this house share?"""

from collections.abc import Iterator

import pytest
from flask import Flask

from tests.support.apps import running_app


@pytest.fixture(scope="session")
def speaker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """An application that words what it is asked for. It has no tables: nobody may ask it for more."""
    with running_app(tmp_path_factory.mktemp("speaker")) as app:
        yield app
