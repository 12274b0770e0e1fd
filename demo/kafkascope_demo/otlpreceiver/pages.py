"""The pages that people look at."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from flask import Blueprint, render_template, request

from kafkascope_demo.otlpreceiver import reading
from kafkascope_demo.otlpreceiver.api import MOST, BadQueryError, trace_filter
from kafkascope_demo.otlpreceiver.reading import TraceFilter
from kafkascope_demo.otlpreceiver.storage import Storage
from kafkascope_demo.otlpreceiver.waterfall import MOST_ROWS, waterfall
from kafkascope_demo.otlpreceiver.wording import duration_text, time_text, value_text

_REFRESHES: Final = (0, 2, 5, 30)


def pages(storage: Storage) -> Blueprint:
    """Give `/` and `/traces/ID`."""
    shown = Blueprint("pages", __name__)
    shown.add_app_template_filter(duration_text, "duration")
    shown.add_app_template_filter(time_text, "time")
    shown.add_app_template_filter(value_text, "value")
    showing = _Pages(storage)
    shown.add_url_rule("/", "list", showing.traces)
    shown.add_url_rule("/traces/<trace_id>", "trace", showing.trace)
    return shown


@dataclass(frozen=True, slots=True)
class _Pages:
    storage: Storage

    def traces(self) -> tuple[str, int]:
        """Show the list of traces."""
        problem = ""
        try:
            wanted = trace_filter()
        except BadQueryError as error:
            wanted, problem = TraceFilter(), str(error)
        with self.storage.reading() as database:
            found = reading.traces(database, wanted)
            services = reading.services(database)
            sizes = reading.sizes(database)
        shown = render_template(
            "traces.html",
            traces=found,
            services=services,
            wanted=wanted,
            sizes=sizes,
            refreshes=_REFRESHES,
            refresh=_refresh(),
            problem=problem,
        )
        return shown, HTTPStatus.BAD_REQUEST if problem else HTTPStatus.OK

    def trace(self, trace_id: str) -> tuple[str, int]:
        """Draw a trace."""
        known = trace_id.lower()
        with self.storage.reading() as database:
            spans = reading.spans(database, known)
            incoming = reading.linking(database, known)
            logs = reading.logs(database, known, MOST)
        if not spans:
            return render_template("unknown.html", trace_id=trace_id), HTTPStatus.NOT_FOUND
        drawn = waterfall(spans, incoming, logs)
        shown = render_template("trace.html", trace_id=known, drawn=drawn, most_rows=MOST_ROWS)
        return shown, HTTPStatus.OK


def _refresh() -> int:
    """Give the seconds after which the list loads itself again; 0 for never."""
    text = request.args.get("refresh", "")
    return int(text) if text in map(str, _REFRESHES) else 0
