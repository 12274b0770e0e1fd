"""How many users there are when: by the stages, or as many as Locust is told."""

import logging
from typing import Final

from locust import LoadTestShape
from locust.env import Environment

from kafkascope_demo.load.options import Load
from kafkascope_demo.load.stages import Moment, at

_logger = logging.getLogger(__name__)

_AT_ONCE: Final = 100.0
"""Users per second: the stages' ramps say how fast they come and go."""


class StagesShape(LoadTestShape):
    """Follows the stages of the options, which the web page may change between two tests."""

    use_common_options = True

    def __init__(self, environment: Environment) -> None:
        super().__init__()
        self._environment = environment
        self._load: Load | None = None

    def reset_time(self) -> None:
        """Begin a test: the options count that there are now."""
        super().reset_time()
        self._load = None

    def moment(self) -> Moment | None:
        """Give what is to be now; None when no stages are run."""
        if self._load is None or not self._load.stages:
            return None
        return at(self._load.stages, self.get_run_time(), loop=self._load.loop)

    def tick(self) -> tuple[int, float] | None:
        """Give the number of users and how fast to come to it; None ends the test."""
        options = self._environment.parsed_options
        if options is None:
            return None
        if self._load is None:
            try:
                self._load = Load.read(options)
            except Exception as error:  # noqa: BLE001 - what a page sends is not checked by argparse
                _logger.error("the test does not begin: %s", error)  # noqa: TRY400 - no traceback for users
                return None
        if options.run_time and self.get_run_time() >= options.run_time:
            return None
        if not self._load.stages:
            return options.num_users or 1, options.spawn_rate or 1.0
        moment = self.moment()
        return None if moment is None else (moment.users, _AT_ONCE)
