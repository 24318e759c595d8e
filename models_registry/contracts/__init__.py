"""JSON Schema contracts: check a contract, check a payload, fingerprint. Pure, no ORM."""
