"""Rules of firewalls, and which of CloudFront's addresses they let in. No socket, no clock; files only in `dumps`."""
