from kafkascope_exporter.environment import read_environment
from kafkascope_exporter.flags import FLAGS
from kafkascope_exporter.sources import Source


def test_every_flag_has_its_own_variable() -> None:
    """Dots and dashes become underscores; no two flags share a name."""
    variables = {flag.variable for flag in FLAGS}

    assert len(variables) == len(FLAGS)
    assert {"KAFKASCOPE_KAFKA_SERVER", "KAFKASCOPE_TLS_INSECURE_SKIP_TLS_VERIFY"} <= variables


def test_a_variable_gives_the_setting_and_is_named_as_its_origin() -> None:
    """An empty variable counts as not set."""
    reading = read_environment({"KAFKASCOPE_KAFKA_SERVER": "a,b", "KAFKASCOPE_LOG_LEVEL": ""})

    assert set(reading.given) == {"kafka.server"}
    assert reading.given["kafka.server"].value == "a,b"
    assert reading.given["kafka.server"].origin == "KAFKASCOPE_KAFKA_SERVER"


def test_danielqsjs_variable_is_only_a_fallback() -> None:
    """Our own variable for the same setting wins."""
    fallback = {"SASL_USER_PASSWORD": "theirs"}

    alone = read_environment(fallback).given["sasl.password"]
    both = read_environment({**fallback, "KAFKASCOPE_SASL_PASSWORD": "ours"}).given["sasl.password"]

    assert (alone.value, alone.source) == ("theirs", Source.FALLBACK)
    assert (both.value, both.source) == ("ours", Source.ENVIRONMENT)


def test_an_unknown_variable_is_pointed_out_with_the_nearest_known_one() -> None:
    """Its value is not shown: it may be a secret under a mistyped name."""
    environ = {
        "KAFKASCOPE_KAFKA_SERVERS": "a",
        "KAFKASCOPE_SASL_PASSWRD": "hunter2",
        "KAFKASCOPE_COLOUR": "red",
        "KAFKA_SERVER": "b",
    }

    reading = read_environment(environ)

    assert reading.given == {}
    assert reading.notices == (
        "KAFKASCOPE_COLOUR: unknown setting, ignored",
        (
            "KAFKASCOPE_KAFKA_SERVERS: unknown setting, ignored;"
            " did you mean KAFKASCOPE_KAFKA_SERVER?"
        ),
        (
            "KAFKASCOPE_SASL_PASSWRD: unknown setting, ignored;"
            " did you mean KAFKASCOPE_SASL_PASSWORD?"
        ),
    )


def test_what_kubernetes_sets_for_a_service_is_no_mistake() -> None:
    """As in a pod beside a service named kafkascope-exporter, which has a port named metrics."""
    service = {
        "KAFKASCOPE_EXPORTER_SERVICE_HOST": "10.0.0.1",
        "KAFKASCOPE_EXPORTER_SERVICE_PORT": "9308",
        "KAFKASCOPE_EXPORTER_SERVICE_PORT_METRICS": "9308",
        "KAFKASCOPE_EXPORTER_PORT": "tcp://10.0.0.1:9308",
        "KAFKASCOPE_EXPORTER_PORT_9308_TCP_ADDR": "10.0.0.1",
    }

    assert read_environment(service).notices == ()
    assert read_environment({"KAFKASCOPE_EXPORTER_PORT": "9308"}).notices == (
        "KAFKASCOPE_EXPORTER_PORT: unknown setting, ignored",
    )
