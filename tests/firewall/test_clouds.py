"""Security groups, network ACLs, Google Cloud, Azure, Kubernetes and nginx: small dumps as their tools print them."""

from __future__ import annotations

import pytest

from cfrunbook.errors import BadInput


def permission(low=443, high=443, protocol="tcp", **sources):
    return {"IpProtocol": protocol, **({"FromPort": low, "ToPort": high} if protocol != "-1" else {}), **sources}


def ranges(*cidrs):
    return {"IpRanges": [{"CidrIp": c, "Description": "web"} for c in cidrs]}


def group(*permissions, name="sg-0a1", vpc="vpc-1"):
    return {"GroupId": name, "VpcId": vpc, "OwnerId": "123456789012", "IpPermissions": list(permissions)}


def groups(*these):
    return {"SecurityGroups": list(these)}


@pytest.mark.parametrize(
    ("permissions", "verdict"),
    [
        ([permission(**ranges("0.0.0.0/0"))], "allowed"),
        ([permission(**ranges("192.0.2.0/24"))], "allowed dropped"),
        ([permission(**ranges("192.0.2.0/24")), permission(**ranges("198.51.100.0/24"))], "allowed"),
        ([permission(80, 80, **ranges("0.0.0.0/0"))], "dropped"),
        ([permission(0, 65535, **ranges("0.0.0.0/0"))], "allowed"),
        ([permission(protocol="-1", **ranges("0.0.0.0/0"))], "allowed"),
        ([permission(protocol="udp", **ranges("0.0.0.0/0"))], "dropped"),
        ([permission(PrefixListIds=[{"PrefixListId": "pl-3b927c52"}])], "allowed"),
        ([permission(PrefixListIds=[{"PrefixListId": "pl-0123456789abcdef0"}])], "undecidable"),
        ([permission(UserIdGroupPairs=[{"GroupId": "sg-9", "UserId": "123456789012"}])], "undecidable"),
        ([permission(UserIdGroupPairs=[{"GroupId": "sg-9"}], **ranges("0.0.0.0/0"))], "allowed"),
        ([permission(Ipv6Ranges=[{"CidrIpv6": "::/0"}])], "dropped"),
        ([], "dropped"),
    ],
)
def test_security_groups(told, permissions, verdict):
    assert told(groups(group(*permissions))) == verdict


def test_the_permission_that_decides_is_named_by_its_path(ask):
    found = ask(
        groups(group(permission(22, 22, **ranges("10.0.0.0/8")), permission(**ranges("10.0.0.0/8", "0.0.0.0/0"))))
    )
    assert found.parts[0].place.where == "SecurityGroups[0].IpPermissions[1].IpRanges[1]"
    assert found.parts[0].place.text == "sg-0a1 inbound: tcp 443 from 0.0.0.0/0"
    assert found.open_to_all


def test_cloudfronts_own_prefix_list_is_named(ask):
    (part,) = ask(groups(group(permission(PrefixListIds=[{"PrefixListId": "pl-3b927c52"}])))).parts
    assert part.place.text.endswith("tcp 443 from pl-3b927c52 (CloudFront's managed list in us-east-1)")


def test_what_a_prefix_list_holds_can_be_given(told):
    rules = groups(group(permission(PrefixListIds=[{"PrefixListId": "pl-0123456789abcdef0"}])))
    entries = {"Entries": [{"Cidr": "192.0.2.0/24", "Description": "half"}]}
    named = {
        "PrefixLists": [
            {"PrefixListId": "pl-0123456789abcdef0", "PrefixListName": "com.amazonaws.global.cloudfront.origin-facing"}
        ]
    }
    six = {
        "PrefixLists": [
            {
                "PrefixListId": "pl-0123456789abcdef0",
                "PrefixListName": "com.amazonaws.global.ipv6.cloudfront.origin-facing",
            }
        ]
    }
    assert told(rules, entries) == "allowed dropped"
    assert told(rules, named) == "allowed"
    assert (told(rules, six), told(rules, six, family=6)) == ("dropped", "allowed")
    assert told(rules, named, entries) == "allowed", "AWS keeps its own list up to date"


def test_groups_of_one_interface_count_together_and_more_are_alternatives(told, ask):
    halves = [group(permission(**ranges(c)), name=f"sg-{c}") for c in ("192.0.2.0/24", "198.51.100.0/24")]
    assert told(groups(*halves)) == "allowed"
    assert told(groups(halves[0]), groups(halves[1])) == "undecidable"  # several files: perhaps of different machines
    balancer = group(permission(**ranges("192.0.2.0/24")), name="sg-lb")
    behind = group(permission(UserIdGroupPairs=[{"GroupId": "sg-lb"}], **ranges("0.0.0.0/0")), name="sg-app")
    assert told(groups(balancer, behind)) == "allowed undecidable"
    itself = group(permission(UserIdGroupPairs=[{"GroupId": "sg-web"}], **ranges("0.0.0.0/0")), name="sg-web")
    assert told(groups(balancer, itself)) == "allowed"
    closed = [group(name=f"sg-{n}") for n in range(6)]
    found = ask(groups(*halves, *closed))
    assert found.verdict == "undecidable"
    assert "8 groups were given" in found.parts[0].why
    assert told(groups(halves[0], group(vpc="vpc-2", name="sg-x"))) == "undecidable dropped"


