import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from pip._internal.models.index import PyPI

from tests.assets.repository import DISTRIBUTIONS, ROOT, code_blocks, tracked_texts

APT_SOURCES = (*Path("/etc/apt").glob("sources.list"), *Path("/etc/apt/sources.list.d").glob("*"))
REGISTRY_HOST = re.compile(r"\b(?:registry|proxy|repo\d?|index|static)\.[a-z-]+\.(?:org|com|io)\b")


def project(distribution: str) -> dict[str, object]:
    """Read the ``[project]`` table of a distribution."""
    with (ROOT / distribution / "pyproject.toml").open("rb") as file:
        table: dict[str, object] = tomllib.load(file)["project"]
    return table


class ForRunning(ast.NodeTransformer):
    """Leaves out what only a type checker reads, which brings its own packages."""

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        """Keep of ``if TYPE_CHECKING`` the other branch."""
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            return node.orelse
        return self.generic_visit(node)


def imported_packages(package: Path) -> set[str]:
    """Name the top-level packages that the modules of ``package`` import when they run."""
    found: set[str] = set()
    for module in package.rglob("*.py"):
        for node in ast.walk(ForRunning().visit(ast.parse(module.read_text()))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.partition(".")[0])
    return found


def registry_hosts() -> re.Pattern[str]:
    """Match the hosts of package registries: by pip's and apt's own settings, and by habit."""
    sources = " ".join(path.read_text() for path in APT_SOURCES if path.is_file())
    hosts = {PyPI.netloc, PyPI.file_storage_domain, *re.findall(r"//([\w.-]+\.[a-z]+)", sources)}
    return re.compile("|".join([*map(re.escape, sorted(hosts)), REGISTRY_HOST.pattern]))


def test_all_distributions_have_one_version() -> None:
    """What is released together carries one number."""
    versions = {project(name)["version"] for name in DISTRIBUTIONS}

    assert len(versions) == 1


def test_the_exporter_and_tracing_never_import_each_other() -> None:
    """An application that traces does not carry the exporter, nor the reverse."""
    exporter = imported_packages(ROOT / "exporter" / "kafkascope_exporter")
    tracing = imported_packages(ROOT / "tracing" / "kafkascope_tracing")

    assert "kafkascope_exporter" in exporter
    assert not exporter & {"kafkascope_tracing", "kafkascope_demo"}
    assert not tracing & {"kafkascope_exporter", "kafkascope_demo"}


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_each_distribution_declares_what_it_imports(distribution: str) -> None:
    """What comes along with another dependency today may not tomorrow."""
    package = f"kafkascope_{distribution}"
    declared = {canonicalize_name(Requirement(text).name) for text in requires(package) or ()}
    foreign = imported_packages(ROOT / distribution / package) - sys.stdlib_module_names - {package}
    own = {f"kafkascope_{name}": [f"kafkascope-{name}"] for name in DISTRIBUTIONS}  # editable
    providers = {**packages_distributions(), **own}

    missing = {
        name
        for name in foreign
        if not declared & set(map(canonicalize_name, providers.get(name, ())))
    }

    assert missing == set()


@pytest.mark.parametrize("distribution", ["exporter", "tracing"])
def test_published_distributions_carry_the_licence(distribution: str) -> None:
    """A wheel can only ship a file that lies beside its pyproject.toml."""
    assert (ROOT / distribution / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_each_package_says_that_it_is_typed(distribution: str) -> None:
    """Type checkers of users read our annotations."""
    assert (ROOT / distribution / f"kafkascope_{distribution}" / "py.typed").is_file()


def test_no_file_names_a_package_registry() -> None:
    """Everybody installs from the registry or mirror that their own machine is set to."""
    hosts = registry_hosts()
    texts = tracked_texts()

    naming = {name: found[0] for name, text in texts.items() if (found := hosts.search(text))}

    assert "README.md" in texts
    assert naming == {}


@pytest.mark.parametrize("kind", ["registry", "proxy", "repo", "repo1", "index", "static"])
def test_a_registry_would_be_noticed(kind: str) -> None:
    """The pattern knows pip's default index and the usual names of others."""
    assert registry_hosts().search(f"https://{PyPI.netloc}/simple")
    assert registry_hosts().search(f"https://{kind}.example.com/a")


def test_the_readme_has_one_scrape_configuration() -> None:
    """The one that the test with a real Prometheus uses."""
    blocks = code_blocks((ROOT / "README.md").read_text(), "yaml")

    (block,) = [yaml.safe_load(block) for block in blocks if "scrape_configs" in block]

    assert block == {
        "scrape_configs": [
            {"job_name": "kafkascope", "static_configs": [{"targets": ["localhost:9308"]}]}
        ]
    }


def test_the_readme_names_only_metrics_that_are_documented() -> None:
    """Its table and docs/metrics.md speak of the same metrics."""
    metric = re.compile(r"`(kafka_\w+)`")
    named = set(metric.findall((ROOT / "README.md").read_text()))
    documented = set(metric.findall((ROOT / "docs" / "metrics.md").read_text()))

    assert len(named) > 10
    assert named <= documented


def test_links_between_documents_lead_somewhere() -> None:
    """Every relative link in a document names a file that exists."""
    documents = {name: text for name, text in tracked_texts().items() if name.endswith(".md")}

    broken = [
        (name, target)
        for name, text in documents.items()
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)
        if not ((ROOT / name).parent / target).exists()
    ]

    assert "README.md" in documents
    assert broken == []
