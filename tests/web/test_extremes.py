"""Does anything on a page break of what fits no text and no calendar?"""

import pytest
from flask import Flask

from tests.factories import make_user, sign_in

CLIENT = {"phone": "79991230000", "timezone": "Pacific/Auckland", "consent_source": "Contract"}


@pytest.mark.postgres
def test_what_fits_no_text_or_calendar_is_told_or_passed_over(pg_app: Flask) -> None:
    """PostgreSQL refuses NUL in a text; noon of the first day lies before all calendars for Auckland."""
    pg_app.config["WTF_CSRF_ENABLED"] = False
    with pg_app.app_context():
        user = make_user(timezone="Pacific/Auckland")
    person = pg_app.test_client()
    sign_in(person, user)

    begun = person.get("/mailings/new?form=%00")
    added = person.post("/clients/new", data=CLIENT | {"consent_at": "0001-01-01"})

    assert begun.status_code == 200
    assert added.status_code == 422
