"""Making a cluster whole again after a test broke it."""

from __future__ import annotations

from typing import Final

from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ConfigSource,
    ResourceType,
)

from kafkascope_demo.localkafka import LocalKafka
from tests.integration.topics import in_sync
from tests.waiting import wait_until

_DYNAMIC: Final = ConfigSource.DYNAMIC_BROKER_CONFIG.value


def heal(kafka: LocalKafka) -> None:
    """Run all brokers, undo their reconfiguration, and wait until all replicas are in sync."""
    states = {broker.broker_id: broker.state for broker in kafka.status()}
    paused = [broker for broker, state in states.items() if state == "paused"]
    kafka.resume_broker(*paused)
    kafka.start_broker(*(broker for broker, state in states.items() if state == "stopped"))
    if paused:
        kafka.wait_until_ready()
    admin = AdminClient({**kafka.client_properties()})
    drop_dynamic_configuration(admin, kafka.broker_ids)
    wait_until(lambda: in_sync(admin, len(states)), 60, "all replicas in sync")


def drop_dynamic_configuration(admin: AdminClient, brokers: tuple[int, ...]) -> None:
    """Delete configuration that was set on running brokers."""
    for broker in brokers:
        resource = ConfigResource(ResourceType.BROKER, str(broker))
        entries = admin.describe_configs([resource])[resource].result(30)
        changed = [name for name, entry in entries.items() if entry.source == _DYNAMIC]
        if changed:
            undone = ConfigResource(
                ResourceType.BROKER,
                str(broker),
                incremental_configs=[
                    ConfigEntry(name, None, incremental_operation=AlterConfigOpType.DELETE)
                    for name in changed
                ],
            )
            admin.incremental_alter_configs([undone])[undone].result(30)
