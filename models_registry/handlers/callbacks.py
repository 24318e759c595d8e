"""Callback tokens: each lets a handler complete one job and nothing else."""

from __future__ import annotations

from uuid import UUID

from django.core.signing import BadSignature, TimestampSigner

PREFIX = "mpjob_"
_SALT = "models_registry.handlers.callbacks"


class BadCallbackToken(Exception):
    """The text is no callback token that this service signed."""


def make_callback_token(job_id: UUID) -> str:
    """Sign a token that is good for completing the job `job_id`.

    Its characters are those of an RFC 6750 bearer token: "mpjob_<job id>.<time>.<signature>".
    It has no maximum age: it can only end its job, which the job's deadline and state already
    bound. The time helps to investigate a leaked token.
    """
    return PREFIX + _signer().sign(job_id.hex)


def read_callback_token(token: str) -> UUID:
    """Return the id of the job that `token` may complete.

    Tokens signed with a key in SECRET_KEY_FALLBACKS are still good, so a key can be changed while
    jobs run. Signatures are compared in constant time. Raises BadCallbackToken.
    """
    if not token.startswith(PREFIX):
        raise BadCallbackToken
    try:
        return UUID(hex=_signer().unsign(token.removeprefix(PREFIX)))
    except (BadSignature, ValueError) as error:
        raise BadCallbackToken from error


def _signer() -> TimestampSigner:
    return TimestampSigner(salt=_SALT, sep=".")
