"""What holds for every test: the option that rewrites golden files, and no silent skips in CI."""

import os
import signal
from collections.abc import Generator

import pytest

from tests.skips import refusal_of

# A shell's background jobs begin with SIGINT ignored, and so would every process of a test.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--refresh-golden``, which `make golden` uses."""
    parser.addoption(
        "--refresh-golden",
        action="store_true",
        help="write what the code renders now into the golden files instead of comparing",
    )


@pytest.fixture(scope="session")
def refresh_golden(pytestconfig: pytest.Config) -> bool:
    """Whether golden files are to be rewritten instead of compared."""
    return bool(pytestconfig.getoption("--refresh-golden"))


def refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip into a failure, unless its reason is one that CI allows."""
    if report.skipped and not hasattr(report, "wasxfail") and isinstance(report.longrepr, tuple):
        why = refusal_of(report.longrepr[2])
        if why:
            report.outcome = "failed"
            report.longrepr = why


if os.environ.get("CI") == "true":

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Refuse a test's skip."""
        report = yield
        refuse_skip(report)
        return report

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Refuse a whole file's skip."""
        report = yield
        refuse_skip(report)
        return report
