"""A local stand-in for AWS Lambda that speaks its Invoke API, so that boto3 is the real client."""

from __future__ import annotations

from config.embedded.lambda_endpoint.server import LambdaEndpoint

__all__ = ["LambdaEndpoint"]
