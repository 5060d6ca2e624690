"""CloudFront's access logs, counted in one pass and in bounded memory, whatever their format, age and condition.

`reading.read` takes files and folders and returns a `cfrunbook.log_summary.LogSummary`; `patterns.find` says what is
to be seen in one. Bytes become blocks (`inflate`), blocks whole lines (`lines`), lines columns (`delimited`,
`json_rows`, `parquet`) by the names that the file itself gives (`layout`), and columns counts (`tally`).
"""