def test_describe_security_group_rules(told):
    rule = {"GroupId": "sg-1", "IsEgress": False, "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
    assert (
        told(
            {
                "SecurityGroupRules": [
                    {**rule, "CidrIpv4": "192.0.2.0/24"},
                    {**rule, "IsEgress": True, "CidrIpv4": "0.0.0.0/0"},
                ]
            }
        )
        == "allowed dropped"
    )
    assert told({"SecurityGroupRules": [{**rule, "PrefixListId": "pl-4fa04526"}]}) == "allowed"
    assert told({"SecurityGroupRules": [{**rule, "ReferencedGroupInfo": {"GroupId": "sg-2"}}]}) == "undecidable"


def entry(number, action="allow", cidr="0.0.0.0/0", ports=(443, 443), egress=False, protocol="6"):
    held = {"PortRange": {"From": ports[0], "To": ports[1]}} if ports else {}
    return {
        "RuleNumber": number,
        "RuleAction": action,
        "CidrBlock": cidr,
        "Egress": egress,
        "Protocol": protocol,
        **held,
    }


ANSWERS = entry(100, ports=(1024, 65535), egress=True)


@pytest.mark.parametrize(
    ("entries", "verdict"),
    [
        ([entry(100), ANSWERS], "allowed"),
        ([entry(100), entry(100, ports=None, egress=True, protocol="-1")], "allowed"),
        ([entry(200), entry(100, "deny", "192.0.2.0/24"), ANSWERS], "dropped allowed"),
        ([entry(100), entry(200, "deny", "192.0.2.0/24"), ANSWERS], "allowed"),
        ([entry(100)], "dropped"),
        ([ANSWERS], "dropped"),
        ([entry(100), entry(100, ports=(32768, 65535), egress=True)], "undecidable"),
        (
            [entry(100), entry(1, ports=(1024, 40000), egress=True), entry(2, ports=(40001, 65535), egress=True)],
            "allowed",
        ),
        ([entry(100), ANSWERS, entry(50, "deny", ports=(5000, 6000), egress=True)], "undecidable"),
    ],
)
def test_network_acls(told, entries, verdict):
    assert (
        told(
            {
                "NetworkAcls": [
                    {"NetworkAclId": "acl-1", "Entries": [*entries, entry(32767, "deny", ports=None, protocol="-1")]}
                ]
            }
        )
        == verdict
    )


def test_of_several_network_acls_nobody_knows_which(ask):
    acls = [{"NetworkAclId": f"acl-{n}", "Entries": e} for n, e in enumerate(([entry(100), ANSWERS], [ANSWERS]))]
    found = ask({"NetworkAcls": acls})
    assert found.verdict == "undecidable"
    assert "Name=association.subnet-id" in found.parts[0].why


def google(name="web", key="allowed", **more):
    rule = {
        "name": name,
        "network": "https://www.googleapis.com/compute/v1/projects/p/global/networks/default",
        "direction": "INGRESS",
        "priority": 1000,
    }
    return {**rule, "sourceRanges": ["0.0.0.0/0"], key: [{"IPProtocol": "tcp", "ports": ["80", "440-443"]}], **more}


@pytest.mark.parametrize(
    ("rules", "verdict"),
    [
        ([google()], "allowed"),
        ([google(), google("no", "denied", sourceRanges=["192.0.2.0/24"])], "dropped allowed"),
        ([google(priority=900), google("no", "denied", sourceRanges=["192.0.2.0/24"])], "allowed"),
        ([google(disabled=True)], "dropped"),
        ([google(direction="EGRESS")], "dropped"),
        ([google(sourceRanges=None, sourceTags=["bastion"])], "dropped"),
        ([google(targetTags=["web"])], "undecidable"),
        ([google(allowed=[{"IPProtocol": "all"}])], "allowed"),
        ([google(), google(network="other", sourceRanges=["10.0.0.0/8"])], "undecidable"),
    ],
)
def test_google_cloud(told, rules, verdict):
    assert told(rules) == verdict


def azure(name, priority, access="Allow", source="Internet", ports="443", **more):
    rule = {"name": name, "priority": priority, "direction": "Inbound", "access": access, "protocol": "Tcp"}
    return {
        **rule,
        "sourceAddressPrefix": source,
        "destinationPortRange": ports,
        "sourcePortRange": "*",
        "destinationAddressPrefix": "*",
        **more,
    }


DEFAULTS = [
    azure("AllowVnetInBound", 65000, source="VirtualNetwork", ports="*", protocol="*"),
    azure("AllowAzureLoadBalancerInBound", 65001, source="AzureLoadBalancer", ports="*", protocol="*"),
    azure("DenyAllInBound", 65500, "Deny", "*", "*", protocol="*"),
]


@pytest.mark.parametrize(
    ("rules", "verdict"),
    [
        ([azure("in", 100)], "allowed"),
        ([azure("in", 100, source=None, sourceAddressPrefixes=["192.0.2.0/24", "10.0.0.0/8"])], "allowed dropped"),
        ([azure("in", 200), azure("no", 100, "Deny", "192.0.2.0/24")], "dropped allowed"),
        ([azure("in", 100, ports=None, destinationPortRanges=["80", "400-500"])], "allowed"),
        ([azure("in", 100, source="AzureFrontDoor.Backend")], "undecidable"),
        ([azure("in", 100, direction="Outbound")], "dropped"),
        ([azure("in", 100, destinationAddressPrefix="10.0.0.4")], "undecidable"),
        ([], "dropped"),
    ],
)
def test_azure(told, ask, rules, verdict):
    nsg = {"name": "web-nsg", "securityRules": rules, "defaultSecurityRules": DEFAULTS}
    assert told(nsg) == told([nsg]) == verdict
    if not rules:
        assert "DenyAllInBound" in ask(nsg).parts[0].place.text


def policy(ingress, name="web", selector=None, **more):
    spec = {"podSelector": selector or {}, "policyTypes": ["Ingress"], "ingress": ingress, **more}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": spec,
    }


