"""Lambda@Edge: what CloudFront accepts as the result of a function, in its four events."""
