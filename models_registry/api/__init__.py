"""What the views of both apps import: the base viewset, strict fields, ETags, idempotency."""
