import base64
import logging
import time
from urllib.parse import parse_qs, urlsplit

import pytest

from kafkascope_exporter.kafka.clientlogs import route_kafka_python
from kafkascope_exporter.kafka.mskiam import MskIam
from kafkascope_exporter.kafka.tokens import TokenError

KEY_ID = "AKIDEXAMPLE"
SECRET_KEY = "wJalrXUtnFEMI-dummy-key"
SESSION = "dummy-session-token"


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dummy AWS credentials in the environment; no file or metadata service is asked."""
    for name, value in (
        ("AWS_ACCESS_KEY_ID", KEY_ID),
        ("AWS_SECRET_ACCESS_KEY", SECRET_KEY),
        ("AWS_SESSION_TOKEN", SESSION),
    ):
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("credentials")
def test_the_token_is_a_url_signed_for_the_region() -> None:
    """The token is what MSK expects: kafka-cluster:Connect signed by SigV4, for 15 minutes."""
    token = MskIam("eu-west-3").fetch()

    url = urlsplit(base64.urlsafe_b64decode(token.value + "=" * (-len(token.value) % 4)).decode())
    query = {name: values[0] for name, values in parse_qs(url.query).items()}
    assert url.netloc == "kafka.eu-west-3.amazonaws.com"
    assert query["Action"] == "kafka-cluster:Connect"
    assert query["X-Amz-Credential"].startswith(f"{KEY_ID}/")
    assert query["X-Amz-Credential"].endswith("/eu-west-3/kafka-cluster/aws4_request")
    assert query["X-Amz-Expires"] == "900"
    assert len(query["X-Amz-Signature"]) == 64
    assert time.time() + 890 < token.expires_at < time.time() + 910


@pytest.mark.usefixtures("credentials")
def test_signing_logs_no_credentials(caplog: pytest.LogCaptureFixture) -> None:
    """At DEBUG botocore logs what it signs, the session token included: it is not let through."""
    route_kafka_python()

    with caplog.at_level(logging.DEBUG):
        MskIam("eu-west-3").fetch()

    assert SECRET_KEY not in caplog.text
    assert SESSION not in caplog.text


def test_missing_credentials_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any credentials the reason is one line."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_ROLE_ARN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")

    with pytest.raises(TokenError, match=r"^found no AWS credentials"):
        MskIam("eu-west-3").fetch()
