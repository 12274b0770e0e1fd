"""Fault scenarios: each makes a fault on purpose, names the alert it must raise, and undoes it."""

from kafkascope_demo.scenarios.catalogue import SCENARIOS
from kafkascope_demo.scenarios.errors import ScenarioError
from kafkascope_demo.scenarios.running import Course, Deadlines, injected, prove
from kafkascope_demo.scenarios.scenario import Scenario

__all__ = ["SCENARIOS", "Course", "Deadlines", "Scenario", "ScenarioError", "injected", "prove"]
