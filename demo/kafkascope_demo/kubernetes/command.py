"""`kafkascope-demo kubernetes`: the demo in a cluster, from outside."""

import argparse
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from kafkascope_demo.demoerror import DemoError
from kafkascope_demo.kubernetes import rollout
from kafkascope_demo.kubernetes.installation import CHART, PROFILES, Wanted, confirm, install
from kafkascope_demo.kubernetes.killing import killing
from kafkascope_demo.kubernetes.release import Release
from kafkascope_demo.kubernetes.removal import remove
from kafkascope_demo.kubernetes.tools import Tools
from kafkascope_demo.loadreport.command import JSON_LINE
from kafkascope_demo.scenarios import SCENARIOS

_EXAMPLES: Final = """\
examples:
  kafkascope-demo kubernetes up --profile minimal
  kafkascope-demo kubernetes scenario stuck-consumer
  kafkascope-demo kubernetes load --stages 30s:20,1m:50
  kafkascope-demo kubernetes down
`make demo`, `make demo-scenario S=…` and so on call these.
"""

_INTERRUPTED: Final = """
interrupted; what is in the cluster stays: make demo-status shows it, make demo-down removes it
"""


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command ``kubernetes``."""
    parser = commands.add_parser(
        "kubernetes",
        help="the demo in a Kubernetes cluster",
        description="Installs the demo's chart into the cluster that kubectl talks to, and asks "
        "it, loads it, breaks it and removes it. Needs kubectl and helm.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    below = parser.add_subparsers(metavar="ACTION", required=True)
    _add(below, "check", "ask whether it may be installed, and change nothing", _check, _add_check)
    _add(below, "up", "install or upgrade it, wait, verify", _up, _add_up)
    _add(below, "status", "show its pods, and how to reach its pages", _status)
    _add(below, "verify", "ask it whether it works", _verify)
    _add(below, "scenario", "make a fault, and see its alert come and go", _scenario, _add_scenario)
    _add(below, "audit", "kill pods at random, and see that no event is lost", _audit, _add_audit)
    _add(below, "load", "change its load, and report on stages", _load, _add_load)
    _add(below, "logs", "show logs of a component", _logs, _add_logs)
    _add(below, "down", "remove everything of it", _down, _add_yes)


def _add(
    below: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    summary: str,
    run: Callable[[argparse.Namespace], int],
    *adds: Callable[[argparse.ArgumentParser], None],
) -> None:
    parser = below.add_parser(name, help=summary, description=f"{summary.capitalize()}.")
    parser.add_argument("--release", default="kafkascope", help="(default: %(default)s)")
    parser.add_argument(
        "--namespace", default="kafkascope", help="of the release (default: %(default)s)"
    )
    for add in adds:
        add(parser)

    def run_or_tell(arguments: argparse.Namespace) -> int:
        try:
            return run(arguments)
        except KeyboardInterrupt:
            sys.stderr.write(_INTERRUPTED)
            raise

    parser.set_defaults(run=run_or_tell)


def _add_yes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="do not ask")


def _add_check(parser: argparse.ArgumentParser) -> None:
    _add_yes(parser)
    parser.add_argument("--profile", choices=PROFILES, default="default")


def _add_up(parser: argparse.ArgumentParser) -> None:
    _add_check(parser)
    parser.add_argument("--values", type=Path, action="append", default=[], metavar="FILE")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument(
        "--image", action="append", default=[], metavar="NAME", help="built, to be loaded"
    )
    parser.add_argument("--timeout", type=float, default=300.0, metavar="SECONDS")


def _add_scenario(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scenario", choices=SCENARIOS, metavar="NAME", help=", ".join(SCENARIOS))


def _add_audit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--for", dest="seconds", type=float, default=120.0, metavar="SECONDS")
    parser.add_argument(
        "--kill-every", type=float, default=10.0, metavar="SECONDS", help="0 kills none"
    )


def _add_load(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--stages", help="as 30s:20,1m:50, reported on at their end; 0 stops")
    parser.add_argument("--users", type=int, help="so many from now on, without stages")
    parser.add_argument("--user-rate", type=float, help="requests per second of each user")
    parser.add_argument("--workers", type=int, help="pods that make the requests")
    parser.add_argument("--output", type=Path, default=Path("load-report"), metavar="PATH")


def _add_logs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("component", nargs="?", help="such as producer, kafka; all when left out")
    parser.add_argument("--follow", "-f", action="store_true")
    parser.add_argument("--tail", type=int, default=50)


def _release(arguments: argparse.Namespace) -> tuple[Tools, Release]:
    tools = Tools.found()
    tools.cluster()
    return tools, Release(tools, arguments.release, arguments.namespace)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _check(arguments: argparse.Namespace) -> int:
    _agreed(arguments)
    return 0


def _agreed(arguments: argparse.Namespace) -> tuple[Tools, Release]:
    """Find the cluster, and ask whether it may be changed."""
    tools = Tools.found()
    context, server = tools.cluster()
    confirm(
        f"This installs release {arguments.release} ({arguments.profile}) into namespace "
        f"{arguments.namespace} of cluster {context} ({server}).",
        yes=arguments.yes,
    )
    return tools, Release(tools, arguments.release, arguments.namespace)


def _up(arguments: argparse.Namespace) -> int:
    tools, release = _agreed(arguments)
    wanted = Wanted(
        profile=arguments.profile,
        values=arguments.values,
        settings=arguments.set,
        images=arguments.image,
        timeout_s=arguments.timeout,
    )
    install(tools, release, wanted, os.environ, _say)
    code = release.run([], _say, _say)
    _say_addresses(release)
    return code


def _status(arguments: argparse.Namespace) -> int:
    tools, release = _release(arguments)
    lacking = []
    for namespace in release.namespaces():
        workloads = tools.items("deployments,statefulsets,jobs", namespace, release.selector)
        lacking += rollout.waiting_for(workloads)
        tools.stream_kubectl(_say, "get", "pods", "-n", namespace, "-l", release.selector)
        for trouble in rollout.troubles(tools.items("pods", namespace, release.selector)):
            _say(release.explain(trouble))
    _say(f"waiting for {', '.join(lacking)}" if lacking else "all of it is ready")
    _say_addresses(release)
    return 1 if lacking else 0


def _say_addresses(release: Release) -> None:
    _say("pages, each through its port-forward:")
    for component, (namespace, service, port) in sorted(release.services().items()):
        forward = f"kubectl port-forward -n {namespace} svc/{service} {port}"
        _say(f"  {component:<12} http://localhost:{port:<6} {forward}")


def _verify(arguments: argparse.Namespace) -> int:
    _, release = _release(arguments)
    return release.run([], _say, _say)


def _scenario(arguments: argparse.Namespace) -> int:
    _, release = _release(arguments)
    return release.run([f"--scenario={arguments.scenario}"], _say, _say)


def _audit(arguments: argparse.Namespace) -> int:
    tools, release = _release(arguments)
    with killing(tools, release, arguments.kill_every, arguments.seconds, _say):
        # Killing has ended some seconds before the last event is sent.
        seconds = arguments.seconds + 15
        code = release.run([f"--for={seconds:g}"], _say, _say, "audit")
    release.wait(_say, 300)
    return release.run([], _say, _say) or code


def _load(arguments: argparse.Namespace) -> int:
    if arguments.stages is not None and arguments.users is not None:
        raise DemoError("USERS and STAGES: stages have users of their own; give one of them")
    tools, release = _release(arguments)
    settings = [] if arguments.workers is None else [f"locust.workers={arguments.workers}"]
    if arguments.stages == "0":
        settings.append("locust.autostart=false")
    elif arguments.users is not None and arguments.stages is None:
        settings += ["locust.stages=0", f"locust.users={arguments.users}", "locust.autostart=true"]
        if arguments.user_rate is not None:
            settings.append(f"locust.userRate={arguments.user_rate:g}")
    if settings:
        _upgrade(tools, release, settings)
    if arguments.stages in {None, "0"}:
        if not settings:
            raise DemoError("say what the load is to be: STAGES=30s:20,1m:50, USERS=20, STAGES=0")
        return 0
    return _report(release, arguments)


def _upgrade(tools: Tools, release: Release, settings: list[str]) -> None:
    _say(f"changing {', '.join(settings)}")
    tools.helm("dependency", "update", str(CHART), "--skip-refresh")
    tools.helm(
        *("upgrade", release.name, str(CHART), "-n", release.namespace),
        "--reset-then-reuse-values",
        *(f"--set={one}" for one in settings),
    )
    release.wait(_say, 180)


def _report(release: Release, arguments: argparse.Namespace) -> int:
    """Run the load report in the cluster, and keep what it says here."""
    markdown: list[str] = []
    reports: list[str] = []

    def show(line: str) -> None:
        if line.startswith(JSON_LINE):
            reports.append(line.removeprefix(JSON_LINE))
            return
        if line.startswith(("#", "|")) or markdown:
            markdown.append(line)
        _say(line)

    asked = [f"--stages={arguments.stages}", "--output=/tmp/load-report", "--print-json"]
    if arguments.user_rate is not None:
        asked.append(f"--user-rate={arguments.user_rate:g}")
    code = release.run(asked, _say, show, "load-report")
    if reports:
        text = "\n".join(line for line in markdown if not line.startswith("written: "))
        Path(f"{arguments.output}.md").write_text(f"{text.rstrip()}\n", encoding="utf-8")
        Path(f"{arguments.output}.json").write_text(f"{reports[-1]}\n", encoding="utf-8")
        _say(f"written: {arguments.output}.md, {arguments.output}.json")
    return code


def _logs(arguments: argparse.Namespace) -> int:
    tools, release = _release(arguments)
    selector = release.selector
    if arguments.component:
        selector += f",app.kubernetes.io/component={arguments.component}"
    follow = ["--follow"] if arguments.follow else []

    def show(namespace: str) -> int:
        return tools.stream_kubectl(
            _say,
            *("logs", "-n", namespace, "-l", selector, "--all-containers", "--prefix"),
            *(f"--tail={arguments.tail}", "--max-log-requests=50", *follow),
        )

    namespaces = release.namespaces()
    with ThreadPoolExecutor(len(namespaces)) as pool:  # one that is followed does not end
        return max(pool.map(show, namespaces))


def _down(arguments: argparse.Namespace) -> int:
    tools = Tools.found()
    context, server = tools.cluster()
    release = Release(tools, arguments.release, arguments.namespace)
    there = release.exists()
    confirm(
        f"This removes release {release.name}, its data, its volumes and the namespaces that were "
        f"made for it from cluster {context} ({server}).",
        yes=arguments.yes,
    )
    namespaces = release.namespaces() if there else [release.namespace]
    left = remove(tools, release, namespaces, _say)
    for line in left:
        _say(f"left: {line}")
    _say("nothing of it is left" if not left else f"{len(left)} objects are left")
    return 1 if left else 0
