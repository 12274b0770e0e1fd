"""What `make test-versions` makes of pytest's reports."""

from pathlib import Path

from tests.versions.__main__ import Outcome, read_report, write_markdown

REPORT = """<testsuites><testsuite time="12.3">
<testcase name="test_right"/>
<testcase name="test_wrong"><failure/></testcase>
<testcase name="test_not_torn_down"/>
<testcase name="test_not_torn_down"><error/></testcase>
<testcase name="test_left_out"><skipped/></testcase>
</testsuite></testsuites>"""


def test_a_report_tells_what_passed_and_what_failed(tmp_path: Path) -> None:
    """A test whose teardown failed has not passed, and one left out is neither."""
    file = tmp_path / "report.xml"
    file.write_text(REPORT)

    found = read_report("3.7.0-zookeeper", file)

    assert found == Outcome("3.7.0-zookeeper", 1, ("test_not_torn_down", "test_wrong"), 12.3)
    result = "1 of 3 passed; failed: test_not_torn_down, test_wrong"
    assert found.row == ("3.7.0", "ZooKeeper", result, "12")


def test_a_report_that_is_missing_is_a_failure(tmp_path: Path) -> None:
    """Pytest itself may have died."""
    found = read_report("4.3.1", tmp_path / "report.xml")

    assert (found.passed, found.failed) == (0, ("pytest did not end in order",))


def test_the_table_goes_between_its_marks(tmp_path: Path) -> None:
    """A row per release, in place of those that were there."""
    file = tmp_path / "compatibility.md"
    begin, end = (f"<!-- make test-versions: {what} -->" for what in ("begin", "end"))
    file.write_text(f"before\n{begin}\nold\n{end}\nafter\n")

    write_markdown([Outcome("4.3.1", 5, (), 40.4)], file)

    assert file.read_text() == (
        f"before\n{begin}\n\n| Kafka | mode | contract tests | seconds |\n"
        f"| --- | --- | --- | --- |\n| 4.3.1 | KRaft | 5 of 5 passed | 40 |\n\n{end}\nafter\n"
    )
