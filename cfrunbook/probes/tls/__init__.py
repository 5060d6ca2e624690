"""CloudFront's TLS hello and the flight it is answered with: a writer and reader of our own, no TLS library.

    seen = await tls.hello(endpoint, sni="shop.example.com", offer=origin_tls.offer("TLSv1.2"), deadline=5)
    more = await tls.scan(endpoint, sni="shop.example.com", minimum="TLSv1.2", deadline=5)

`client_hello.py` writes the hello, `flight.py` is the state machine over `wire.py` and `keys.py`, `probe.py` does I/O.
`scan.py` asks many hellos to find out what an origin accepts, `calm.py` the doubtful ones again one at a time.
"""

from cfrunbook.probes.tls.calm import PAUSE, ask_alone, in_doubt
from cfrunbook.probes.tls.probe import hello
from cfrunbook.probes.tls.scan import scan

__all__ = ["PAUSE", "ask_alone", "hello", "in_doubt", "scan"]
