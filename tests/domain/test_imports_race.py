"""What if a person and an import add the same phone at the same instant?"""

from pathlib import Path

import pytest
from flask import Flask

from dashboard.domain import imports
from dashboard.domain.imports import writing
from tests.factories import make_actor
from tests.factories_clients import LIMITS, begin_import, client_of, make_client


@pytest.mark.postgres
def test_a_phone_that_somebody_adds_at_the_same_instant_is_updated(
    pg_app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between looking for the phones and writing them: only PostgreSQL lets two write at once."""
    with pg_app.app_context():
        actor = make_actor()
        import_id = begin_import(actor, tmp_path, "phone;tags\n79990000001;vip\n79990000002;vip\n")
    plan = writing.plan

    def while_somebody_adds(*args: object, **options: bool) -> object:
        monkeypatch.setattr(writing, "plan", plan)
        found = plan(*args, **options)  # type: ignore[arg-type]
        with pg_app.app_context():
            make_client(actor, "79990000001", "mine")
        return found

    monkeypatch.setattr(writing, "plan", while_somebody_adds)
    with pg_app.app_context():
        imports.run(import_id, tmp_path, LIMITS)

        view = imports.get(actor, import_id)
        assert (view.created, view.updated, view.bad) == (1, 1, 0)
        assert client_of(actor, "79990000001").tags == ("mine", "vip")
