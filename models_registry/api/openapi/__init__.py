"""What the OpenAPI document says, beyond what the serializers tell."""
