from __future__ import annotations

import sys
from pathlib import Path

from trunnion_setup.prepare import main

sys.exit(main(Path(__file__).resolve().parents[3]))
