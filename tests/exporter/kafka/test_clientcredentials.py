import base64
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest
from pydantic import SecretStr

from kafkascope_exporter.kafka.clientcredentials import ClientCredentials
from kafkascope_exporter.kafka.tokens import TokenError

SECRET = "s3cret:&é"
TOKEN = {"access_token": "abc.def.ghi", "token_type": "Bearer", "expires_in": 600}


@dataclass
class Issuer:
    """A token endpoint that answers as it is told and remembers what it was asked."""

    url: str
    answers: list[tuple[int, bytes, dict[str, str]]] = field(default_factory=list)
    asked: list[tuple[str | None, dict[str, list[str]]]] = field(default_factory=list)

    def will_answer(self, status: int, content: object, **headers: str) -> None:
        """Answer the next request so."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.answers.append((status, body, headers))


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    """A token endpoint on loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = self.rfile.read(int(self.headers["Content-Length"])).decode()
            made.asked.append((self.headers["Authorization"], parse_qs(form)))
            status, body, headers = made.answers.pop(0)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made = Issuer(f"http://127.0.0.1:{server.server_port}/token")
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        yield made
        server.shutdown()
        thread.join()


def grant_at(url: str, *scopes: str) -> ClientCredentials:
    """Make a grant of the client ``exporter one``."""
    return ClientCredentials(url, "exporter one", SecretStr(SECRET), scopes)


def refusal(grant: ClientCredentials) -> str:
    """Fetch in vain, and tell why."""
    with pytest.raises(TokenError) as caught:
        grant.fetch()
    return str(caught.value)


def test_the_credentials_go_in_the_header_and_the_scopes_in_the_form(issuer: Issuer) -> None:
    """RFC 6749 §2.3.1 and §4.4.2: both parts of the pair encoded as in a form."""
    issuer.will_answer(200, TOKEN)
    begun = time.time()

    token = grant_at(issuer.url, "kafka", "read").fetch()

    authorization, form = issuer.asked[0]
    pair = base64.b64encode(b"exporter+one:s3cret%3A%26%C3%A9").decode()
    assert authorization == f"Basic {pair}"
    assert form == {"grant_type": ["client_credentials"], "scope": ["kafka read"]}
    assert token.value == "abc.def.ghi"
    assert begun + 600 <= token.expires_at <= time.time() + 600


def test_an_issuer_that_knows_only_the_form_gets_the_form(issuer: Issuer) -> None:
    """When the header is refused the credentials go into the body."""
    issuer.will_answer(401, {"error": "invalid_client"})
    issuer.will_answer(200, TOKEN)

    token = grant_at(issuer.url).fetch()

    authorization, form = issuer.asked[1]
    assert authorization is None
    assert form["client_id"] == ["exporter one"]
    assert form["client_secret"] == [SECRET]
    assert token.value == "abc.def.ghi"


def test_a_refusal_is_quoted_in_one_line(issuer: Issuer) -> None:
    """The status, error and error_description of RFC 6749 §5.2 come through."""
    told = {"error": "invalid_client", "error_description": "no such\nclient"}
    issuer.will_answer(400, told)
    issuer.will_answer(400, told)

    why = refusal(grant_at(issuer.url))

    where = issuer.url.removesuffix("/token")
    assert why == f"the token URL {where} answered 400: invalid_client: no such client"


def test_a_secret_that_the_issuer_echoes_is_not_quoted(issuer: Issuer) -> None:
    """The reason goes to the log, so the secret must not be in it."""
    issuer.will_answer(403, {"error": "denied", "error_description": f"bad {SECRET}"})

    why = refusal(grant_at(issuer.url))

    assert "denied" in why
    assert SECRET not in why


def test_a_server_error_without_reason_is_told_by_its_status(issuer: Issuer) -> None:
    """A proxy's error page is not quoted; nothing is sent a second time."""
    issuer.will_answer(503, b"<html>down</html>")

    assert refusal(grant_at(issuer.url)).endswith("answered 503: Service Unavailable")
    assert len(issuer.asked) == 1


def test_a_redirect_is_not_followed(issuer: Issuer) -> None:
    """The secret goes to the URL that was given, and to no other."""
    issuer.will_answer(302, b"", Location="http://127.0.0.1:1/elsewhere")

    assert "redirects to http://127.0.0.1:1/elsewhere" in refusal(grant_at(issuer.url))


@pytest.mark.parametrize("body", [b"no json", [], {}, {"access_token": 5}, {"access_token": ""}])
def test_an_answer_without_a_token_is_refused(issuer: Issuer, body: object) -> None:
    """Success without a token is no success."""
    issuer.will_answer(200, body)

    assert "holds no access_token" in refusal(grant_at(issuer.url))


def test_an_issuer_that_is_not_there_is_named() -> None:
    """Without a connection the URL's host and the system's reason are told, not its path."""
    why = refusal(grant_at("http://127.0.0.1:1/realms/x?audience=y"))

    assert why.startswith("cannot reach the token URL http://127.0.0.1:1: ")
    assert "realms" not in why


def test_the_secret_is_not_in_the_repr() -> None:
    """A grant can be logged."""
    assert SECRET not in repr(grant_at("http://127.0.0.1:1/"))
