"""`kafkascope-demo kafka-setup`: topics, SCRAM users and ACLs of a cluster, from a file.

What is there already is left as it is, but for passwords, which are set again.
"""

import argparse
import logging
import os
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    NewTopic,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialAlteration,
    UserScramCredentialUpsertion,
)

from kafkascope_demo.environment import Environment, SettingError

_ITERATIONS: Final = 4096
_ASK_S: Final = 15.0
_PAUSE_S: Final = 2.0
_THERE_ALREADY: Final = KafkaError.TOPIC_ALREADY_EXISTS


class SetupError(Exception):
    """A file that cannot be used, or a cluster that does not take what it says."""


@dataclass(frozen=True, slots=True)
class Acl:
    """What a user may do with a resource, from any host.

    Args:
        user: Its name, without ``User:``.
        resource: ``topic``, ``group`` or ``cluster``.
        name: Of the resource; ``*`` for all.
        operation: As Kafka's ``AclOperation`` has it: ``Describe``, ``IdempotentWrite``.
    """

    user: str
    resource: str
    name: str
    operation: str

    def binding(self) -> AclBinding:
        """Give it as the client takes it."""
        kind = {
            "topic": ResourceType.TOPIC,
            "group": ResourceType.GROUP,
            "cluster": ResourceType.BROKER,
        }[self.resource]
        return AclBinding(
            kind,
            self.name,
            ResourcePatternType.LITERAL,
            f"User:{self.user}",
            "*",
            AclOperation[_snake(self.operation)],
            AclPermissionType.ALLOW,
        )


@dataclass(frozen=True, slots=True)
class Setup:
    """What a cluster is to have.

    Args:
        topics: To make.
        passwords: By user, SCRAM-SHA-512.
        acls: To add.
    """

    topics: tuple[NewTopic, ...]
    passwords: Mapping[str, str]
    acls: tuple[Acl, ...]

    @classmethod
    def read(cls, path: Path) -> "Setup":
        """Read it from a YAML file, and the passwords from those that it names.

        Raises:
            SetupError: A file cannot be read, or is not understood.
        """
        try:
            told: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
            topics = tuple(_topic(one) for one in told.get("topics") or ())
            passwords = {
                one["name"]: Path(one["password_file"]).read_text(encoding="utf-8").strip()
                for one in told.get("users") or ()
            }
            acls = tuple(
                Acl(one["user"], one["resource"], one["name"], operation)
                for one in told.get("acls") or ()
                for operation in one["operations"]
            )
            for acl in acls:
                acl.binding()
        except OSError as error:
            raise SetupError(f"{error.filename}: {error.strerror}") from error
        except (yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
            raise SetupError(f"{path}: not understood: {error!r}") from error
        return cls(topics, passwords, acls)


def _topic(one: Mapping[str, Any]) -> NewTopic:
    replicas = one["replication_factor"]
    return NewTopic(one["name"], one["partitions"], replicas, config=one.get("config") or {})


def _snake(operation: str) -> str:
    return "".join(f"_{letter}" if letter.isupper() else letter for letter in operation)[1:].upper()


def apply(admin: AdminClient, setup: Setup, tell: Callable[[str], None]) -> None:
    """Give a cluster what it lacks.

    Args:
        admin: Connected as an administrator.
        setup: What it is to have.
        tell: Told each step.

    Raises:
        KafkaException: It is not reached, or refuses something.
    """
    if setup.passwords:
        info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, _ITERATIONS)
        wanted: list[UserScramCredentialAlteration] = [
            UserScramCredentialUpsertion(user, info, password.encode())
            for user, password in setup.passwords.items()
        ]
        _wait(admin.alter_user_scram_credentials(wanted, request_timeout=_ASK_S))
        tell(f"SCRAM users: {', '.join(setup.passwords)}")
    if setup.acls:
        _wait(admin.create_acls([acl.binding() for acl in setup.acls], request_timeout=_ASK_S))
        tell(f"ACLs: {len(setup.acls)}")
    if setup.topics:
        made = admin.create_topics(list(setup.topics), request_timeout=_ASK_S)
        _wait(made, tolerated=_THERE_ALREADY)
        tell(f"topics: {', '.join(topic.topic for topic in setup.topics)}")


def _wait(asked: Mapping[Any, "Future[Any]"], tolerated: int | None = None) -> None:
    for future in asked.values():
        try:
            future.result(_ASK_S + 1)
        except KafkaException as error:
            if error.args[0].code() != tolerated:
                raise


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command ``kafka-setup``."""
    parser = commands.add_parser(
        "kafka-setup",
        help="make topics, SCRAM users and ACLs of a cluster",
        description="Makes the topics, SCRAM-SHA-512 users and ACLs that a file lists, as soon as "
        "Kafka answers. KAFKA_BOOTSTRAP_SERVERS and KAFKA_PROPERTIES_FILE (librdkafka's) say how "
        "to connect, as an administrator.",
    )
    parser.add_argument("file", type=Path, help="YAML: topics, users, acls")
    parser.add_argument(
        "--within",
        type=float,
        default=300.0,
        metavar="SECONDS",
        help="give up after this time (default: %(default)s)",
    )
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    ends_at = time.monotonic() + arguments.within
    try:
        setup = Setup.read(arguments.file)
        # Its log is left out: what counts of it comes back as an error, too.
        quiet = logging.getLogger(f"{__name__}.librdkafka")
        quiet.setLevel(logging.CRITICAL)
        properties: dict[str, Any] = {**Environment(os.environ).kafka(), "logger": quiet}
        admin = AdminClient(properties)
        while True:
            try:
                apply(admin, setup, _say)
            except KafkaException as error:
                if time.monotonic() >= ends_at or not _may_pass(error.args[0]):
                    raise SetupError(error.args[0].str()) from error
                _say(f"not yet: {error.args[0].str()}")
                time.sleep(_PAUSE_S)
            else:
                return 0
    except (SetupError, SettingError) as error:
        sys.stderr.write(f"kafkascope-demo kafka-setup: {error}\n")
        return 1


def _may_pass(error: KafkaError) -> bool:
    """Whether a broker that starts, or too few of them, may be the reason."""
    waiting = {
        KafkaError._TIMED_OUT,  # noqa: SLF001 - confluent_kafka's names of librdkafka's own codes
        KafkaError._TRANSPORT,  # noqa: SLF001
        KafkaError._ALL_BROKERS_DOWN,  # noqa: SLF001
        KafkaError.INVALID_REPLICATION_FACTOR,
        KafkaError.REQUEST_TIMED_OUT,
        KafkaError.NOT_CONTROLLER,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
    }
    return error.retriable() or error.code() in waiting


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
