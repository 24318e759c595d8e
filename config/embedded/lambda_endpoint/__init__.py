"""A local replacement of AWS Lambda with its Invoke API, so that boto3 is the real client."""

from __future__ import annotations

from config.embedded.lambda_endpoint.server import LambdaEndpoint

__all__ = ["LambdaEndpoint"]
