"""HTTP requests to the parts of a running demo; errors name the address and the reason."""

from collections.abc import Mapping
from typing import Any, Final

import requests

from kafkascope_demo.metricspage import MetricsPage

_TIMEOUT_S: Final = 10.0


class WebError(Exception):
    """A part did not answer, or not as it should.

    Args:
        url: What was asked.
        reason: Why there is no answer.
        status: HTTP status of the answer; None where there was none.
    """

    def __init__(self, url: str, reason: str, status: int | None = None) -> None:
        super().__init__(f"{url}: {reason}")
        self.url = url
        self.status = status


def request(
    method: str,
    url: str,
    *,
    json: Mapping[str, str | float] | None = None,
    headers: Mapping[str, str] | None = None,
    timeout_s: float = _TIMEOUT_S,
) -> requests.Response:
    """Send a request, and give its answer of a status below 400.

    Raises:
        WebError: There was no answer, or one that tells an error.
    """
    try:
        answer = requests.request(method, url, json=json, headers=headers, timeout=timeout_s)
    except requests.RequestException as error:
        raise WebError(url, _reason(error)) from error
    if not answer.ok:
        told = f"HTTP {answer.status_code} {answer.text[:200].strip()}".strip()
        raise WebError(url, told, answer.status_code)
    return answer


def get_json(url: str, headers: Mapping[str, str] | None = None) -> Any:  # noqa: ANN401 - JSON is anything
    """Give the JSON at an address.

    Raises:
        WebError: There is none.
    """
    answer = request("GET", url, headers=headers)
    try:
        return answer.json()
    except requests.JSONDecodeError as error:
        raise WebError(url, f"this is not JSON: {answer.text[:80]!r}") from error


def get_metrics(base_url: str, timeout_s: float = _TIMEOUT_S) -> MetricsPage:
    """Scrape a part.

    Args:
        base_url: Its address, without ``/metrics``.
        timeout_s: Seconds to wait for it.

    Raises:
        WebError: It does not answer, or not with metrics.
    """
    url = f"{base_url}/metrics"
    answer = request("GET", url, timeout_s=timeout_s)
    try:
        return MetricsPage.parse(answer.text)
    except ValueError as error:
        raise WebError(url, f"these are no metrics: {error}") from error


def _reason(error: requests.RequestException) -> str:
    """Say in a few words why there was no answer: requests' own text repeats the address thrice."""
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.ConnectionError):
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, OSError) and cause.strerror:
                return cause.strerror
            cause = cause.__context__
        return "cannot connect"
    return str(error)
