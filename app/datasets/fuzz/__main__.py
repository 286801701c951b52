"""`python -m app.datasets.fuzz DATASET`."""

import sys

from app.datasets.fuzz.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
