import base64
import json
import threading
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafkascope_exporter.kafka.tokens import (
    UNKNOWN_LIFETIME,
    Token,
    TokenError,
    TokenSource,
    make_token,
    token_source,
)
from tests.waiting import wait_until


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    now: float = 1000.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


@dataclass(eq=False)
class Issuing:
    """A grant that issues numbered tokens of 100 seconds, or refuses."""

    clock: Clock
    refuses: bool = False
    answers: threading.Event = field(default_factory=threading.Event)
    fetched: int = 0

    def __post_init__(self) -> None:
        self.answers.set()

    def fetch(self) -> Token:
        """Wait until told to answer, and then do."""
        self.fetched += 1
        number = self.fetched
        assert self.answers.wait(30)
        if self.refuses:
            raise TokenError(f"refused {number}")
        return Token(f"token-{number}", self.clock(), self.clock() + 100)


@pytest.fixture
def clock() -> Clock:
    """A clock at 1000."""
    return Clock()


@pytest.fixture
def grant(clock: Clock) -> Issuing:
    """A grant that answers at once."""
    return Issuing(clock)


@pytest.fixture
def source(grant: Issuing, clock: Clock) -> TokenSource:
    """A source without a token."""
    return TokenSource(grant, clock)


def test_one_token_serves_many_calls(source: TokenSource, grant: Issuing) -> None:
    """Until it is due for renewal, nobody is asked again."""
    first = source.renewed(patience=30)

    assert (first.value, source.renewed().value, source.valid().value) == ("token-1",) * 3
    assert grant.fetched == 1


def test_many_threads_make_one_request(source: TokenSource, grant: Issuing) -> None:
    """Callers that come while a request is under way wait for its answer."""
    grant.answers.clear()
    got: list[str] = []
    threads = [
        threading.Thread(target=lambda: got.append(source.renewed(patience=30).value))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    grant.answers.set()
    for thread in threads:
        thread.join(30)

    assert got == ["token-1"] * 8
    assert grant.fetched == 1


def test_a_token_past_most_of_its_life_is_renewed_beside_its_use(
    source: TokenSource, grant: Issuing, clock: Clock
) -> None:
    """The old token is given at once while the next one is requested."""
    source.renewed(patience=30)
    clock.now += 80
    grant.answers.clear()

    old = source.valid()
    grant.answers.set()
    wait_until(lambda: source.valid().value == "token-2", 30, "the next token")

    assert old.value == "token-1"


def test_who_asks_for_renewal_waits_for_the_next_token(source: TokenSource, clock: Clock) -> None:
    """Librdkafka asks when its token is due, and must not get the same one again."""
    source.renewed()
    clock.now += 80

    assert source.renewed(patience=30).value == "token-2"


def test_without_an_issuer_the_old_token_serves_until_it_expires(
    source: TokenSource, grant: Issuing, clock: Clock
) -> None:
    """A failed renewal harms nobody before the expiry, and then says why."""
    source.renewed(patience=30)
    grant.refuses = True
    clock.now += 90
    assert source.renewed(patience=30).value == "token-1"

    clock.now += 10

    with pytest.raises(TokenError, match=r"^refused \d$"):
        source.renewed(patience=30)


def test_an_expired_token_is_never_given(source: TokenSource, grant: Issuing, clock: Clock) -> None:
    """At its very expiry a token counts as expired."""
    source.renewed(patience=30)
    grant.answers.clear()
    clock.now += 100

    with pytest.raises(TokenError, match="not been answered yet"):
        source.valid()
    grant.answers.set()


def test_a_refused_request_is_repeated_after_a_growing_pause(
    source: TokenSource, grant: Issuing, clock: Clock
) -> None:
    """An issuer that refuses is asked again after 1 s, 2 s, 4 s …, not at each call."""
    grant.refuses = True
    asked_at = []
    for second in range(12):
        clock.now = 1000.0 + second
        before = grant.fetched
        with pytest.raises(TokenError):
            source.renewed(patience=30)
        if grant.fetched > before:
            asked_at.append(second)

    assert asked_at == [0, 1, 3, 7]


def test_a_call_that_finds_a_request_under_way_does_not_wait(
    source: TokenSource, grant: Issuing
) -> None:
    """The network thread is not held up a second time by a silent issuer."""
    grant.answers.clear()
    with pytest.raises(TokenError):
        source.valid()

    with pytest.raises(TokenError, match="not been answered yet"):
        source.valid()
    grant.answers.set()


def test_equal_grants_share_a_source(grant: Issuing) -> None:
    """Both clients log in with the same token."""
    assert token_source(grant) is token_source(grant)


def test_a_token_does_not_show_itself(source: TokenSource) -> None:
    """Neither the token nor its source has it in its repr."""
    token = source.renewed(patience=30)

    assert "token-1" not in repr(token) + repr(source)


@pytest.mark.parametrize("value", [None, 5, "", "two words", "line\nbreak", "a\x01auth=b"])
def test_what_is_no_token_is_refused(value: object) -> None:
    """Only RFC 6750's characters get into the login."""
    with pytest.raises(TokenError):
        make_token(value, 300, 0)


def test_a_token_of_unknown_lifetime_lives_as_long_as_its_own_claim_says() -> None:
    """A JSON Web Token tells its expiry itself; an opaque one is used for five minutes."""
    claims = base64.urlsafe_b64encode(json.dumps({"exp": 1234}).encode()).decode().rstrip("=")

    assert make_token(f"e30.{claims}.c2ln", None, 1000).expires_at == 1234
    assert make_token("opaque", None, 1000).expires_at == 1000 + UNKNOWN_LIFETIME


@given(st.from_regex(r"[A-Za-z0-9._~+/-]+=*", fullmatch=True))
def test_no_token_breaks_the_reading_of_its_expiry(value: str) -> None:
    """Whatever looks like a token has an expiry, or is refused for having expired."""
    try:
        token = make_token(value, None, 1000)
    except TokenError:
        return
    assert token.expires_at > 1000


def test_a_token_that_has_expired_when_it_comes_is_refused() -> None:
    """It would only be refused by every broker."""
    with pytest.raises(TokenError, match="clocks"):
        make_token("opaque", 0, 1000)
