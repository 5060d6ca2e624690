"""Tier 3 against an AWS on loopback: from an origin's name to listeners, certificates, targets, rules and hosted zones."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

import cfrunbook as cf
from cfrunbook.aws.inputs import with_fetched
from cfrunbook.aws.load_balancers import is_recognized
from cfrunbook.evidence import AddressRanges
from cfrunbook.firewall import answer
from cfrunbook.firewall.model import Question
from tests.aws.answers import (
    ALB_NAME,
    AT,
    ID,
    LB_ARN,
    Account,
    Refused,
    behavior,
    distribution,
    items,
    load_balancer,
    origin,
    vpc_origin,
)

CERT = "arn:aws:acm:eu-west-1:111122223333:certificate/11111111-2222-3333-4444-555555555555"
GROUP = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/73e2d6bc24d8a067"
LISTENER = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:listener/app/shop/1/2"
RANGES = AddressRanges(create_date="2026-08-22-15-17-05", ipv4=("192.0.2.0/24",))


def certificate(name: str) -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key()).serial_number(7)
        .not_valid_before(now - dt.timedelta(days=9)).not_valid_after(now + dt.timedelta(days=9))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("192.0.2.1"))]), False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return made.public_bytes(serialization.Encoding.PEM), private


class Shop:
    """A shop in an account on loopback: a load balancer with one target behind it, a zone, and a distribution."""

    def __init__(self) -> None:
        ec2, elb = boto3.client("ec2"), boto3.client("elbv2")
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        zones = ("eu-west-1a", "eu-west-1b")
        subnets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=z)["Subnet"]["SubnetId"]
            for n, z in enumerate(zones)
        ]
        self.group = ec2.create_security_group(GroupName="alb", Description="alb", VpcId=vpc)["GroupId"]
        names = [{"Name": "prefix-list-name", "Values": ["com.amazonaws.global.cloudfront.origin-facing"]}]
        self.prefix_list = ec2.describe_managed_prefix_lists(Filters=names)["PrefixLists"][0]["PrefixListId"]
        permission = {
            "IpProtocol": "tcp",
            "FromPort": 443,
            "ToPort": 443,
            "PrefixListIds": [{"PrefixListId": self.prefix_list}],
        }
        ec2.authorize_security_group_ingress(GroupId=self.group, IpPermissions=[permission])
        made = elb.create_load_balancer(Name="shop", Subnets=subnets, SecurityGroups=[self.group])["LoadBalancers"][0]
        self.arn, self.dns_name = made["LoadBalancerArn"], made["DNSName"]
        leaf, key = certificate("shop.example")
        self.certificate = boto3.client("acm").import_certificate(Certificate=leaf, PrivateKey=key)["CertificateArn"]
        target_group = elb.create_target_group(Name="web", Protocol="HTTP", Port=80, VpcId=vpc)["TargetGroups"][0]
        self.target_group = target_group["TargetGroupArn"]
        listening = elb.create_listener(
            LoadBalancerArn=self.arn,
            Protocol="HTTPS",
            Port=443,
            Certificates=[{"CertificateArn": self.certificate}],
            DefaultActions=[{"Type": "forward", "TargetGroupArn": self.target_group}],
        )
        elb.create_rule(
            ListenerArn=listening["Listeners"][0]["ListenerArn"],
            Priority=7,
            Conditions=[
                {"Field": "host-header", "HostHeaderConfig": {"Values": ["old.shop.example"]}},
                {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/a*"]}},
                {"Field": "source-ip", "SourceIpConfig": {"Values": ["192.0.2.0/24"]}},
            ],
            Actions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}],
        )
        zone = boto3.client("route53").create_hosted_zone(Name="shop.example", CallerReference="1")
        self.zone, self.servers = zone["HostedZone"]["Id"].rpartition("/")[2], zone["DelegationSet"]["NameServers"]
        alias = {"HostedZoneId": "Z1", "DNSName": f"dualstack.{self.dns_name}.", "EvaluateTargetHealth": False}
        record = {"Name": "origin.shop.example", "Type": "A", "AliasTarget": alias}
        self.change("CREATE", record)
        config = distribution(origin("origin.shop.example"))["Distribution"]["DistributionConfig"]
        config["DefaultCacheBehavior"]["ForwardedValues"] = {"QueryString": False, "Cookies": {"Forward": "none"}}
        del config["DefaultCacheBehavior"]["CachePolicyId"]
        made = boto3.client("cloudfront").create_distribution(DistributionConfig=config)
        self.distribution = made["Distribution"]["Id"]

    def change(self, action: str, record: dict[str, Any]) -> None:
        changes = {"Changes": [{"Action": action, "ResourceRecordSet": record}]}
        boto3.client("route53").change_resource_record_sets(HostedZoneId=self.zone, ChangeBatch=changes)


@pytest.fixture
def shop(endpoint: str) -> Shop:
    return Shop()


def test_an_origins_name_leads_to_everything_behind_it(shop: Shop) -> None:
    fetched = cf.fetch(shop.distribution, tiers=(3,))
    assert fetched.not_examined == ()
    (zone,) = fetched.facts.hosted_zones
    assert (zone.id, zone.name, zone.private) == (shop.zone, "shop.example", False)
    assert sorted(zone.name_servers or ()) == sorted(shop.servers)
    assert [(r.type, r.alias) for r in zone.records or ()] == [("A", f"dualstack.{shop.dns_name}")]
    assert fetched.facts.zones_asked == ("origin.shop.example",)
    (balancer,) = fetched.facts.load_balancers
    assert (balancer.arn, balancer.domain, balancer.security_groups) == (shop.arn, "origin.shop.example", (shop.group,))
    (listener,) = balancer.listeners or ()
    assert (listener.port, listener.protocol, listener.certificates) == (443, "HTTPS", (shop.certificate,))
    assert listener.target_groups == (shop.target_group,)
    (rule,) = listener.rules or ()
    assert (rule.priority, rule.hosts, rule.paths, rule.other) == (7, ("old.shop.example",), ("/a*",), ("source-ip",))
    assert (rule.action, rule.status, rule.target_groups) == ("fixed-response", "503", ())
    (group,) = balancer.target_groups or ()
    assert (group.name, group.targets) == ("web", ())
    (held,) = fetched.facts.certificates
    assert held.type == "IMPORTED"
    assert "shop.example" in held.names
    assert held.not_after is not None


def test_the_rules_before_it_are_judged_as_any_dump(shop: Shop) -> None:
    fetched = cf.fetch(shop.distribution, tiers=(3,))
    # The list is CloudFront's own: what it holds are its addresses, which are not compared with a copy of them.
    assert [dump.name for dump in fetched.firewall] == ["security-groups.json", "prefix-lists.json"]
    assert "OwnerId" not in "".join(dump.text for dump in fetched.firewall)
    incident = cf.Incident.load(**fetched.inputs)
    assert incident.inputs.firewall == fetched.firewall
    told = {port: answer.ask(fetched.firewall, RANGES, Question(port, 4)).verdict for port in (443, 8443)}
    assert told == {443: "allowed", 8443: "blocked"}


IPTABLES = b"*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp --dport 443 -s 192.0.2.0/25 -j ACCEPT\nCOMMIT\n"
OPEN = {"SecurityGroups": [{"GroupId": "sg-1", "IpPermissions": [
    {"IpProtocol": "tcp", "FromPort": 8443, "ToPort": 8443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
]}]}  # fmt: skip
ENTRIES = {"Entries": [{"Cidr": "192.0.2.0/24"}]}


@pytest.mark.parametrize(
    ("given", "names", "verdict", "left_out"),
    [
        ({}, ["security-groups.json", "prefix-lists.json"], "allowed", False),
        (
            {"rules.v4": IPTABLES},
            ["security-groups.json", "prefix-lists.json", "rules.v4"],
            "some blocked",
            False,
        ),
        ({"mine.json": OPEN}, ["prefix-lists.json", "mine.json"], "blocked", True),
        (
            {"pl-0123456789abcdef0.json": ENTRIES},  # which alone says nothing
            ["security-groups.json", "prefix-lists.json", "pl-0123456789abcdef0.json"],
            "allowed",
            False,
        ),
    ],
    ids=["none", "of another kind", "of the same kind", "entries alone"],
)
def test_rules_that_were_given_are_judged_beside_those_fetched(
    shop: Shop, tmp_path: Path, given: dict[str, Any], names: list[str], verdict: str, left_out: bool
) -> None:
    for name, content in given.items():
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    files = [str(tmp_path / name) for name in given]
    incident = cf.Incident.load(**with_fetched(distribution=shop.distribution, firewall=files))
    rules = incident.inputs.firewall
    assert [dump.name for dump in rules] == names
    assert answer.ask(rules, RANGES, Question(443, 4)).verdict == verdict
    assert incident.inputs.aws is not None
    said = [n for n in incident.inputs.aws.not_fetched if n.what == "the EC2 security groups in the account"]
    assert [n.why for n in said] == ["others were given (mine.json), and those count"] * left_out


def test_the_command_line_fetches_looks_and_judges(shop: Shop, tmp_path: Path) -> None:
    evidence = tmp_path / "evidence.json"
    command = [
        sys.executable, "-m", "cfrunbook", "diagnose", "--distribution", shop.distribution, "--json",
        "--connect-to", "::127.0.0.1:9", "--deadline", "0.3", "--save-evidence", str(evidence),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)
    codes = {f["code"] for f in found["findings"]}
    assert {"origin_response.alb_no_targets", "tls_name.acm_name_missing", "certificate.acm_expires_soon"} <= codes
    # What this AWS does not know is said, and is no failure of the run.
    assert any("additional metrics" in gap["what"] for gap in found["not_examined"])
    again = subprocess.run(
        [sys.executable, "-m", "cfrunbook", "diagnose", "--evidence", str(evidence), "--json"],
        capture_output=True, text=True, timeout=60, check=False, env={"PATH": "/usr/bin"},
    )  # fmt: skip
    assert {f["code"] for f in json.loads(again.stdout)["findings"]} == codes, "judged again without an account"


def test_without_credentials_the_command_line_says_one_sentence() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cfrunbook", "diagnose", "--distribution", ID], capture_output=True, text=True, timeout=60, check=False
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("cfrunbook: AWS: no credentials were found")
    assert len(done.stderr.splitlines()) == 1


def test_duplicate_zones_and_zones_above_are_all_found(shop: Shop) -> None:
    route53 = boto3.client("route53")
    route53.create_hosted_zone(Name="shop.example", CallerReference="2")
    route53.create_hosted_zone(Name="origin.shop.example", CallerReference="3")
    route53.create_hosted_zone(Name="other.example", CallerReference="4")
    found = [zone.name for zone in cf.fetch(shop.distribution, tiers=(3,)).facts.hosted_zones]
    assert found == ["origin.shop.example", "shop.example", "shop.example"]


# --- what an AWS on loopback does not have ------------------------------------------------------------------------


def account(*origins: dict[str, Any], **answers: Any) -> Account:
    known: dict[str, Any] = {
        "GetDistribution": distribution(*(origins or (origin(ALB_NAME),))),
        "DescribeLoadBalancers": {"LoadBalancers": [load_balancer()]},
        "DescribeListeners": {"Listeners": [listener()]},
        "DescribeListenerCertificates": {"Certificates": [{"CertificateArn": CERT}]},
        "DescribeRules": {"Rules": [{"IsDefault": True, "Priority": "default"}]},
        "DescribeTargetGroups": {"TargetGroups": [{"TargetGroupArn": GROUP, "TargetGroupName": "web"}]},
        "DescribeTargetHealth": {
            "TargetHealthDescriptions": [{"Target": {"Id": "i-1"}, "TargetHealth": {"State": "healthy"}}]
        },
        "DescribeCertificate": {"Certificate": {"DomainName": "a.example", "Status": "ISSUED", "NotAfter": AT}},
        "DescribeSecurityGroups": {"SecurityGroups": [{"GroupId": "sg-1", "IpPermissions": []}]},
        "ListHostedZonesByName": {"HostedZones": [], "IsTruncated": False, "MaxItems": "20"},
    }
    return Account(**{**known, **answers})


def listener(**more: Any) -> dict[str, Any]:
    return {
        "ListenerArn": LISTENER,
        "Port": 443,
        "Protocol": "HTTPS",
        "Certificates": [{"CertificateArn": CERT}],
        **more,
    }


def fetch(found: Account, **options: Any) -> cf.Fetched:
    return cf.fetch(ID, session=found.session, tiers=(3,), **options)


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        (ALB_NAME, True),
        (f"dualstack.{ALB_NAME}", True),
        (f"internal-{ALB_NAME}", True),
        ("net-0123456789abcdef.elb.eu-west-1.amazonaws.com", True),
        ("ec2-203-0-113-5.compute-1.amazonaws.com", True),
        ("ec2-203-0-113-5.eu-west-1.compute.amazonaws.com", True),
        ("alb.cn-north-1.elb.amazonaws.com.cn", True),
        ("origin.example.com", False),
        ("eu-west-1.elb.amazonaws.com.example", False),
        ("bucket.s3.eu-west-1.amazonaws.com", False),
    ],
)
def test_names_of_aws_are_recognized(name: str, is_one: bool) -> None:
    assert is_recognized(name) == is_one


def test_calls_go_to_the_region_in_the_name() -> None:
    found = account(origin("net-0123456789abcdef.elb.ap-south-1.amazonaws.com"))
    assert "in ap-south-1" in fetch(found).not_examined[0].why


@pytest.mark.parametrize(
    "denied",
    [
        "DescribeListeners", "DescribeListenerCertificates", "DescribeTargetGroups", "DescribeTargetHealth",
        "DescribeCertificate", "DescribeSecurityGroups", "DescribeLoadBalancers", "ListHostedZonesByName",
        "DescribeRules",
    ],
)  # fmt: skip
def test_each_missing_permission_costs_its_own_part_only(denied: str) -> None:
    found = account(origin(ALB_NAME), origin("o.shop.example", "other"), **{denied: Refused("AccessDenied", 403)})
    found.answers["GetDistribution"] = distribution(
        origin(ALB_NAME),
        origin("o.shop.example", "other"),
        CacheBehaviors=items({**behavior("other"), "PathPattern": "/o"}),
    )
    fetched = fetch(found)
    (gap,) = fetched.not_examined
    assert gap.why.startswith("needs ")
    assert gap.why.split()[1].rstrip(",").endswith(f":{denied}")
    facts = fetched.facts
    assert bool(facts.zones_asked) == (denied != "ListHostedZonesByName")
    assert bool(facts.load_balancers) == (denied != "DescribeLoadBalancers")
    if denied == "DescribeLoadBalancers":
        return
    (balancer,) = facts.load_balancers
    assert (balancer.listeners is None) == (denied == "DescribeListeners")
    assert (balancer.target_groups is None) == (denied == "DescribeTargetGroups")
    if denied == "DescribeListenerCertificates":
        assert [one.certificates for one in balancer.listeners or ()] == [None]
    if denied != "DescribeListeners":
        assert [one.rules for one in balancer.listeners or ()] == [None if denied == "DescribeRules" else ()]
    if denied == "DescribeTargetHealth":
        assert [one.targets for one in balancer.target_groups or ()] == [None]
    assert bool(fetched.firewall) == (denied != "DescribeSecurityGroups")
    assert bool(facts.certificates) == (
        denied not in ("DescribeCertificate", "DescribeListeners", "DescribeListenerCertificates")
    )


def test_rules_of_two_origins_are_not_taken_together() -> None:
    other = "other-1234567890.eu-west-1.elb.amazonaws.com"
    found = account()
    found.answers["GetDistribution"] = distribution(
        origin(ALB_NAME), origin(other, "other"), CacheBehaviors=items({**behavior("other"), "PathPattern": "/o"})
    )
    both = [load_balancer(), load_balancer(DNSName=other, LoadBalancerArn=f"{LB_ARN}2")]
    found.answers["DescribeLoadBalancers"] = {"LoadBalancers": both}
    fetched = fetch(found)
    assert fetched.firewall == ()
    assert "rules are judged for one origin at a time" in fetched.not_examined[0].why
    assert fetch(found, origin="other").firewall
    assert fetch(found, url="https://www.example.com/o").firewall


def test_a_vpc_origin_leads_to_its_load_balancer_without_firewall() -> None:
    config = {"Name": "x", "Arn": LB_ARN, "HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only"}
    vpc = {"VpcOrigin": {"Id": "vo_1", "Arn": "x", "Status": "Deployed", "CreatedTime": AT, "LastModifiedTime": AT, "VpcOriginEndpointConfig": config}}  # fmt: skip
    found = account(vpc_origin("internal.shop.example"), GetVpcOrigin=vpc)
    fetched = fetch(found)
    assert found.asked("DescribeLoadBalancers") == [{"LoadBalancerArns": [LB_ARN]}]
    assert found.asked("GetVpcOrigin") == [{"Id": "vo_1"}]
    (balancer,) = fetched.facts.load_balancers
    assert balancer.domain == "internal.shop.example"
    assert fetched.firewall == ()  # CloudFront comes from within the VPC: the rules are judged otherwise
    assert balancer.guards is not None


def test_what_guards_a_vpc_origin_is_read_with_the_names_of_its_sources() -> None:
    config = {"Name": "x", "Arn": LB_ARN, "HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only"}
    vpc = {"VpcOrigin": {"Id": "vo_1", "Arn": "x", "Status": "Deployed", "CreatedTime": AT, "LastModifiedTime": AT, "VpcOriginEndpointConfig": config}}  # fmt: skip
    sources: dict[str, Any] = {
        "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "10.0.0.0/8"}],
        "PrefixListIds": [{"PrefixListId": "pl-9"}], "UserIdGroupPairs": [{"GroupId": "sg-2"}],
    }  # fmt: skip
    groups = [
        {"GroupId": "sg-1", "GroupName": "alb", "IpPermissions": [sources]},
        {"GroupId": "sg-2", "GroupName": "CloudFront-VPCOrigins-Service-SG", "IpPermissions": []},
    ]
    found = account(
        vpc_origin("internal.shop.example"),
        GetVpcOrigin=vpc,
        DescribeLoadBalancers={"LoadBalancers": [load_balancer(SecurityGroups=["sg-1"])]},
        DescribeSecurityGroups=lambda asked: {
            "SecurityGroups": [g for g in groups if g["GroupId"] in asked["GroupIds"]]
        },
        DescribeManagedPrefixLists={"PrefixLists": [{"PrefixListId": "pl-9", "PrefixListName": "own"}]},
    )
    (balancer,) = fetch(found).facts.load_balancers
    (guard,) = balancer.guards or ()
    assert (guard.id, guard.name) == ("sg-1", "alb")
    assert [(r.source, r.name, r.low, r.high) for r in guard.inbound] == [
        ("10.0.0.0/8", "", 443, 443),
        ("pl-9", "own", 443, 443),
        ("sg-2", "CloudFront-VPCOrigins-Service-SG", 443, 443),
    ]


def test_an_instance_is_found_by_its_public_address() -> None:
    name = "ec2-203-0-113-5.compute-1.amazonaws.com"
    found = account(origin(name), DescribeNetworkInterfaces={"NetworkInterfaces": [{"Groups": [{"GroupId": "sg-1"}]}]})
    assert [dump.kind for dump in fetch(found).firewall] == ["security_groups"]
    filters = [{"Name": "association.public-ip", "Values": ["203.0.113.5"]}]
    assert found.asked("DescribeNetworkInterfaces") == [{"Filters": filters}]
    assert found.asked("DescribeSecurityGroups") == [{"GroupIds": ["sg-1"]}]
    (gap,) = fetch(account(origin(name), DescribeNetworkInterfaces={"NetworkInterfaces": []})).not_examined
    assert "no network interface of this account in us-east-1 has its address" in gap.why
    assert fetch(account(origin("ec2-999-0-113-5.compute-1.amazonaws.com"))).not_examined == ()


def test_a_load_balancer_of_somebody_else_is_said() -> None:
    (gap,) = fetch(account(DescribeLoadBalancers={"LoadBalancers": []})).not_examined
    assert f"none of the 0 Application and Network Load Balancers of this account in eu-west-1 is {ALB_NAME}" in gap.why


def test_a_certificate_of_iam_is_not_asked_of_acm() -> None:
    iam = "arn:aws:iam::111122223333:server-certificate/old"
    found = account(
        DescribeListeners={"Listeners": [listener(Certificates=[{"CertificateArn": iam}])]},
        DescribeListenerCertificates={"Certificates": []},
    )
    (gap,) = fetch(found).not_examined
    assert gap.why == "it is not one of AWS Certificate Manager"
    assert not found.asked("DescribeCertificate")


def test_part_of_a_prefix_list_is_never_taken_for_all_of_it() -> None:
    group = {"GroupId": "sg-1", "IpPermissions": [{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "PrefixListIds": [{"PrefixListId": "pl-1"}]}]}  # fmt: skip
    found = account(
        DescribeSecurityGroups={"SecurityGroups": [group]},
        DescribeManagedPrefixLists={"PrefixLists": [{"PrefixListId": "pl-1", "PrefixListName": "mine"}]},
        GetManagedPrefixListEntries=lambda p: {
            "Entries": [{"Cidr": "192.0.2.0/24"}],
            "NextToken": p.get("NextToken", "") + "x",
        },
    )
    fetched = fetch(found)
    assert [dump.kind for dump in fetched.firewall] == ["security_groups", "prefix_lists"]
    assert [gap.what for gap in fetched.not_examined] == ["the entries of prefix list pl-1"]
    assert len(found.asked("GetManagedPrefixListEntries")) == 20


HOSTILE: list[dict[str, Any]] = [
    {
        "DescribeLoadBalancers": {
            "LoadBalancers": [{"DNSName": ALB_NAME, "LoadBalancerArn": 7, "State": "x", "SecurityGroups": "sg"}]
        }
    },
    {"DescribeListeners": {"Listeners": [{"Port": "443", "Protocol": 7, "DefaultActions": [None, "x"]}, None]}},
    {"DescribeListeners": {"Listeners": [listener(Port=10**9, Certificates="x")]}},
    {"DescribeTargetHealth": {"TargetHealthDescriptions": [{"Target": {"Id": "\ud800" * 9000, "Port": -1}}]}},
    {"DescribeTargetGroups": {"TargetGroups": [{"TargetGroupArn": "a" * 99_999, "Port": 1e9}]}},
    {"DescribeCertificate": {"Certificate": {"NotAfter": "x", "SubjectAlternativeNames": ["\x1b[31m" * 999] * 999}}},
    {"DescribeCertificate": {"Certificate": None}},
    {"ListHostedZonesByName": {"HostedZones": [{"Name": "shop.example.", "Id": None, "Config": 7}] * 99}},
]


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda h: next(iter(h)))
def test_hostile_answers_fit_into_a_recording(hostile: dict[str, Any], tmp_path: Path) -> None:
    found = account(**hostile)
    found.answers["GetDistribution"] = distribution(
        origin(ALB_NAME),
        origin("o.shop.example", "other"),
        CacheBehaviors=items({**behavior("other"), "PathPattern": "/o"}),
    )
    found.unchecked |= set(hostile) | {"GetHostedZone", "ListResourceRecordSets"}
    incident = cf.Incident.load(**fetch(found).inputs)
    seen = cf.Observations(recorded_at=AT, inputs=incident.inputs)
    seen.save(tmp_path / "e.json")
    again = cf.Incident.load(evidence=tmp_path / "e.json")
    assert again.inputs.aws == incident.inputs.aws
    assert cf.judge(again, again.observations)  # type: ignore[arg-type]
