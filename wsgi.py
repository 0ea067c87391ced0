"""What do gunicorn and `flask --app wsgi` load?"""

from config import SettingsError
from dashboard import create_app

try:
    app = create_app()
except SettingsError as error:
    raise SystemExit(f"Vestnik cannot start, because of its settings (see .env.example):\n{error}") from None
