"""In which installation does a journey take place?"""

from pathlib import Path

import pytest

from tests.support.installation import Installation


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=(pytest.mark.slow, pytest.mark.postgres))])
def any_installation(request: pytest.FixtureRequest, tmp_path: Path) -> Installation:
    """Not started yet; English. The test runs twice, once on each database."""
    environ = {"LANGUAGE": "en"}
    if request.param == "postgres":
        environ["DATABASE_URL"] = request.getfixturevalue("postgres_url")
    return Installation(tmp_path, **environ)
