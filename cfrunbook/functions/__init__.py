"""Edge functions, Lambda@Edge and CloudFront Functions: their events, their results, and where their logs are."""
