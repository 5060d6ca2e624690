"""Rules about the run and the code: what never gets as far as a result is 503, not 502."""

from __future__ import annotations

from cfrunbook.findings import Status
from cfrunbook.functions.cloudfront_function.facts import GUIDE, KEY_VALUES, QUOTAS
from cfrunbook.functions.cloudfront_function.rule_table import COULD_NOT_RUN, rule
from cfrunbook.functions.model import Effect

_RUNTIME_1 = f"{GUIDE}/functions-javascript-runtime-10.html"
_RUNTIME_2 = f"{GUIDE}/functions-javascript-runtime-20.html"

THREW = rule(
    "handler_threw",
    effect=Effect.EXECUTION,
    title="The function threw, so there is no result: {value}.",
    meaning="An exception is 503, FunctionExecutionError, not 502. “test-function” shows it as well.",
    source=f"{GUIDE}/edge-functions-logs.html",
    page=COULD_NOT_RUN,
    fix="try {\n  // ...\n} catch (error) {\n  console.log(error);\n  return event.«object»;\n}",
)
KEY_MISSING = rule(
    "kvs_key_missing",
    effect=Effect.EXECUTION,
    title="kvs().get() threw, because the key value store does not have the key: {value}.",
    meaning="get() does not return undefined, it throws. Uncaught, that is 503, FunctionExecutionError.",
    source=f"{KEY_VALUES}#functions-custom-methods-get",
    page=COULD_NOT_RUN,
    fix="var target;\ntry {\n  target = await kvs.get(key);\n} catch (error) {\n"
    "  return event.«object»;   // no such key\n}",
)
STORE_MISSING = rule(
    "kvs_store_missing",
    effect=Effect.EXECUTION,
    title="cf.kvs() threw, because no key value store is associated with the function: {value}.",
    meaning="A function has at most one store, and must be published with it.",
    source=f"{GUIDE}/kvs-with-functions-associate.html",
    page=COULD_NOT_RUN,
    fix="// aws cloudfront update-function --function-config\n"
    '//   \'{"KeyValueStoreAssociations": {"Quantity": 1, "Items": [{"KeyValueStoreARN": "arn:..."}]}, ...}\'',
)
PROMISES_AT_ONCE = rule(
    "kvs_reads_at_once",
    status=Status.WARNING,
    effect=Effect.EXECUTION,
    title="The code uses {value}: several promises at once can need more than the 2 MB that a function has.",
    meaning="A function that exceeds its memory fails: 503. Reading several keys at once is not faster here.",
    source=KEY_VALUES,
    fix="var one = await kvs.get('one');\nvar two = await kvs.get('two');   // one after the other",
)
RUNTIME_1_SYNTAX = rule(
    "runtime_1_syntax",
    effect=Effect.EXECUTION,
    title="The code uses {value}, which runtime cloudfront-js-1.0 does not have.",
    meaning="The function cannot run at all: 503, FunctionExecutionError, for every request.",
    source=_RUNTIME_1,
    page=COULD_NOT_RUN,
    fix="// aws cloudfront update-function --function-config Runtime=cloudfront-js-2.0,...",
)
RESTRICTED = rule(
    "restricted_feature",
    status=Status.WARNING,
    effect=Effect.EXECUTION,
    title="The code uses {value}, which CloudFront Functions do not have.",
    meaning="Where that line is reached it throws: 503. There is no network, file system, timer, process, environment"
    " or dynamic code.",
    source=_RUNTIME_2,
    fix="// what needs these is done by Lambda@Edge, or kept in a key value store",
)
CODE_LARGE = rule(
    "code_large",
    status=Status.WARNING,
    effect=Effect.NONE,
    title="The code has {size} bytes; CloudFront takes up to {limit}.",
    meaning="The API refuses it (FunctionSizeLimitExceeded): this code is not what is live. The quota is fixed.",
    source=QUOTAS,
    fix="// minify, or move data into a key value store",
)
THROTTLED = rule(
    "compute_utilization",
    status=Status.WARNING,
    effect=Effect.THROTTLE,
    title="The function used {value} % of the time it may take.",
    meaning="71 to 100 % is what AWS calls at or over the limit: it is likely to be throttled, 503,"
    " FunctionThrottledError.",
    source=f"{GUIDE}/test-function.html",
    fix="// do less for each request: no large regular expressions, no loops over long lists",
)

RULES = (THREW, KEY_MISSING, STORE_MISSING, PROMISES_AT_ONCE, RUNTIME_1_SYNTAX, RESTRICTED, CODE_LARGE, THROTTLED)
