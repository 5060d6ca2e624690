"""What certificates say: tolerant parsing, names, chains, trust anchors. Pure functions on DER bytes."""
