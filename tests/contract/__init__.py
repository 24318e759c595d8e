"""Rule by rule: the API page, its examples and its OpenAPI document."""
