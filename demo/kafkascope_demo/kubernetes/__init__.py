"""The demo in Kubernetes: from outside with kubectl and helm, and its parts from a pod inside."""
