"""CloudFront Functions: what CloudFront accepts as the result of one, rule by rule."""
