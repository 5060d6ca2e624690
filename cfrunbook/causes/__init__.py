"""One module per documented cause, the same name everywhere. Judges are pure: no input/output, no clock."""
