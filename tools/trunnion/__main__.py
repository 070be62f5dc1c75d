"""`python -m trunnion`: the command line by another way."""

from __future__ import annotations

import sys

from trunnion.main import main

if __name__ == "__main__":
    sys.exit(main())
