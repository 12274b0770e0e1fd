"""What a release is waiting for, and what will not pass by itself."""

from typing import Any

import pytest

from kafkascope_demo.kubernetes import rollout
from tests.demo.kubernetes.fakes import Object, pod, workload

JOB = {
    "kind": "Job",
    "metadata": {"name": "setup-1", "labels": {"app.kubernetes.io/component": "kafka-setup"}},
}


def test_a_workload_is_waited_for_until_all_its_pods_are_new_and_ready() -> None:
    """Also while its controller has not seen the change, and while an old pod is left."""
    assert rollout.waiting_for([workload("producer")]) == []
    assert rollout.waiting_for([workload("producer", readyReplicas=1)]) == ["producer (1/2)"]
    assert rollout.waiting_for([workload("producer", observedGeneration=2)]) == ["producer (2/2)"]
    assert rollout.waiting_for([workload("producer", updatedReplicas=1)]) == ["producer (2/2)"]
    assert rollout.waiting_for([workload("producer", replicas=3)]) == ["producer (2/2)"]


def test_a_job_is_waited_for_until_it_has_succeeded() -> None:
    """Topics and users are there then."""
    assert rollout.waiting_for([JOB]) == ["kafka-setup (runs)"]
    assert rollout.waiting_for([JOB | {"status": {"succeeded": 1}}]) == []


def failed(kind: str, condition: str, reason: str) -> Object:
    """A workload that has failed so."""
    status = {"conditions": [{"type": condition, "status": "True", "reason": reason}]}
    return workload("producer", kind) | {"status": status}


def test_a_workload_whose_pods_are_refused_or_have_failed_says_why() -> None:
    """There is no pod to show then; conditions of one that works are no trouble."""
    refused = failed("Deployment", "ReplicaFailure", "FailedCreate")
    ended = failed("Job", "Failed", "BackoffLimitExceeded")
    well = failed("Deployment", "Available", "MinimumReplicasAvailable")
    found = list(rollout.failures([refused, well, ended]))
    assert [one.pod for one in found] == [
        "deployment/kafkascope-producer",
        "job/kafkascope-producer",
    ]
    assert "FailedCreate" in found[0].reason
    assert "a quota" in found[0].fix
    assert "BackoffLimitExceeded" in found[1].reason


def test_pods_that_have_ended_or_are_leaving_are_not_counted() -> None:
    """They will not be ready, and need not."""
    leaving = pod("kafkascope-producer-2")
    leaving["metadata"]["deletionTimestamp"] = "2026-11-23T18:00:00Z"
    found = [pod("kafkascope-producer-1"), pod("kafkascope-kafka-1", ready=False), leaving]
    found.append(pod("kafkascope-setup-1", ready=False, phase="Succeeded"))
    assert rollout.ready_pods(found) == (1, 2)


def waiting(reason: str, **more: object) -> dict[str, Any]:
    """A container that waits."""
    return {"state": {"waiting": {"reason": reason, "message": "it says"}}, **more}


def unschedulable() -> Object:
    """A pod without a node."""
    found = pod("kafkascope-kafka-1", ready=False, phase="Pending")
    condition = {
        "type": "PodScheduled",
        "status": "False",
        "message": "0/1 nodes: Insufficient cpu",
    }
    found["status"] |= {"conditions": [condition], "containerStatuses": []}
    return found


def unbound() -> Object:
    """A pod whose volume nothing makes."""
    found = unschedulable()
    message = "0/1 nodes: pod has unbound immediate PersistentVolumeClaims"
    found["status"]["conditions"][0]["message"] = message
    return found


ENDED = {"lastState": {"terminated": {"exitCode": 1, "reason": "Error"}}, "restartCount": 5}
KILLED = {"lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}, "restartCount": 1}


@pytest.mark.parametrize(
    ("found", "reason", "fix"),
    [
        (
            pod("kafkascope-producer-1", **waiting("ImagePullBackOff")),
            "ImagePullBackOff: kafkascope/demo:1",
            "make images",
        ),
        (
            pod("kafkascope-producer-1", **waiting("ErrImageNeverPull")),
            "ErrImageNeverPull",
            "IMAGE_LOAD=",
        ),
        (
            pod("kafkascope-producer-1", **waiting("CreateContainerConfigError")),
            "it says",
            "event above",
        ),
        (unschedulable(), "Insufficient cpu", "PROFILE=minimal"),
        (unbound(), "PersistentVolumeClaims", "kubectl get storageclass"),
        (
            pod("kafkascope-kafka-1", **waiting("CrashLoopBackOff", **KILLED)),
            "OOMKilled",
            "resources.limits.memory",
        ),
        (
            pod("kafkascope-kafka-1", **waiting("CrashLoopBackOff", **ENDED)),
            "ended 5 times, exit code 1",
            "log above",
        ),
    ],
)
def test_what_will_not_pass_by_itself_has_its_reason_and_a_fix(
    found: Object, reason: str, fix: str
) -> None:
    """In place of a timeout."""
    (trouble,) = rollout.troubles([found])
    assert reason in trouble.reason
    assert fix in trouble.fix
    assert trouble.pod == found["metadata"]["name"]


def test_what_may_pass_is_no_trouble() -> None:
    """A container that is being created, one that was restarted once, one that runs."""
    once = {"lastState": {"terminated": {"exitCode": 1}}, "restartCount": 1}
    calm = [
        pod("kafkascope-producer-1"),
        pod("kafkascope-producer-2", ready=False, **waiting("ContainerCreating")),
        pod("kafkascope-producer-3", ready=False, **waiting("CrashLoopBackOff", **once)),
    ]
    assert list(rollout.troubles(calm)) == []
