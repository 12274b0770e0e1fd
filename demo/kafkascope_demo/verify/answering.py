"""Whether each service answers, and calls itself healthy."""

from collections.abc import Iterator
from typing import Final

from kafkascope_demo import web
from kafkascope_demo.addresses import Addresses
from kafkascope_demo.verify.report import Check, Outcome


def _run(addresses: Addresses) -> Iterator[Outcome]:
    yield _outcome("the producer is healthy", [addresses.producer])
    yield _outcome("the consumers are healthy", addresses.consumers)
    if addresses.locust is not None:
        yield _load(addresses.locust, expected=addresses.load)


def _load(url: str, *, expected: bool) -> Outcome:
    """Say how the load is: most of its requests, if there are any, have to succeed."""
    try:
        page = web.get_metrics(url)
    except web.WebError as error:
        return Outcome(_LOAD, passed=False, evidence=str(error), fix=_FIX)
    requests = page.total("locust_requests_total") or 0
    failures = page.total("locust_failures_total") or 0
    return Outcome(
        _LOAD,
        passed=failures <= requests * _MAY_FAIL and (requests > 0 or not expected),
        evidence=f"{page.total('locust_users') or 0:g} users, {requests:g} requests, "
        f"{failures:g} failed",
        fix=f"{url} shows which requests fail, and why",
    )


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


_LOAD: Final = "Locust answers, and its requests succeed"
_MAY_FAIL: Final = 0.01
_FIX: Final = "read its log: kafkascope-demo logs (locally), kubectl logs (on Kubernetes)"
CHECK = Check("the services are healthy", _run, _FIX)
