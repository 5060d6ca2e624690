"""All rules about the result of a CloudFront Function, both runtimes and both events, in one table."""

from __future__ import annotations

from cfrunbook.functions.cloudfront_function import field_rules, header_rules, origin_rules, result_rules, run_rules
from cfrunbook.functions.model import FunctionRule

RULES: tuple[FunctionRule, ...] = (
    *run_rules.RULES,
    *result_rules.RULES,
    *field_rules.RULES,
    *header_rules.RULES,
    *origin_rules.RULES,
)
