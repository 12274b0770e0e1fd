"""docs/verifying.md names every scenario as the code has it."""

from pathlib import Path

from kafkascope_demo.scenarios import SCENARIOS

PAGE = Path(__file__).parents[2] / "docs" / "verifying.md"


def test_the_table_of_scenarios_is_the_one_of_the_code() -> None:
    """Name, fault, alert and end of each, in the code's order."""
    rows = [
        line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")
    ]
    assert rows == [
        f"| `{one.name}` | {one.does} | `{one.alert}` | {one.undone} |"
        for one in SCENARIOS.values()
    ]
