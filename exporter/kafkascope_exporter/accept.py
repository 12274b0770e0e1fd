"""Which format and coding a client asks for (RFC 9110 §12.5)."""

from collections.abc import Iterator

OPENMETRICS = "application/openmetrics-text"
_TEXT = "text/plain"
_KNOWN_VERSIONS = frozenset({"", "0.0.1", "1.0.0"})


def wants_openmetrics(accept: str) -> bool:
    """Tell whether the client likes OpenMetrics 1.0 at least as much as text.

    Args:
        accept: its ``Accept`` header; empty when there is none.
    """
    openmetrics = text = 0.0
    for name, parameters, q in _entries(accept):
        if name == OPENMETRICS and parameters.get("version", "") in _KNOWN_VERSIONS:
            openmetrics = max(openmetrics, q)
        elif name == _TEXT:
            text = max(text, q)
    return openmetrics > 0 and openmetrics >= text


def wants_gzip(accept_encoding: str) -> bool:
    """Tell whether the client takes gzip, and likes it at least as much as no coding.

    Args:
        accept_encoding: its ``Accept-Encoding`` header; empty when there is none.
    """
    qualities = {name: q for name, _, q in _entries(accept_encoding)}
    gzip = qualities.get("gzip", qualities.get("*", 0.0))
    return gzip > 0 and gzip >= qualities.get("identity", 0.0)


def _entries(header: str) -> Iterator[tuple[str, dict[str, str], float]]:
    """Give each entry's name, parameters and quality; a malformed quality counts as 0."""
    for entry in header.split(","):
        name, *rest = (part.strip() for part in entry.split(";"))
        if not name:
            continue
        parameters = {
            key.strip().lower(): value.strip().strip('"')
            for key, _, value in (part.partition("=") for part in rest)
        }
        try:
            q = float(parameters.pop("q", "1"))
        except ValueError:
            q = 0.0
        yield name.lower(), parameters, q
