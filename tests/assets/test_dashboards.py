import itertools
import json
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from grafana import build, links
from kafkascope_demo import dashboards
from kafkascope_demo.dashboards import Asked, Span, filled, panels, queries
from kafkascope_demo.scenarios import SCENARIOS
from tests.assets.documented import OF_TARGETS, metrics
from tests.assets.promqlnames import names
from tests.assets.repository import ROOT

BOARDS: Final = dashboards.read()
TITLES: Final = [board["title"] for board in BOARDS]
BUILT_IN: Final = {"stat", "timeseries", "table", "state-timeline", "heatmap"}
SPAN: Final = Span(0, 3600)

each_board = pytest.mark.parametrize("board", BOARDS, ids=TITLES)


def all_queries() -> list[Asked]:
    """Give every query of every dashboard."""
    return list(itertools.chain.from_iterable(map(queries, BOARDS)))


def place(asked: Asked) -> str:
    """Say where a query is."""
    return f"{asked.dashboard}: {asked.place}"


def test_the_files_are_what_the_code_builds() -> None:
    """`make dashboards` has been run since the code was changed."""
    built = {f"{dashboard.uid}.json": dashboard.render() for dashboard in build.DASHBOARDS}

    written = {path.name: path.read_text() for path in build.DIRECTORY.glob("*.json")}

    assert written == built
    assert len(built) == 7


def test_no_two_dashboards_have_one_uid_or_title() -> None:
    """Links and provisioning go by them."""
    assert len({board["uid"] for board in BOARDS}) == len(BOARDS)
    assert len(set(TITLES)) == len(BOARDS)


@each_board
def test_each_panel_says_what_it_shows_and_in_which_unit(board: dict[str, Any]) -> None:
    """A title, a sentence of description, a unit, and the data source of the variable."""
    source = {"type": "prometheus", "uid": "${datasource}"}
    for panel in panels(board):
        assert panel["title"]
        assert len(panel["description"]) > 15
        assert panel["description"].endswith(".")
        assert panel["fieldConfig"]["defaults"]["unit"]
        coloured = panel["type"] == "heatmap" or panel["fieldConfig"]["defaults"]["thresholds"]
        assert coloured
        assert panel["datasource"] == source
        assert panel["targets"]
        assert [target["datasource"] for target in panel["targets"]] == [source] * len(
            panel["targets"]
        )


@each_board
def test_panels_have_ids_titles_and_places_of_their_own(board: dict[str, Any]) -> None:
    """Nothing covers another thing, and a title finds one panel."""
    ids = Counter(panel["id"] for panel in board["panels"])
    titles = Counter(panel["title"] for panel in panels(board))
    cells = Counter(
        (x, y)
        for place in (panel["gridPos"] for panel in board["panels"])
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    )

    assert set(ids.values()) == {1}
    assert [title for title, count in titles.items() if count > 1] == []
    assert set(cells.values()) == {1}
    assert max(x for x, _ in cells) < 24


@each_board
def test_no_panel_needs_a_plugin(board: dict[str, Any]) -> None:
    """Grafana 11 brings all of them, and import asks for nothing."""
    assert {panel["type"] for panel in panels(board)} <= BUILT_IN
    assert "__inputs" not in board


@each_board
def test_variables_match_what_has_no_label(board: dict[str, Any]) -> None:
    """All of them are ``.*``, which an absent label matches; a group in depth is one alone."""
    kinds = {variable["name"]: variable for variable in board["templating"]["list"]}
    alone = {
        name
        for name, variable in kinds.items()
        if variable["type"] == "query" and not variable.get("includeAll")
    }

    assert kinds.pop("datasource")["type"] == "datasource"
    assert alone == ({"consumergroup"} if board["uid"] == links.GROUP else set())
    listed = {name for name in kinds.keys() - alone if kinds[name].get("allValue") != ".*"}
    assert listed == {links.GROUP: {"topic"}, links.EXPORTER: {"job", "instance"}}.get(
        board["uid"], set()
    )


@each_board
def test_each_used_variable_is_there_and_each_variable_is_used(board: dict[str, Any]) -> None:
    """An unknown variable would be asked for as text; a useless one would be in the way."""
    given = {variable["name"] for variable in board["templating"]["list"]}
    builtin = {"__rate_interval", "__range"}
    seen: set[str] = set()

    for asked in queries(board):
        after = filled(asked.expr, SPAN, dict.fromkeys(given | builtin, "here"))
        assert "$" not in after
        used = {name for name in given | builtin if f"${name}" in asked.expr}
        assert asked.expr.count("$") == sum(asked.expr.count(f"${name}") for name in used) or used
        seen |= used

    assert given - seen <= {"datasource"}


