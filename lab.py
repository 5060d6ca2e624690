import datetime as dt
from cfrunbook.cloudfront.edge_locations import PLACES, locate
for c in sorted(PLACES): print(c, locate(c+"50-C1").region, end="; ")
print()
from cfrunbook.cloudfront.distribution import FunctionAssociation as F, EventType as E
from cfrunbook.functions import log_places as l
for f in (F("lambda-edge","arn:aws:lambda:us-east-1:111122223333:function:auth:7",E.ORIGIN_REQUEST), F("cloudfront-function","arn:aws:cloudfront::111122223333:function/tidy",E.VIEWER_REQUEST)):
    for p in l.log_places(f, distribution_id="EDFDVBD6EXAMPLE", pop="FRA56-P4"):
        print(p); print(l.search(p, l.around(dt.datetime(2026,11,23,3,tzinfo=dt.UTC)), request_id="0xlEXw7Fbc0eialTH41hxrEl6islEmo8Um2e7ofMTw5Xrc9U_fZTiA=="))
        print(l.search(p, l.around(dt.datetime(2026,11,23,3,tzinfo=dt.UTC))).filter)
