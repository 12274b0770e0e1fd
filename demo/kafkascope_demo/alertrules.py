"""The alert and recording rules, with their values filled in.

Rules and values are files of the exporter's chart: the one source for Prometheus' file, for the
chart, and for the local demo.
"""

import re
from pathlib import Path
from typing import Any, Final, Literal

import yaml

RuleValues = Literal["default", "test"]
RULE_VALUES: Final[tuple[RuleValues, ...]] = ("default", "test")
FOLDER: Final = Path(__file__).parents[2] / "helm" / "kafkascope-exporter" / "files"
_NAME: Final = re.compile(r"@(\w+)@")


def fill_in(template: str, values: dict[str, Any]) -> str:
    """Put values in the place of their names between @ signs.

    Args:
        template: Of the rules.
        values: By name.

    Raises:
        ValueError: A name has no value, or a value is not used.
    """
    named = set(_NAME.findall(template))
    if unknown := sorted(named - values.keys()):
        raise ValueError(f"rules.yaml names values that there are not: {', '.join(unknown)}")
    if unused := sorted(values.keys() - named):
        raise ValueError(f"rules.yaml does not use these values: {', '.join(unused)}")
    return _NAME.sub(lambda match: str(values[match[1]]), template)


def render_rules(chosen: RuleValues = "default", folder: Path = FOLDER) -> str:
    """Give the rules as Prometheus reads them.

    Args:
        chosen: The values; those for tests are the default ones but for what they name.
        folder: Where ``rules.yaml`` and ``rules-values.yaml`` are.

    Raises:
        OSError: A file cannot be read.
        ValueError: The files do not fit together.
    """
    values = yaml.safe_load((folder / "rules-values.yaml").read_text(encoding="utf-8"))
    template = (folder / "rules.yaml").read_text(encoding="utf-8")
    body = template[template.index("groups:") :]
    return fill_in(body, values["default"] | (values["test"] if chosen == "test" else {}))


def alerts(folder: Path = FOLDER) -> list[dict[str, Any]]:
    """Give all alerts, as they are in Prometheus' file."""
    groups = yaml.safe_load(render_rules(folder=folder))["groups"]
    return [rule for group in groups for rule in group["rules"] if "alert" in rule]


def alert_names() -> set[str]:
    """Give the names of all alerts."""
    return {alert["alert"] for alert in alerts()}


if __name__ == "__main__":
    print("# Made by `make rules` from helm/kafkascope-exporter/files/: change it there.")
    print(render_rules(), end="")