PORT = [{"protocol": "TCP", "port": 443}]


@pytest.mark.parametrize(
    ("policies", "verdict"),
    [
        ([policy([{"from": [{"ipBlock": {"cidr": "0.0.0.0/0"}}], "ports": PORT}])], "allowed"),
        ([policy([{"from": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["192.0.2.0/24"]}}]}])], "dropped allowed"),
        ([policy([])], "dropped"),
        ([policy([{}])], "allowed"),
        ([policy([{"ports": [{"port": 8443}]}])], "undecidable"),
        ([policy([{"ports": [{"port": "https"}]}])], "undecidable"),
        ([policy([{"ports": [{"protocol": "UDP", "port": 443}]}])], "dropped"),
        ([policy([{"ports": [{"port": 400, "endPort": 500}]}])], "allowed"),
        ([policy([{"from": [{"namespaceSelector": {}}]}])], "undecidable"),
        ([policy([]), policy([{"ports": PORT}], "open", {"matchLabels": {"id": "1"}})], "allowed"),
        (
            [policy([{}], "a", {"matchLabels": {"id": "1"}}), policy([], "b", {"matchLabels": {"id": "2"}})],
            "undecidable",
        ),
        ([policy([], policyTypes=["Egress"]), policy([{}])], "allowed"),
    ],
)
def test_network_policies(told, policies, verdict):
    assert told({"kind": "List", "items": policies}) == verdict


def test_network_policies_in_yaml(ask):
    found = ask(
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: web}\nspec:\n  podSelector: {}\n"
        "  ingress:\n  - from: [{ipBlock: {cidr: 192.0.2.0/24}}]\n    ports: [{protocol: TCP, port: 443}]\n"
    )
    assert found.verdict == "some blocked"
    assert found.parts[0].place.where == "items[0].spec.ingress[0].from[0]"


NGINX = """# configuration file /etc/nginx/nginx.conf:
http {
    include /etc/nginx/mime.types;
    include /etc/nginx/conf.d/*.conf;
    REAL
}
# configuration file /etc/nginx/conf.d/shop.conf:
server {
    listen 443 ssl;
    server_name shop.example;
    ssl_certificate_key "/etc/my keys/shop.pem";
    BODY
}
"""


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        ("allow 192.0.2.0/24; deny all;", "allowed rejected"),
        ("deny 192.0.2.0/24; allow all;", "rejected allowed"),
        ("", "allowed"),
        ("allow 192.0.2.0/24; deny all; location / { proxy_pass http://x; }", "allowed rejected"),
        ("allow 192.0.2.0/24; deny all; location / { allow all; }", "allowed"),
        ("location / { allow all; } location /admin { deny all; }", "undecidable"),
        ("include /etc/nginx/allow.conf; deny all;", "undecidable"),
        ("include /etc/nginx/conf.d/cloudfront.inc;", "undecidable"),
        ("location / { limit_except GET { deny all; } }", "undecidable"),
        ("if ($remote_addr ~ ^10) { return 403; }", "undecidable"),
        ("if ($host != shop.example) { return 301 https://shop.example/; }", "allowed"),
        ("satisfy any; auth_basic x; allow 192.0.2.0/24; deny all;", "allowed undecidable"),
    ],
)
def test_nginx(told, body, verdict):
    assert told(NGINX.replace("BODY", body).replace("REAL", "")) == verdict


