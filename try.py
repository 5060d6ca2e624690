import json
from cfrunbook.functions import events as e
for t in ("viewer-request","origin-request","origin-response","viewer-response"):
    ev = e.lambda_edge_event(t, "https://www.example.com/a?b=1&c", status=200)
    print(json.dumps(ev, indent=1)[:2500]); print(e.read_event(ev).event_type)
print(json.dumps(e.cloudfront_function_event("viewer-response", "https://www.example.com/a?b=1&c&b=2"), indent=1))
