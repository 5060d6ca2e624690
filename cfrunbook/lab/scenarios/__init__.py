"""Every scenario of the lab, by name. A new one is one more row in the module of its cause."""

from __future__ import annotations

from collections.abc import Mapping

from cfrunbook.lab.scenario import Scenario
from cfrunbook.lab.scenarios import (
    account,
    balancers,
    certificate,
    chains,
    compound,
    configured,
    difficult,
    dns_delegation,
    dns_healthy,
    dns_names,
    dns_redundant,
    dns_servers,
    families,
    firewalls,
    function_results,
    functions,
    healthy,
    hellos,
    papers,
    parameters,
    port,
    redundant,
    response,
    statuses,
    tls,
)

_MODULES = (
    *(healthy, certificate, chains, hellos, tls, parameters, port, difficult, redundant, families, response),
    *(functions, function_results, configured, papers, firewalls, statuses, balancers, account),
    *(dns_names, dns_servers, dns_delegation, dns_redundant, dns_healthy, compound),
)

SCENARIOS: Mapping[str, Scenario] = {scenario.name: scenario for module in _MODULES for scenario in module.SCENARIOS}
