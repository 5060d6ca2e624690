"""What CloudFront is and does: facts as data with their source, and pure functions on them."""
