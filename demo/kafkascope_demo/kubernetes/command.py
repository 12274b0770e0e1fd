"""`kafkascope-demo kubernetes`: the demo in a cluster, from outside."""

import argparse


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command ``kubernetes``."""
