"""docs/metrics.md says what is rendered, and nothing else."""

import re
import sys
from pathlib import Path

from kafkascope_exporter.exposition import Renderer
from kafkascope_exporter.metrics import METRICS
from kafkascope_exporter.metrics.rendering import Rendering
from kafkascope_exporter.metrics.self import SelfMetrics
from kafkascope_exporter.model import HELD_KINDS, MISSING_KINDS, Failure
from tests.exporter.exposed import parsed
from tests.exporter.snapshots import healthy, report

DOCS = Path(__file__).parents[2] / "docs" / "metrics.md"
CELLS = re.compile(r"(?<!\\)\|")
TYPES = {"gauge", "counter"}
PROCESS = "process_"  # prometheus_client reads these from /proc, which Linux alone has

Metric = tuple[str, str, frozenset[str]]  # name, type, labels


def documented() -> dict[str, set[Metric]]:
    """Give the metrics in the tables of each heading."""
    found: dict[str, set[Metric]] = {}
    heading = ""
    for line in DOCS.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            heading = line.removeprefix("## ")
        elif line.startswith("| `"):
            name, *cells = (cell.strip() for cell in CELLS.split(line)[1:-1])
            kind = cells.pop(0) if cells[0] in TYPES else "gauge"
            labels = frozenset(re.findall(r"`([^`]+)`", cells[0]))
            found.setdefault(heading, set()).add((name.strip("`"), kind, labels))
    return found


def metrics_in(text: str) -> set[Metric]:
    """Give the metrics that a page has."""
    types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
    return {
        (sample.name, types[sample.name], frozenset(sample.labels))
        for sample in parsed(text, openmetrics=False)
    }


def exposed() -> dict[str, set[Metric]]:
    """Give the metrics of each metric group, rendered from a cluster that has all of them."""
    found = {}
    for group in METRICS:
        page = Renderer(Rendering(), [group]).render([healthy()])
        found[group.name] = metrics_in(b"".join(page.identity).decode())
    metrics = SelfMetrics("1.2.3")
    page = Renderer(Rendering()).render([healthy()])
    metrics.record(report(healthy(), (Failure("ListOffsets", "2", "TIMED_OUT"),)), page)
    found["self"] = metrics_in(metrics.render(openmetrics=False).decode())
    return found


def test_the_tables_hold_exactly_what_is_rendered() -> None:
    """Name, type and labels of every metric, under the heading of its metric group."""
    in_docs = documented()
    if sys.platform != "linux":
        in_docs["self"] = {m for m in in_docs["self"] if not m[0].startswith(PROCESS)}
    assert in_docs == exposed()


def test_every_kind_of_what_is_missing_or_held_is_explained() -> None:
    """The row of the metric names the kinds, and no others."""
    text = DOCS.read_text(encoding="utf-8")
    for name, kinds in (("missing", MISSING_KINDS), ("held", HELD_KINDS)):
        [row] = re.findall(rf"^\| `kafka_exporter_{name}` .* Kinds: (.*)\|$", text, re.MULTILINE)
        assert set(re.findall(r"`(\w+)`", row)) == set(kinds)


def test_help_texts_are_written_alike_in_both_formats() -> None:
    """OpenMetrics escapes quotes and the text format does not, so there are none."""
    page = Renderer(Rendering()).render([healthy()])
    text = b"".join(page.identity).decode()
    helps = re.findall(r"^# HELP \S+ (.*)$", text, re.MULTILINE)
    assert len(helps) == len(text.split("# HELP ")) - 1
    assert not [help_ for help_ in helps if set(help_) & set('"\\')]
