"""The build backend of the repository's root, which is not a distribution: it only says so."""

import sys

sys.exit(
    "The root of Kafkascope is not a package. Install the exporter with: pip install ./exporter "
    "(or ./tracing), or everything for development with: make install"
)
