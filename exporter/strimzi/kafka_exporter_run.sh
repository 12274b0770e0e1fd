#!/opt/kafkascope/bin/python
"""What Strimzi's Cluster Operator starts in the image that `spec.kafkaExporter.image` names."""

import sys

from kafkascope_exporter.strimzi import run

sys.exit(run())
