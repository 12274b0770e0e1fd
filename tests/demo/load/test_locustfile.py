"""What Locust finds in demo/locustfile.py; in processes of their own, as Locust patches its own."""

import subprocess
import sys
from pathlib import Path

LOCUSTFILE = Path(__file__).parents[3] / "demo" / "locustfile.py"


def python(code: str) -> str:
    """Run code that has Locust loaded first, as Locust's command has it."""
    done = subprocess.run(
        [sys.executable, "-c", f"import locust\n{code}"],
        env={"PYTHONPATH": ":".join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_kafkas_client_is_loaded_only_for_users_of_kafka() -> None:
    """Who loads a service over HTTP needs no Kafka."""
    told = python(
        "import sys\n"
        "from locust.util.load_locustfile import load_locustfile\n"
        f"users, shapes = load_locustfile({str(LOCUSTFILE)!r})\n"
        "print(sorted(users), shapes, 'confluent_kafka' in sys.modules)"
    )
    assert told == "['HttpEventUser', 'KafkaEventUser'] [] False\n"


def test_without_a_choice_the_users_are_those_of_http_and_the_talks_stages_are_run() -> None:
    """And as many users as somebody asks for, when they are asked for."""
    begin = (
        "from types import SimpleNamespace\n"
        "from locust.env import Environment\n"
        "from kafkascope_demo.load import session, shape\n"
        "from kafkascope_demo.load.httpuser import HttpEventUser\n"
        "from kafkascope_demo.load.kafkauser import KafkaEventUser\n"
        "from kafkascope_demo.load.options import DefaultStages\n"
        "def tick(users):\n"
        "    options = SimpleNamespace(num_users=users, spawn_rate=None, run_time=None,\n"
        "        stages=DefaultStages('10s:5'), loop='off', user_rate=0.0, user_classes=[],\n"
        "        class_picker=False, headless=False, master=False,\n"
        "        no_connection_reuse='off', request_timeout=60.0,\n"
        "        web_host='127.0.0.1', web_port=0)\n"
        "    environment = Environment(user_classes=[HttpEventUser, KafkaEventUser],\n"
        "        parsed_options=options)\n"
        "    environment.create_local_runner()\n"
        "    session._begin(environment)\n"
        "    print([user.__name__ for user in environment.user_classes],\n"
        "        environment.shape_class.tick())\n"
    )
    told = python(f"{begin}tick(None)\ntick(7)")
    assert told.splitlines() == ["['HttpEventUser'] (1, 100.0)", "['HttpEventUser'] (7, 1.0)"]
