"""How does a browser reach an application that lives in the test's own process?"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, BrowserContext, Page
from werkzeug.serving import make_server


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """Its address."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def hand_over(client: FlaskClient, context: BrowserContext, url: str) -> None:
    """Who is signed in at the test client is so in the browser, too."""
    cookies = [{"name": cookie.key, "value": cookie.value, "url": url} for cookie in client._cookies.values()]  # type: ignore[union-attr]
    context.add_cookies(cookies)  # type: ignore[arg-type]


@contextmanager
def opened(app: Flask, browser: Browser, client: FlaskClient, **context_options: Any) -> Iterator[Page]:
    """The overview, as who is signed in at the test client sees it in a browser of such options."""
    context = browser.new_context(**context_options)
    with served(app) as url:
        hand_over(client, context, url)
        page = context.new_page()
        page.goto(url)
        yield page
        context.close()
