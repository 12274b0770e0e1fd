"""What a pod asks of the API server, as its service account."""

import os
from pathlib import Path
from typing import Any, Final

import requests

from kafkascope_demo.demoerror import DemoError

_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_TIMEOUT_S: Final = 15.0
_MERGE: Final = "application/merge-patch+json"
_MESSAGE: Final = 300


class Api:
    """The API server.

    Args:
        url: Its address.
        account: Folder with ``token``, which is renewed while the pod runs, and ``ca.crt``.
    """

    def __init__(self, url: str, account: Path = _ACCOUNT) -> None:
        self._url = url
        self._account = account

    @classmethod
    def of_pod(cls) -> "Api":
        """Give the API server of the pod that this runs in.

        Raises:
            DemoError: This is no pod, or one without an account's token.
        """
        if not (_ACCOUNT / "token").exists():
            raise DemoError(
                "--kubernetes works in a pod with a service account's token: from outside use "
                "`make demo-scenario S=NAME` or `kafkascope-demo kubernetes scenario NAME`; the "
                "chart's value scenarios.enabled has to be true"
            )
        host = os.environ.get("KUBERNETES_SERVICE_HOST", "kubernetes.default.svc")
        return cls(f"https://{host}:{os.environ.get('KUBERNETES_SERVICE_PORT', '443')}")

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """Give an object, or a list.

        Raises:
            DemoError: The server does not answer, or refuses.
        """
        return self._request("GET", path, params=query)

    def patch(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Merge into an object (RFC 7386), and give what it is then.

        Raises:
            DemoError: The server does not answer, or refuses.
        """
        return self._request("PATCH", path, json=body, headers={"Content-Type": _MERGE})

    def delete(self, path: str, *, grace_s: int) -> None:
        """Delete an object.

        Raises:
            DemoError: The server does not answer, or refuses.
        """
        self._request("DELETE", path, json={"gracePeriodSeconds": grace_s})

    def _request(self, method: str, path: str, **rest: Any) -> dict[str, Any]:  # noqa: ANN401 - of requests
        token = (self._account / "token").read_text(encoding="utf-8").strip()
        headers = {"Authorization": f"Bearer {token}"} | rest.pop("headers", {})
        try:
            answer = requests.request(
                method,
                self._url + path,
                headers=headers,
                timeout=_TIMEOUT_S,
                verify=str(self._account / "ca.crt"),
                **rest,
            )
        except requests.RequestException as error:
            raise DemoError(f"Kubernetes' API server does not answer: {error}") from error
        if not answer.ok:
            raise DemoError(f"Kubernetes refuses {method} {path}: {_message(answer)}")
        found: dict[str, Any] = answer.json()
        return found


def _message(answer: requests.Response) -> str:
    try:
        told = answer.json().get("message") or answer.text
    except (requests.JSONDecodeError, AttributeError):
        told = answer.text
    return f"{told[:_MESSAGE]} (HTTP {answer.status_code})"
