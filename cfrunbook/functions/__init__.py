"""Edge functions: what CloudFront accepts as the result of one. Pure; `cfrunbook.probes.handlers` runs a handler."""
