"""A runbook in a notebook or a script: open it, look, judge, fix, verify, go on.

>>> import cfrunbook as cf
>>> runbook = cf.open_runbook("03_certificate", origin="shop.example.com", host="www.example.com")
>>> await runbook.look()
>>> runbook.judge()
"""

from cfrunbook.runbook.agenda import AGENDA, RunbookStep
from cfrunbook.runbook.guides import GUIDES, PARAMETERS, Guide
from cfrunbook.runbook.steps import Runbook, open_runbook

__all__ = ["AGENDA", "GUIDES", "PARAMETERS", "Guide", "Runbook", "RunbookStep", "open_runbook"]
