"""What the OpenAPI document says of the subscriptions' operations."""
