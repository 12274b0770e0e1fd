"""Whether Prometheus has our alert rules, and can evaluate them."""

from collections.abc import Iterator
from typing import Final

from kafkascope_demo import web
from kafkascope_demo.addresses import Addresses
from kafkascope_demo.alertrules import alert_names
from kafkascope_demo.verify.report import Check, Outcome

_NAME: Final = "every alert rule is loaded and evaluated"
_FIX: Final = "promtool check rules, and Prometheus' page /rules, say what is wrong with them"


def _run(addresses: Addresses) -> Iterator[Outcome]:
    found = web.get_json(f"{addresses.prometheus}/api/v1/rules?type=alert")["data"]["groups"]
    rules = {rule["name"]: rule for group in found for rule in group["rules"]}
    missing = sorted(alert_names() - rules.keys())
    failing = [
        f"{name}: {rule['lastError']}" for name, rule in rules.items() if rule.get("lastError")
    ]
    firing = sorted(name for name, rule in rules.items() if rule["state"] == "firing")
    told = "; ".join([*(f"{name} is not loaded" for name in missing), *failing])
    state = f"firing: {', '.join(firing)}" if firing else "none fires"
    yield Outcome(
        _NAME,
        passed=not missing and not failing,
        evidence=told or f"{len(rules)} alerts, {state}",
        fix=_FIX,
    )


CHECK = Check(_NAME, _run, _FIX)
