"""Rule dumps of firewalls, and which of CloudFront's addresses they let in. Pure: no socket, no clock, no file."""
