import cfrunbook as cf
from cfrunbook import lab
from cfrunbook.lab.scenarios.functions import ROWS, name_of
for row in ROWS:
    with lab.start(name_of(row.code)) as r:
        inc = cf.Incident.load(**r.options)
        d = cf.diagnose_sync(inc)
    codes=[(f.code, f.status.value) for f in d.findings if f.code.startswith("distribution.") ]
    print(row.code, d.verdict.status, d.verdict.sentence[:200], codes)
    f=[f for f in d.findings if f.code=="distribution."+row.code]
    print("   ", f[0].title if f else "MISSING", "|", f[0].evidence[0].says if f else "")
