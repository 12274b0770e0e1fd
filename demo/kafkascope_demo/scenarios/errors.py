"""What goes wrong with scenarios."""


class ScenarioError(Exception):
    """A scenario cannot be run here, or its alert did not come or go; the text says which."""
