"""Really broken origins on this machine's loopback, to practice on and to hold every diagnosis against.

>>> from cfrunbook import lab
>>> with lab.start("certificate-expired") as running:
...     incident = cf.Incident.load(**running.options)

Nothing leaves the machine: servers on 127.0.0.1, an authority minted at start, names under `.example`; scenarios about
DNS have a public DNS of their own, from the root servers down, and names under `.lab`. Each scenario comes with an edge
that really resolves and connects as CloudFront does, with OpenSSL as its judge, and answers 200, 502 or 504.
"""

from cfrunbook.lab.commands import list_scenarios, run_command, serve
from cfrunbook.lab.running import LabFile, LabOptions, Running, start
from cfrunbook.lab.scenario import Expected, Scenario
from cfrunbook.lab.scenarios import DEFAULT, SCENARIOS

__all__ = [
    "DEFAULT",
    "SCENARIOS",
    "Expected",
    "LabFile",
    "LabOptions",
    "Running",
    "Scenario",
    "list_scenarios",
    "run_command",
    "serve",
    "start",
]
