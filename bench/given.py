"""What the programs of the peers are given: the same for all, so that the answers are the same.

PORT: to listen on, at 127.0.0.1. FILES: a directory with `1MiB.bin`. ROUTES: how many routes are
declared beside the others. CHUNKS: the parts of a streamed answer. EVENTS: those of an event
stream, as text.
"""

import os

PORT = int(os.environ.get("BENCH_PORT", "8080"))
FILES = os.environ.get("BENCH_FILES", ".")
ROUTES = int(os.environ.get("BENCH_ROUTES", "0"))
CHUNKS = [bytes([65 + number % 26]) * 65536 for number in range(160)]
EVENTS = [f"tick {number}" for number in range(100)]
