"""Edge locations: where the one that `X-Amz-Cf-Pop` names is, and in which region its functions probably run.

A code is an airport's (IATA), a number and a kind: `FRA56-P4` is in Frankfurt. Functions of Lambda@Edge run, and log,
in the region of the regional edge cache that serves the edge location; AWS does not say which serves which, so that
the nearest one is only likely. https://aws.amazon.com/cloudfront/features/ lists both, here as of 2026-04.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from cfrunbook.findings import Struct
from cfrunbook.text import visible

_CODE = re.compile(
    r"(?:x-amz-cf-pop:\s*)?[\"']?([A-Z]{3})(\d{1,3})(?:-([A-Z])(\d{1,3}))?[\"']?", re.IGNORECASE | re.ASCII
)
_EARTH = 6371.0  # kilometers


class Region(msgspec.Struct, frozen=True):
    """A region that has, or may have, a regional edge cache."""

    name: str
    latitude: float
    longitude: float
    listed: bool = True
    """AWS lists it; else logs may be there nevertheless."""
    opt_in: bool = False
    """Accounts have it only after they asked for it: looked into last."""


REGIONS: tuple[Region, ...] = (
    Region("us-east-1", 39.0, -77.5),
    Region("us-east-2", 40.0, -83.0),
    Region("us-west-1", 37.4, -122.0),
    Region("us-west-2", 45.8, -119.7),
    Region("ca-central-1", 45.5, -73.6, listed=False),
    Region("sa-east-1", -23.5, -46.6),
    Region("eu-central-1", 50.1, 8.7),
    Region("eu-west-1", 53.3, -6.3),
    Region("eu-west-2", 51.5, -0.1),
    Region("eu-west-3", 48.9, 2.4, listed=False),
    Region("eu-north-1", 59.3, 18.1, listed=False),
    Region("ap-south-1", 19.1, 72.9),
    Region("ap-northeast-1", 35.7, 139.7),
    Region("ap-northeast-2", 37.6, 127.0),
    Region("ap-southeast-1", 1.3, 103.8),
    Region("ap-southeast-2", -33.9, 151.2),
    Region("me-south-1", 26.2, 50.6, listed=False, opt_in=True),
    Region("me-central-1", 24.5, 54.4, listed=False, opt_in=True),
    Region("af-south-1", -33.9, 18.4, listed=False, opt_in=True),
)
"""In the order in which they are looked into where nothing is known of the edge location."""


class _Place(msgspec.Struct, frozen=True):
    city: str
    country: str
    """ISO 3166-1 alpha-2."""
    latitude: float
    longitude: float


_PLACES = """
AKL Auckland NZ -37.0 174.8
AMS Amsterdam NL 52.3 4.8
ARN Stockholm SE 59.7 17.9
ATH Athens GR 37.9 23.9
ATL Atlanta US 33.6 -84.4
BAH Manama BH 26.3 50.6
BCN Barcelona ES 41.3 2.1
BER Berlin DE 52.4 13.5
BJS Beijing CN 40.1 116.6
BKK Bangkok TH 13.7 100.8
BLR Bengaluru IN 13.2 77.7
BNA Nashville US 36.1 -86.7
BNE Brisbane AU -27.4 153.1
BOG Bogota CO 4.7 -74.1
BOM Mumbai IN 19.1 72.9
BOS Boston US 42.4 -71.0
BRU Brussels BE 50.9 4.5
BUD Budapest HU 47.4 19.3
CCU Kolkata IN 22.7 88.4
CDG Paris FR 49.0 2.6
CGK Jakarta ID -6.1 106.7
CMH Columbus US 40.0 -82.9
CPH Copenhagen DK 55.6 12.7
CPT Cape_Town ZA -34.0 18.6
DEL New_Delhi IN 28.6 77.1
DEN Denver US 39.9 -104.7
DFW Dallas US 32.9 -97.0
DTW Detroit US 42.2 -83.4
DUB Dublin IE 53.4 -6.3
DUS Duesseldorf DE 51.3 6.8
DXB Dubai AE 25.3 55.4
EWR Newark US 40.7 -74.2
EZE Buenos_Aires AR -34.8 -58.5
FCO Rome IT 41.8 12.2
FJR Fujairah AE 25.1 56.3
FOR Fortaleza BR -3.8 -38.5
FRA Frankfurt DE 50.0 8.6
GIG Rio_de_Janeiro BR -22.8 -43.3
GRU Sao_Paulo BR -23.4 -46.5
HAM Hamburg DE 53.6 10.0
HAN Hanoi VN 21.2 105.8
HEL Helsinki FI 60.3 25.0
HIO Hillsboro US 45.5 -122.9
HKG Hong_Kong HK 22.3 113.9
HYD Hyderabad IN 17.2 78.4
IAD Ashburn US 38.9 -77.5
IAH Houston US 30.0 -95.3
ICN Seoul KR 37.5 126.5
IND Indianapolis US 39.7 -86.3
IST Istanbul TR 41.3 28.7
JAX Jacksonville US 30.5 -81.7
JFK New_York US 40.6 -73.8
JNB Johannesburg ZA -26.1 28.2
KIX Osaka JP 34.4 135.2
KUL Kuala_Lumpur MY 2.7 101.7
LAX Los_Angeles US 33.9 -118.4
LHR London GB 51.5 -0.5
LIM Lima PE -12.0 -77.1
LIS Lisbon PT 38.8 -9.1
LOS Lagos NG 6.6 3.3
MAA Chennai IN 13.0 80.2
MAD Madrid ES 40.5 -3.6
MAN Manchester GB 53.4 -2.3
MCI Kansas_City US 39.3 -94.7
MCT Muscat OM 23.6 58.3
MEL Melbourne AU -37.7 144.8
MIA Miami US 25.8 -80.3
MNL Manila PH 14.5 121.0
MRS Marseille FR 43.4 5.2
MSP Minneapolis US 44.9 -93.2
MUC Munich DE 48.4 11.8
MXP Milan IT 45.6 8.7
NBO Nairobi KE -1.3 36.9
NRT Tokyo JP 35.8 140.4
ORD Chicago US 42.0 -87.9
OSL Oslo NO 60.2 11.1
OTP Bucharest RO 44.6 26.1
PEK Beijing CN 40.1 116.6
PER Perth AU -31.9 116.0
PHL Philadelphia US 39.9 -75.2
PHX Phoenix US 33.4 -112.0
PIT Pittsburgh US 40.5 -80.2
PMO Palermo IT 38.2 13.1
PNQ Pune IN 18.6 73.9
PRG Prague CZ 50.1 14.3
PVG Shanghai CN 31.1 121.8
QRO Queretaro MX 20.6 -100.2
SCL Santiago CL -33.4 -70.8
SEA Seattle US 47.4 -122.3
SFO San_Francisco US 37.6 -122.4
SGN Ho_Chi_Minh_City VN 10.8 106.7
SIN Singapore SG 1.4 104.0
SJC San_Jose US 37.4 -121.9
SLC Salt_Lake_City US 40.8 -112.0
SOF Sofia BG 42.7 23.4
STL St._Louis US 38.7 -90.4
SYD Sydney AU -33.9 151.2
SZX Shenzhen CN 22.6 113.8
TLV Tel_Aviv IL 32.0 34.9
TPA Tampa US 28.0 -82.5
TPE Taipei TW 25.1 121.2
TXL Berlin DE 52.6 13.3
VIE Vienna AT 48.1 16.6
WAW Warsaw PL 52.2 21.0
YTO Toronto CA 43.7 -79.6
YUL Montreal CA 45.5 -73.7
YVR Vancouver CA 49.2 -123.2
ZAG Zagreb HR 45.7 16.1
ZHY Zhongwei CN 37.6 105.2
ZRH Zurich CH 47.5 8.5
"""


def _read(line: str) -> tuple[str, _Place]:
    code, city, country, latitude, longitude = line.split()
    return code, _Place(city.replace("_", " "), country, float(latitude), float(longitude))


PLACES: Mapping[str, _Place] = MappingProxyType(dict(_read(line) for line in _PLACES.split("\n") if line))
"""Cities of edge locations by airport code (https://www.iata.org/en/publications/directories/code-search/), with the
airport's position in degrees, rounded. Older codes are kept, because logs have them."""


class EdgeLocation(Struct, frozen=True, kw_only=True):
    """What a code of an edge location says."""

    code: str
    """As CloudFront writes it, `FRA56-P4`; what is no such code, as it was given."""
    city: str = ""
    """Empty where it is not known."""
    country: str = ""
    """ISO 3166-1 alpha-2; empty where it is not known."""
    region: str = ""
    """The region where its functions of Lambda@Edge probably run; empty where nothing tells."""
    regions: tuple[str, ...]
    """All regions to look into, the likely ones first."""
    sentence: str
    """For people: where it is, and what that says of the region."""


def locate(pop: str) -> EdgeLocation:
    """Return where the edge location of an `X-Amz-Cf-Pop` or of a log's `x-edge-location` is.

    Also takes it in quotes, in lower case and with the field's name. What is not known is said in `sentence`.
    """
    everywhere = tuple(region.name for region in REGIONS)
    match = _CODE.fullmatch(pop.strip())
    if match is None:
        shown = visible(pop.strip(), 60)
        sentence = f"{shown!r} is no code of an edge location, such as FRA56-P4: look into every region."
        return EdgeLocation(code=shown, regions=everywhere, sentence=sentence)
    code = match[1].upper() + match[2] + (f"-{match[3].upper()}{match[4]}" if match[3] else "")
    place = PLACES.get(match[1].upper())
    if place is None:
        sentence = f"Where edge location {code} is, is not known here: look into every region."
        return EdgeLocation(code=code, regions=everywhere, sentence=sentence)
    at = f"Edge location {code} is in {place.city} ({place.country})"
    if place.country == "CN":
        sentence = f"{at}: CloudFront in China is a service of its own, and where its functions log is not known here."
        return EdgeLocation(code=code, city=place.city, country=place.country, regions=everywhere, sentence=sentence)
    regions = _nearest(place)
    sentence = f"{at}; the nearest regional edge cache that AWS lists is in {regions[0]}, so look there first."
    return EdgeLocation(
        code=code, city=place.city, country=place.country, region=regions[0], regions=regions, sentence=sentence
    )


def _nearest(place: _Place) -> tuple[str, ...]:
    """Return the regions by distance: the nearest listed one first, those to opt in to last unless they are nearer."""
    away = {region.name: _distance(place, region) for region in REGIONS}
    first = min((region.name for region in REGIONS if region.listed), key=away.__getitem__)
    late = {region.name for region in REGIONS if region.opt_in and away[region.name] > away[first]}
    rest = sorted(away.keys() - {first}, key=lambda name: (name in late, away[name]))
    return (first, *rest)


def _distance(place: _Place, region: Region) -> float:
    """Return the way over the earth in kilometers (haversine)."""
    one, two = math.radians(place.latitude), math.radians(region.latitude)
    angle = math.radians(region.longitude - place.longitude)
    square = math.sin((two - one) / 2) ** 2 + math.cos(one) * math.cos(two) * math.sin(angle / 2) ** 2
    return 2 * _EARTH * math.asin(min(1.0, math.sqrt(square)))
