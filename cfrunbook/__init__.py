"""cfrunbook: when CloudFront answers 502, look at the origin the way CloudFront does, and say what is wrong."""

__version__ = "0.1.0"
