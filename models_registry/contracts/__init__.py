"""JSON Schema contracts: check a contract, check a payload, fingerprint. Pure, no ORM."""

from models_registry.contracts.documents import check_contract
from models_registry.contracts.fingerprints import (
    canonical_json,
    fingerprint,
    interface_fingerprint,
)
from models_registry.contracts.payloads import PayloadCheck, check_payload, compiled

__all__ = [
    "PayloadCheck",
    "canonical_json",
    "check_contract",
    "check_payload",
    "compiled",
    "fingerprint",
    "interface_fingerprint",
]
