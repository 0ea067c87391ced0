"""How do gunicorn's own lines look? Like all others, also those of its master, which loads no application."""

import os
from typing import Any

from gunicorn.glogging import Logger

from config import Settings, SettingsError

from .. import logs


class GunicornLog(Logger):  # type: ignore[misc]  # gunicorn has no types
    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        try:
            settings = Settings.from_environ(os.environ)
        except SettingsError:
            return  # the application does not start then, and says why
        for log in (self.error_log, self.access_log):
            for old in list(log.handlers):
                log.removeHandler(old)
            log.addHandler(logs.handler(settings.log_format, settings.secrets))
