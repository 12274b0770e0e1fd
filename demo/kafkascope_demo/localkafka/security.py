"""Properties of a secured listener, for the brokers, for librdkafka and for Kafka's own tools."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from kafkascope_demo.localkafka.errors import LocalKafkaError
from kafkascope_demo.localkafka.issuer import AUDIENCE, SCOPES
from kafkascope_demo.localkafka.spec import ClusterSpec

USERS: Final = ("admin", "exporter", "app")
"""Clients that a secured listener knows; ``admin`` may do everything where ACLs are on."""

_AUTHORIZERS: Final = {
    "kraft": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "zookeeper": "kafka.security.authorizer.AclAuthorizer",
}
_BROKER: Final = "broker"
_JAAS: Final = "org.apache.kafka.common.security"
_HANDLERS: Final = f"{_JAAS}.oauthbearer"


def password(user: str) -> str:
    """A user's password: no secret, the listeners are on loopback."""
    return f"{user}-secret"


@dataclasses.dataclass(frozen=True, slots=True)
class Security:
    """What the security of one cluster refers to.

    Args:
        spec: The cluster.
        certificates: Folder of the keys and certificates.
        issuer_url: Base address of the token issuer.
    """

    spec: ClusterSpec
    certificates: Path
    issuer_url: str

    @property
    def oauth(self) -> bool:
        """Whether a token issuer is needed."""
        return self.spec.sasl_mechanism == "OAUTHBEARER"

    def server_properties(self) -> dict[str, str]:
        """Properties that the brokers' listeners are secured with."""
        return {**self._server_tls(), **self._server_sasl(), **self._server_acls()}

    def format_arguments(self) -> list[str]:
        """Arguments of ``kafka-storage format`` that make the users of SCRAM."""
        mechanism = self.spec.sasl_mechanism or ""
        if not mechanism.startswith("SCRAM"):
            return []
        return [
            argument
            for user in USERS
            for argument in ("--add-scram", f"{mechanism}=[name={user},password={password(user)}]")
        ]

    def java_options(self) -> list[str]:
        """Java options that both brokers and tools need."""
        if not self.oauth:
            return []
        urls = f"{self.issuer_url}/jwks,{self.issuer_url}/token"
        return [f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={urls}"]

    def librdkafka_properties(self, user: str) -> dict[str, str]:
        """Properties that a librdkafka client connects with.

        Raises:
            LocalKafkaError: There is no such user.
        """
        self._require(user)
        properties = {"security.protocol": self.spec.listener}
        if self.spec.tls:
            properties["ssl.ca.location"] = str(self.certificates / "ca.pem")
        if self.spec.client_auth:
            properties["ssl.certificate.location"] = str(self.certificates / f"{user}.crt")
            properties["ssl.key.location"] = str(self.certificates / f"{user}.key")
        if self.spec.sasl:
            properties["sasl.mechanism"] = str(self.spec.sasl_mechanism)
            properties |= self._librdkafka_credentials(user)
        return properties

    def java_properties(self, user: str) -> dict[str, str]:
        """Properties that Kafka's own tools connect with.

        Raises:
            LocalKafkaError: There is no such user.
        """
        self._require(user)
        properties = {"security.protocol": self.spec.listener}
        if self.spec.tls:
            properties |= _pem_store("truststore", self.certificates / "ca.pem")
        if self.spec.client_auth:
            properties |= _pem_store("keystore", self.certificates / f"{user}.pem")
        if self.spec.sasl:
            properties["sasl.mechanism"] = str(self.spec.sasl_mechanism)
            properties["sasl.jaas.config"] = self._java_login(user)
        if self.oauth:
            properties["sasl.login.callback.handler.class"] = (
                f"{_HANDLERS}.OAuthBearerLoginCallbackHandler"
            )
            properties["sasl.oauthbearer.token.endpoint.url"] = f"{self.issuer_url}/token"
        return properties

    def _server_tls(self) -> dict[str, str]:
        if not self.spec.tls:
            return {}
        prefix = "listener.name.client."
        stores = {
            **_pem_store("keystore", self.certificates / "broker.pem"),
            **_pem_store("truststore", self.certificates / "ca.pem"),
            "ssl.client.auth": "required" if self.spec.client_auth else "none",
        }
        return {
            **{prefix + key: value for key, value in stores.items()},
            "ssl.principal.mapping.rules": "RULE:^CN=([^,]+).*$/$1/,DEFAULT",
        }

    def _server_sasl(self) -> dict[str, str]:
        mechanism = self.spec.sasl_mechanism
        if mechanism is None:
            return {}
        prefix = "listener.name.client."
        properties = {
            f"{prefix}sasl.enabled.mechanisms": mechanism,
            f"{prefix}{mechanism.lower()}.sasl.jaas.config": self._server_login(),
        }
        if self.oauth:
            properties |= {
                f"{prefix}oauthbearer.sasl.server.callback.handler.class": (
                    f"{_HANDLERS}.OAuthBearerValidatorCallbackHandler"
                ),
                "sasl.oauthbearer.jwks.endpoint.url": f"{self.issuer_url}/jwks",
                "sasl.oauthbearer.expected.audience": AUDIENCE,
                "sasl.oauthbearer.expected.issuer": self.issuer_url,
            }
        return properties

    def _server_acls(self) -> dict[str, str]:
        if not self.spec.acls:
            return {}
        login = _login(
            "plain.PlainLoginModule",
            {
                "username": _BROKER,
                "password": password(_BROKER),
                f"user_{_BROKER}": password(_BROKER),
            },
        )
        properties = {
            "authorizer.class.name": _AUTHORIZERS[self.spec.mode],
            "super.users": f"User:admin;User:{_BROKER}",
            "sasl.mechanism.inter.broker.protocol": "PLAIN",
            "sasl.mechanism.controller.protocol": "PLAIN",
        }
        for listener in ("internal", "controller"):
            properties[f"listener.name.{listener}.sasl.enabled.mechanisms"] = "PLAIN"
            properties[f"listener.name.{listener}.plain.sasl.jaas.config"] = login
        return properties

    def _server_login(self) -> str:
        if self.oauth:
            return _login("oauthbearer.OAuthBearerLoginModule", {})
        if self.spec.sasl_mechanism == "PLAIN":
            users = {f"user_{user}": password(user) for user in USERS}
            return _login("plain.PlainLoginModule", users)
        return _login("scram.ScramLoginModule", {})

    def _java_login(self, user: str) -> str:
        if self.oauth:
            options = {"clientId": user, "clientSecret": password(user), "scope": SCOPES[0]}
            return _login("oauthbearer.OAuthBearerLoginModule", options)
        module = (
            "plain.PlainLoginModule"
            if self.spec.sasl_mechanism == "PLAIN"
            else "scram.ScramLoginModule"
        )
        return _login(module, {"username": user, "password": password(user)})

    def _librdkafka_credentials(self, user: str) -> dict[str, str]:
        if not self.oauth:
            return {"sasl.username": user, "sasl.password": password(user)}
        return {
            "sasl.oauthbearer.method": "oidc",
            "sasl.oauthbearer.client.id": user,
            "sasl.oauthbearer.client.secret": password(user),
            "sasl.oauthbearer.scope": SCOPES[0],
            "sasl.oauthbearer.token.endpoint.url": f"{self.issuer_url}/token",
        }

    def _require(self, user: str) -> None:
        if user not in USERS:
            raise LocalKafkaError(f"there is no user {user!r}, only {', '.join(USERS)}")


def _login(module: str, options: Mapping[str, str]) -> str:
    words = "".join(f' {key}="{value}"' for key, value in options.items())
    return f"{_JAAS}.{module} required{words};"


def _pem_store(store: str, path: Path) -> dict[str, str]:
    return {f"ssl.{store}.type": "PEM", f"ssl.{store}.location": str(path)}
