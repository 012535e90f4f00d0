"""Signs requests to CloudFront as AWS requires (Signature Version 4).

botocore is an extra (requirements-s3.txt). It finds the credentials as usual: environment, files,
or the role of the machine.
"""

from collections.abc import Mapping

from avenue.errors import required
from avenue.webhooks.errors import NotDelivered

REGION = "us-east-1"
"""The only region of CloudFront."""


def signed(url: str, body: bytes) -> Mapping[str, str]:
    """Return the headers of a POST of XML; raise `NotDelivered` without credentials."""
    try:
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.session import Session
    except ImportError:
        raise NotDelivered(reason="botocore_missing") from None
    credentials = required(Session().get_credentials(), NotDelivered(reason="no_credentials"))
    request = AWSRequest("POST", url, {"Content-Type": "text/xml"}, body)
    SigV4Auth(credentials, "cloudfront", REGION).add_auth(request)
    return dict(request.headers.items())
