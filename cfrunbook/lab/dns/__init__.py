"""Name servers on loopback: zones and what is wrong with the servers are values, and a whole tree of them comes up.

`setup` is the values, `internet` a small public DNS made of them, `zone` what a name server knows, `signing` DNSSEC,
`server` sockets and faults, `resolver` the edge's own resolver. Only the first two are light to import.
"""