@each_board
def test_every_dashboard_leads_to_the_others_and_marks_scenarios_and_alerts(
    board: dict[str, Any],
) -> None:
    """By one tag, with variables and time kept."""
    (link,) = board["links"]

    assert links.TAG in board["tags"]
    assert link["tags"] == [links.TAG]
    assert (link["includeVars"], link["keepTime"]) == (True, True)
    assert [note["name"] for note in board["annotations"]["list"]] == ["Scenarios", "Alerts"]


def test_links_of_series_and_rows_lead_to_dashboards_and_variables_that_exist() -> None:
    """And they carry data source, cluster and time."""
    variables = {
        board["uid"]: {variable["name"] for variable in board["templating"]["list"]}
        for board in BOARDS
    }
    text = json.dumps(BOARDS)
    urls = {part.split('"')[0] for part in text.split('"url": "')[1:]} - {""}

    assert len(urls) >= 4
    for url in urls:
        uid, _, query = url.removeprefix("/d/").partition("?")
        set_here = {part.split("=")[0].removeprefix("var-") for part in query.split("&var-")[1:]}
        assert set_here <= variables[uid]
        assert "cluster" in variables[uid]
        assert "${__url_time_range}" in query


def test_latency_panels_ask_for_exemplars() -> None:
    """From a dot to the trace: those of the services, which have them."""
    asking = {
        panel["title"]
        for board in BOARDS
        for panel in panels(board)
        if any(target.get("exemplar") for target in panel["targets"])
    }

    assert {"End-to-end latency", "Duration of requests"} <= asking


@pytest.mark.parametrize("asked", all_queries(), ids=place)
def test_queries_use_documented_metrics_and_labels_only(asked: Asked) -> None:
    """What docs/metrics.md, docs/demo.md and docs/load.md name, and Prometheus' own."""
    known = metrics()
    used = names(asked.expr)
    labels = frozenset().union(*(known.get(metric, frozenset()) for metric in used.metrics))

    assert used.metrics
    assert used.metrics <= known.keys()
    for metric, matched in used.matched.items():
        assert matched <= known[metric] | OF_TARGETS
    assert used.grouped <= labels | OF_TARGETS | used.made
    assert asked.label is None or asked.label in labels | OF_TARGETS


def test_promtool_parses_every_query(tmp_path: Path) -> None:
    """As the expressions of recording rules."""
    rules = [
        {"record": f"query:{number}", "expr": filled(asked.expr, SPAN)}
        for number, asked in enumerate(all_queries())
    ]
    path = tmp_path / "queries.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))

    done = subprocess.run(
        ["promtool", "check", "rules", "--lint=none", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert len(rules) > 100


def test_every_scenario_names_a_panel_that_exists() -> None:
    """Whoever runs it knows where to look."""
    found = {f"{board['title']}: {panel['title']}" for board in BOARDS for panel in panels(board)}

    assert {scenario.panel for scenario in SCENARIOS.values()} <= found


def test_every_reason_for_an_empty_query_is_of_a_query() -> None:
    """None is left over from a panel that is gone."""
    places = {place(asked) for asked in all_queries()} | {
        f"*: {asked.place}" for asked in all_queries()
    }
    reasons = dashboards.rightly_empty()
    of_rules = reasons.pop("rules")  # by metric

    assert reasons.keys() == {"calm", "healthy", "without_receiver", "without_strimzi"}
    assert of_rules.keys() <= metrics().keys()
    assert set(itertools.chain.from_iterable(reasons.values())) <= places


def test_provisioning_names_the_data_source_and_the_folder() -> None:
    """Files that Grafana reads at its start."""
    provisioning = ROOT / "grafana" / "provisioning"
    (source,) = yaml.safe_load((provisioning / "datasources" / "kafkascope.yaml").read_text())[
        "datasources"
    ]
    (provider,) = yaml.safe_load((provisioning / "dashboards" / "kafkascope.yaml").read_text())[
        "providers"
    ]
    (exemplars,) = source["jsonData"]["exemplarTraceIdDestinations"]

    assert source["type"] == "prometheus"
    assert exemplars["name"] == "trace_id"
    assert exemplars["url"].endswith("$${__value.raw}")
    assert (provider["type"], provider["folder"]) == ("file", "Kafkascope")
