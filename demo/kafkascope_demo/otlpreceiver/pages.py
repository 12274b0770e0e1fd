"""The pages that people look at."""

from flask import Blueprint

from kafkascope_demo.otlpreceiver.storage import Storage


def pages(storage: Storage) -> Blueprint:
    """Give `/` and `/traces/ID`."""
    shown = Blueprint("pages", __name__)
    _ = storage
    return shown
