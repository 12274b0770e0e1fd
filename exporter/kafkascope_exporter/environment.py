"""Settings from environment variables: ``KAFKASCOPE_…`` and those of danielqsj/kafka_exporter."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from kafkascope_exporter.flags import FLAGS, VARIABLE_PREFIX
from kafkascope_exporter.sources import Given, Reading, Source

_NAMES = {flag.variable.removeprefix(VARIABLE_PREFIX) for flag in FLAGS}
_KUBERNETES_HOST = "_SERVICE_HOST"


def read_environment(environ: Mapping[str, str]) -> Reading:
    """Read all settings that ``environ`` gives; an empty variable counts as not set."""
    given: dict[str, Given] = {}
    for flag in FLAGS:
        if value := environ.get(flag.variable):
            given[flag.name] = Given(value, flag.variable, Source.ENVIRONMENT)
        elif flag.fallback and (value := environ.get(flag.fallback)):
            given[flag.name] = Given(value, flag.fallback, Source.FALLBACK)
    return Reading(given, notices=tuple(_unknown(environ)))


def _unknown(environ: Mapping[str, str]) -> Iterator[str]:
    """Name the variables that look like ours and are none, with the nearest that is one."""
    services = _kubernetes_services(environ)
    for variable in sorted(environ):
        name = variable.removeprefix(VARIABLE_PREFIX)
        if name == variable or name in _NAMES or variable.startswith(services):
            continue
        nearest = get_close_matches(name, _NAMES, n=1, cutoff=0.75)
        advice = f"; did you mean {VARIABLE_PREFIX}{nearest[0]}?" if nearest else ""
        yield f"{variable}: unknown setting, ignored{advice}"


def _kubernetes_services(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Give how the variables begin that Kubernetes sets in a pod for each service it has."""
    hosts = (variable for variable in environ if variable.endswith(_KUBERNETES_HOST))
    services = [host.removesuffix(_KUBERNETES_HOST) for host in hosts]
    return tuple(f"{service}_{what}" for service in services for what in ("SERVICE_", "PORT"))
