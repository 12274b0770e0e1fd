"""Whether each service answers, and calls itself healthy."""

from collections.abc import Iterator

from kafkascope_demo import web
from kafkascope_demo.addresses import Addresses
from kafkascope_demo.verify.report import Check, Outcome


def _run(addresses: Addresses) -> Iterator[Outcome]:
    yield _outcome("the producer is healthy", [addresses.producer])
    yield _outcome("the consumers are healthy", addresses.consumers)


def _outcome(name: str, urls: "tuple[str, ...] | list[str]") -> Outcome:
    told = []
    passed = bool(urls)
    for url in urls:
        try:
            web.request("GET", f"{url}/healthz")
        except web.WebError as error:
            passed = False
            told.append(str(error))
        else:
            told.append(f"{url}/healthz answers")
    return Outcome(name, passed, "; ".join(told) or "there are none", _FIX)


_FIX = "read its log: kafkascope-demo logs (locally), kubectl logs (on Kubernetes)"
CHECK = Check("the services are healthy", _run, _FIX)
