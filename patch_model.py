import re, pathlib
p = pathlib.Path("cfrunbook/cloudfront/distribution.py"); s = p.read_text()
s = s.replace("from dataclasses import dataclass\n", "from dataclasses import dataclass, field\n")
s = s.replace('''    include_body: bool = False

    @property
    def name''', '''    include_body: bool = False
    where: str = field(default="", compare=False)
    """JSON path in the configuration; empty where it did not come from a document."""

    @property
    def name''')
s = s.replace('''    vpc_origin_id: str = ""
    access_control_id: str = ""
''', '''    vpc_origin_id: str = ""
    access_control_id: str = ""
    access_identity: str = ""
    """Origin access identity of an S3 origin, as written; empty: none."""
    response_completion_timeout: int = 0
    """Seconds for the whole answer, all attempts together; 0: no limit."""
''')
s = s.replace('''    """Legacy `ForwardedValues.Headers`; None where the document has no ForwardedValues."""
''', '''    """Legacy `ForwardedValues.Headers`; None where the document has no ForwardedValues."""
    forwards_query: bool = False
    """Legacy `ForwardedValues.QueryString`."""
    forwarded_cookies: tuple[str, ...] = ()
    """Legacy `ForwardedValues.Cookies`: names, or `*` for all."""
    grpc: bool = False
''')
s = s.replace('''    malformed: tuple[Malformed, ...] = ()
    """Places of a wrong type, left out of what was read."""
''', '''    malformed: tuple[Malformed, ...] = ()
    """Places of a wrong type, left out of what was read."""
    account: str = ""
    """The AWS account that owns it, from its ARN; empty where the document has none."""
''')
p.write_text(s)

p = pathlib.Path("cfrunbook/cloudfront/distribution_reader.py"); s = p.read_text()
s = s.replace('''_ARN = re.compile(r"arn:[a-z-]+:cloudfront::[0-9]{12}:distribution/(E[A-Z0-9]{5,31})")
''', '''_ARN = re.compile(r"arn:[a-z-]+:cloudfront::([0-9]{12}):distribution/(E[A-Z0-9]{5,31})")
''')
s = s.replace("identity = match[1] if match.re is _ARN else source", "identity = match[2] if match.re is _ARN else source")
s = s.replace('''        malformed=tuple(reader.malformed),
    )


def _unknown''', '''        malformed=tuple(reader.malformed),
        account=arn[1] if (arn := _ARN.fullmatch(reader.text(outer, "ARN", ""))) else "",
    )


def _unknown''')
s = s.replace('''        access_control_id=reader.text(node, "OriginAccessControlId", where),
''', '''        access_control_id=reader.text(node, "OriginAccessControlId", where),
        access_identity=reader.text(settings, "OriginAccessIdentity", at),
        response_completion_timeout=reader.integer(node, "ResponseCompletionTimeout", where, 0),
''')
s = s.replace('''        functions=(*_lambdas(reader, node, where), *_functions(reader, node, where)),
    )
''', '''        forwards_query=reader.flag(forwarded, "QueryString", f"{where}.ForwardedValues", default=False),
        forwarded_cookies=_cookies(reader, forwarded, f"{where}.ForwardedValues"),
        grpc=reader.flag(reader.mapping(node, "GrpcConfig", where), "Enabled", f"{where}.GrpcConfig", default=False),
        functions=(*_lambdas(reader, node, where), *_functions(reader, node, where)),
    )


def _cookies(reader: Reader, forwarded: Mapping[str, Any], where: str) -> tuple[str, ...]:
    """Return the cookies that the legacy settings forward: names, or `*` for all."""
    cookies, at = reader.mapping(forwarded, "Cookies", where), f"{where}.Cookies"
    match reader.choice(cookies, "Forward", at, ("none", "whitelist", "all"), "none"):
        case "all":
            return ("*",)
        case "whitelist":
            return reader.texts(cookies, "WhitelistedNames", at)
        case _:
            return ()
''')
s = s.replace('FunctionAssociation("lambda-edge", arn, event, body))', 'FunctionAssociation("lambda-edge", arn, event, body, at))')
s = s.replace('FunctionAssociation("cloudfront-function", reader.text(item, "FunctionARN", at), event)', 'FunctionAssociation("cloudfront-function", reader.text(item, "FunctionARN", at), event, where=at)')
p.write_text(s)
