"""A Prometheus server of a test's own."""

import json
import subprocess
import urllib.parse
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from kafkascope_demo.exporterprocess import free_port


class Prometheus:
    """A Prometheus server of a test's own.

    Args:
        directory: Where its configuration, data and log go.
        scrape_configs: YAML, the key included.
    """

    def __init__(self, directory: Path, scrape_configs: str) -> None:
        self.port = free_port()
        configuration = directory / "prometheus.yml"
        configuration.write_text("global: {scrape_interval: 1s}\n" + scrape_configs)
        command = [
            "prometheus",
            f"--config.file={configuration}",
            f"--storage.tsdb.path={directory / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
        ]
        with (directory / "prometheus.log").open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(30)

    def query(self, promql: str) -> list[dict[str, Any]]:
        """Give the instant vector of a query; nothing while the server is not up yet."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", f"/api/v1/query?query={urllib.parse.quote(promql)}")
            told = json.load(connection.getresponse())
        except (OSError, HTTPException, ValueError):
            return []
        finally:
            connection.close()
        found: list[dict[str, Any]] = told.get("data", {}).get("result", [])
        return found
