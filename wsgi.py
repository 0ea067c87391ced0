"""What do gunicorn and `flask --app wsgi` load?"""

from config import SettingsError
from dashboard import create_app, refused

try:
    app = create_app()
except SettingsError as error:
    raise SystemExit(refused(error)) from None
