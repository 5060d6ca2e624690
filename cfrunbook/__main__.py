"""`python -m cfrunbook` is the command `cfrunbook`."""

import sys

from cfrunbook.cli import entry

if __name__ == "__main__":
    sys.exit(entry())