def test_nginx_judges_viewers_where_real_ip_replaces_the_address(told):
    trusting = NGINX.replace("REAL", "set_real_ip_from 192.0.2.0/24; real_ip_header X-Forwarded-For;")
    assert told(trusting.replace("BODY", "allow 10.0.0.0/8; deny all;")) == "undecidable rejected"
    assert told(trusting.replace("X-Forwarded-For", "proxy_protocol").replace("BODY", "deny all;")) == "rejected"


@pytest.mark.parametrize("path", ["conf.d/*.conf", "/etc/nginx/sites-enabled/*"])
def test_nginx_servers_of_files_that_were_not_given_may_answer(told, path):
    assert told(f"http {{ include mime.types; include {path}; server {{ listen 443; }} }}") == "undecidable"


def test_nginx_denies_with_403_and_names_the_line(ask):
    (part,) = ask(NGINX.replace("BODY", "deny all;").replace("REAL", "")).parts
    assert (part.status, part.place.where, part.place.text) == (403, "line 12", "deny all")


def test_nginx_in_stream_closes_the_connection(ask):
    (part,) = ask("stream {\n server { listen 443; deny all; }\n}\n").parts
    assert (part.verdict, part.status) == ("rejected", 0)


def test_nginx_without_a_server_on_the_port_is_undecidable(ask):
    found = ask(NGINX.replace("BODY", "").replace("REAL", ""), port=8443)
    assert found.parts[0].place.text == "no server in it listens on port 8443"


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({"SecurityGroups": []}, "has no security group in it"),
        (groups(group({"IpProtocol": "tcp", **ranges("0.0.0.0/0")})), "FromPort is null, not a whole number"),
        ({"name": "n", "securityRules": [azure("in", 100, ports=None)]}, "securityRules[0] has no destination port"),
        ({"name": "n", "securityRules": [azure("in", 100, source=None)]}, "securityRules[0] has no source"),
        ({"SecurityGroups": [7]}, "SecurityGroups[0] is a number, not an object"),
        ({"SecurityGroups": {}}, "is JSON, but no rule dump that is known"),
        ({"NetworkAcls": []}, "has no network ACL in it"),
        (
            {"NetworkAcls": [{"Entries": [{"Protocol": "6", "RuleNumber": "x"}]}]},
            "RuleNumber is text, not a whole number",
        ),
        ([], "is an empty list"),
        ({"kind": "NetworkPolicy"}, "has no spec"),
        ("server { listen 443; allow 1.2.3.4", "it is cut off"),
    ],
)
def test_what_cannot_be_read_is_refused_in_a_sentence(ask, document, says):
    with pytest.raises(BadInput, match="Firewall: rules-1") as error:
        ask(document)
    assert says in str(error.value)


def test_layers_add_up(told):
    host = "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -s 198.51.100.0/24 -j DROP\nCOMMIT\n"
    open_group = groups(group(permission(**ranges("0.0.0.0/0"))))
    assert told(open_group, host) == "allowed dropped"
    assert told(groups(group(permission(**ranges("198.51.100.0/24")))), host) == "dropped"


def policy(namespace, selector, types, *ingress):
    spec = {"podSelector": selector, "policyTypes": types, "ingress": list(ingress)}
    return {"kind": "NetworkPolicy", "metadata": {"name": "p", "namespace": namespace}, "spec": spec}


WEB = {"matchLabels": {"app": "web"}}


@pytest.mark.parametrize(
    ("items", "verdict"),
    [
        ([policy("web", WEB, ["Egress"]), policy("web", WEB, ["Ingress"], {})], "allowed"),
        ([policy("web", {}, ["Ingress"]), policy("web", WEB, ["Ingress"], {})], "allowed"),
        ([policy("web", {}, ["Ingress"]), policy("db", WEB, ["Ingress"], {})], "undecidable"),
    ],
    ids=["egress says nothing of ingress", "default deny and what it lets in", "denied in the other namespace"],
)
def test_policies_for_egress_and_of_other_namespaces(told, items, verdict):
    assert told({"kind": "List", "items": items}) == verdict


def test_policies_for_egress_alone_are_refused(ask):
    with pytest.raises(BadInput, match="has no NetworkPolicy for ingress"):
        ask({"kind": "List", "items": [policy("web", WEB, ["Egress"])]})


def test_a_google_rule_without_a_source_is_about_ipv4(told):
    rule = {"name": "a", "network": "n/default", "priority": 1000, "allowed": [{"IPProtocol": "tcp"}]}
    assert (told([rule]), told([rule], family=6)) == ("allowed", "dropped")
