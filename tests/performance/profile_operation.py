"""Where the time of one request goes inside this package: functions by cumulative and own time, per workload, under cProfile.

The profiler makes small functions look dearer than they are; use it to find what to look at, and overhead.py to measure.
"""

from __future__ import annotations

import argparse
import cProfile
import os
import pstats
from pathlib import Path

from variants import VARIANTS
from worker import Process
from workloads import WORKLOADS

REQUESTS = 300


def main() -> None:
    """Warm one variant up, profile one workload, print the functions whose path contains the chosen text."""
    parser = argparse.ArgumentParser(description="Profile one workload in one variant.")
    parser.add_argument("workload", choices=WORKLOADS)
    parser.add_argument("--variant", choices=VARIANTS, default="ours")
    parser.add_argument("--within", default="otel_graphql_auto", help="only functions of files whose path contains this; empty for all")
    parser.add_argument("--requests", type=int, default=REQUESTS)
    parser.add_argument("--lines", type=int, default=30)
    options = parser.parse_args()
    os.environ.setdefault("OTEL_SEMCONV_STABILITY_OPT_IN", "http,database")
    process = Process(VARIANTS[options.variant])
    process.check(options.workload)
    for _ in range(options.requests):
        process.request(options.workload)
    process.telemetry.take()
    profile = cProfile.Profile()
    profile.enable()
    for _ in range(options.requests):
        process.request(options.workload)
    profile.disable()
    rows = [
        (cumulative, own, calls, file, line, function)
        for (file, line, function), (_, calls, own, cumulative, _) in pstats.Stats(profile).stats.items()
        if options.within in file
    ]
    print(f"{'cumulative us':>14}{'own us':>9}{'calls':>8}  per request")
    for cumulative, own, calls, file, line, function in sorted(rows, reverse=True)[: options.lines]:
        place = "/".join(Path(file).parts[-2:])
        per = options.requests
        print(f"{cumulative / per * 1e6:>14.1f}{own / per * 1e6:>9.1f}{calls / per:>8.1f}  {place}:{line} {function}")


if __name__ == "__main__":
    main()
