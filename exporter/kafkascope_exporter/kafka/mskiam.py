"""Tokens for AWS MSK IAM: a signed URL instead of an issuer (extra ``[msk]``)."""

import importlib.util
import time
from dataclasses import dataclass

from kafkascope_exporter.kafka.tokens import Token, TokenError, make_token

_SIGNER = "aws_msk_iam_sasl_signer"


def signer_installed() -> bool:
    """Tell whether the extra ``[msk]`` is there."""
    return importlib.util.find_spec(_SIGNER) is not None


@dataclass(frozen=True, slots=True)
class MskIam:
    """A grant by AWS credentials, found where AWS's own tools find them.

    Args:
        region: the cluster's AWS region.
    """

    region: str

    def fetch(self) -> Token:
        """Sign a token; this asks AWS only where the credentials come from a role.

        Raises:
            TokenError: no credentials, or the signer is not installed.
        """
        try:
            from aws_msk_iam_sasl_signer import MSKAuthTokenProvider  # noqa: PLC0415 - an extra
        except ImportError:
            raise TokenError(
                "AWS MSK IAM needs the signer: pip install 'kafkascope-exporter[msk]'"
            ) from None
        requested_at = time.time()
        try:
            value, expires_at_ms = MSKAuthTokenProvider.generate_auth_token(self.region)
        except AttributeError:
            # What the signer raises when botocore found no credentials at all.
            raise TokenError(
                "found no AWS credentials: neither environment, profile nor role has any"
            ) from None
        except Exception as error:  # noqa: BLE001 - botocore's errors have no common base
            raise TokenError(f"cannot sign with AWS credentials: {error}") from None
        return make_token(value, expires_at_ms / 1000 - requested_at, requested_at)
