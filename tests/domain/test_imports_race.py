"""What if a person and an import add the same phone at the same instant?"""

from pathlib import Path

import pytest
from flask import Flask

from dashboard.domain import imports
from dashboard.domain.imports import running
from tests.factories import make_actor
from tests.factories_clients import begin_import, client_of, make_client


@pytest.mark.postgres
def test_a_phone_that_somebody_adds_at_the_same_instant_is_updated(
    pg_app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between looking for the phones and writing them: only PostgreSQL lets two write at once."""
    with pg_app.app_context():
        actor = make_actor()
        import_id = begin_import(actor, tmp_path, "phone;tags\n79990000001;vip\n79990000002;vip\n")
    known = running.writing._known

    def while_somebody_adds(*args: object) -> object:
        monkeypatch.setattr(running.writing, "_known", known)
        found = known(*args)  # type: ignore[arg-type]
        with pg_app.app_context():
            make_client(actor, "79990000001", "mine")
        return found

    monkeypatch.setattr(running.writing, "_known", while_somebody_adds)
    with pg_app.app_context():
        imports.run(import_id, tmp_path)

        view = imports.get(actor, import_id)
        assert (view.created, view.updated, view.bad) == (1, 1, 0)
        assert client_of(actor, "79990000001").tags == ("mine", "vip")
