"""Settings from environment variables: ``KAFKASCOPE_…`` and those of danielqsj/kafka_exporter."""

from collections.abc import Mapping
from difflib import get_close_matches

from kafkascope_exporter.flags import FLAGS, VARIABLE_PREFIX
from kafkascope_exporter.sources import Given, Reading, Source

_BY_VARIABLE = {flag.variable: flag for flag in FLAGS}
# Kubernetes sets variables such as KAFKASCOPE_EXPORTER_SERVICE_HOST for the services it has, so
# an unknown name is only worth a word when it looks like a known one mistyped.
_SIMILAR = 0.9


def read_environment(environ: Mapping[str, str]) -> Reading:
    """Read all settings that ``environ`` gives; an empty variable counts as not set."""
    given: dict[str, Given] = {}
    for flag in FLAGS:
        if value := environ.get(flag.variable):
            given[flag.name] = Given(value, flag.variable, Source.ENVIRONMENT)
        elif flag.fallback and (value := environ.get(flag.fallback)):
            given[flag.name] = Given(value, flag.fallback, Source.FALLBACK)
    return Reading(given, notices=tuple(_unknown(environ)))


def _unknown(environ: Mapping[str, str]) -> list[str]:
    notices = []
    for variable in sorted(environ):
        if not variable.startswith(VARIABLE_PREFIX) or variable in _BY_VARIABLE:
            continue
        if nearest := get_close_matches(variable, _BY_VARIABLE, n=1, cutoff=_SIMILAR):
            notices.append(f"{variable}: not a setting; did you mean {nearest[0]}?")
    return notices
