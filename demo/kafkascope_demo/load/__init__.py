"""Load on a demo: Locust's users, stages, thresholds and metrics, for `demo/locustfile.py`."""
