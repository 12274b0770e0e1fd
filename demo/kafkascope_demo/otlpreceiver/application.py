"""The receiver as a WSGI application."""

import sqlite3
from http import HTTPStatus
from typing import Final

from flask import Flask, Response

from kafkascope_demo.otlpreceiver.api import api
from kafkascope_demo.otlpreceiver.counters import Counters
from kafkascope_demo.otlpreceiver.ingest import ingest
from kafkascope_demo.otlpreceiver.pages import pages
from kafkascope_demo.otlpreceiver.storage import Storage

_PLAIN: Final = "text/plain; charset=utf-8"
_METRICS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'"
)


def application(storage: Storage) -> Flask:
    """Give the application.

    Args:
        storage: Where it keeps what it receives.
    """
    counters = Counters(storage)
    app = Flask(__name__, static_url_path="/static")
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
    app.register_blueprint(ingest(storage, counters))
    app.register_blueprint(api(storage))
    app.register_blueprint(pages(storage))

    @app.get("/healthz")
    def healthz() -> Response:
        storage.used_bytes()
        return Response("ok\n", content_type=_PLAIN)

    @app.errorhandler(sqlite3.Error)
    def explain(error: sqlite3.Error) -> Response:
        reason = f"the database {storage.path} cannot be read: {error}\n"
        return Response(reason, status=HTTPStatus.SERVICE_UNAVAILABLE, content_type=_PLAIN)

    @app.get("/metrics")
    def metrics() -> Response:
        return Response(counters.page(), content_type=_METRICS_TYPE)

    @app.after_request
    def protect(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = _POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    return app
