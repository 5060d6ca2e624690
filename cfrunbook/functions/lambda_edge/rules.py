"""All rules of Lambda@Edge, as one table. What CloudFront makes of a result is answered by `lambda_edge.validation`."""

from __future__ import annotations

from cfrunbook.functions.lambda_edge import header_rules, origin_rules, request_rules, response_rules, result_rules
from cfrunbook.functions.model import FunctionRule

RULES: tuple[FunctionRule, ...] = (
    *result_rules.RULES,
    *response_rules.RULES,
    *header_rules.RULES,
    *request_rules.RULES,
    *origin_rules.RULES,
)
