"""From timed blocks to a table: estimates per workload and variant, goals beside them, and facts about the machine."""

from __future__ import annotations

import os
import platform
from collections import defaultdict
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from statistics import median

from ratios import Estimate, paired
from variants import VARIANTS
from workloads import WORKLOADS

__all__ = ["for_readers", "machine_facts", "print_report", "summarise"]

PACKAGES = ("Django", "graphene-django", "graphql-core", "opentelemetry-sdk", "opentelemetry-instrumentation-django")
BUSY = 0.3
"""A load average above this before the start is worth a warning: the machine does something else."""


def machine_facts() -> dict[str, object]:
    """What somebody needs to know to compare numbers with those of another machine."""
    model = "unknown"
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        model = next((line.split(":")[1].strip() for line in cpuinfo.read_text().splitlines() if line.startswith("model name")), model)
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "load_before": round(os.getloadavg()[0], 2),
    }


def summarise(blocks: list[dict], memory: list[dict]) -> dict:
    """Workload -> variant -> numbers, and the peak memory of each variant."""
    per_request: dict[str, dict[str, dict[str, list[float]]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    for block in blocks:
        numbers = per_request[block["workload"]][block["variant"]]
        for name in ("wall", "thread", "cpu", "spans"):
            numbers[name].append(block[name] / block["requests"])
    workloads = {}
    for workload, variants in per_request.items():
        bare = variants["bare"]
        rows: dict[str, dict] = {}
        for variant, numbers in variants.items():
            rows[variant] = {
                **{f"{name}_us": median(numbers[name]) * 1e6 for name in ("wall", "thread", "cpu")},
                "spans": sum(numbers["spans"]) / len(numbers["spans"]),
                "rounds": len(numbers["wall"]),
            }
            if variant != "bare":
                for name in ("wall", "thread", "cpu"):
                    rows[variant][f"{name}_ratio"] = asdict(paired(numbers[name], bare[name]))
        if {"ours", "upstream"} <= variants.keys():
            added = [ours - upstream for ours, upstream in zip(variants["ours"]["thread"], variants["upstream"]["thread"], strict=True)]
            rows["ours"]["added_us"] = median(added) * 1e6
            for name in ("wall", "thread", "cpu"):
                rows["ours"][f"{name}_over_upstream"] = asdict(paired(variants["ours"][name], variants["upstream"][name]))
        workloads[workload] = rows
    peaks: dict[str, list[int]] = defaultdict(list)
    for entry in memory:
        peaks[entry["variant"]].append(entry["peak_memory"])
    return {"workloads": workloads, "peak_memory": {variant: median(values) for variant, values in peaks.items()}}


def for_readers(summary: dict, machine: dict) -> dict:
    """The ratios alone, for the table in the README: workload -> title, upstream and ours with their intervals, and the machine."""
    rows = {}
    for workload, variants in summary["workloads"].items():
        ratios = {name: variants[name]["wall_ratio"] for name in ("upstream", "ours")}
        rows[workload] = {
            "title": WORKLOADS[workload].title,
            **{name: {key: round(number, 2) for key, number in ratio.items()} for name, ratio in ratios.items()},
            "spans": round(variants["ours"]["spans"]),
        }
    return {"workloads": rows, "machine": {key: machine[key] for key in ("cores", "python", "packages")}}


def _interval(numbers: dict[str, float]) -> str:
    estimate = Estimate(**numbers)
    return f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"


def _remark(workload: str, variant: str, row: dict) -> str:
    if variant == "upstream":
        return f"expected about {WORKLOADS[workload].upstream:.2f}"
    if variant != "ours":
        return ""
    goal, ratio = WORKLOADS[workload].goal, row["wall_ratio"]
    verdict = "reached" if ratio["high"] <= goal else "missed" if ratio["low"] > goal else "too close to call"
    return f"goal {goal:.2f}: {verdict}"


def _row(title: str, variant: str, microseconds: str, numbers: dict[str, dict[str, float]], rest: str) -> str:
    wall = _interval(numbers["wall"]) if numbers else ""
    thread, cpu = (f"{numbers[name]['value']:.3f}" if numbers else "" for name in ("thread", "cpu"))
    return f"{title:<19}{variant:<10}{microseconds:>11}  {wall:<22}{thread:>9}{cpu:>8}{rest}".rstrip()


def print_report(summary: dict, machine: dict) -> None:
    """The table that a person reads: CPU time of a request, then ratios: wall time, that CPU time, and CPU time with the export of spans."""
    print(f"{'workload':<19}{'variant':<10}{'CPU us':>11}  {'wall ratio [95 %]':<22}{'CPU':>9}{'+export':>8}{'spans':>7}{'rounds':>8}")
    for workload, rows in summary["workloads"].items():
        title = WORKLOADS[workload].title
        for variant in (name for name in VARIANTS if name in rows):
            row = rows[variant]
            ratios = {} if variant == "bare" else {name: row[f"{name}_ratio"] for name in ("wall", "thread", "cpu")}
            rest = f"{row['spans']:>7.2f}{row['rounds']:>8}  {_remark(workload, variant, row)}"
            print(_row(title, variant, f"{row['thread_us']:,.0f}", ratios, rest))
            title = ""
        if "wall_over_upstream" in rows.get("ours", {}):
            ratios = {name: rows["ours"][f"{name}_over_upstream"] for name in ("wall", "thread", "cpu")}
            print(_row("", "our part", f"{rows['ours']['added_us']:+,.0f}", ratios, ""))
    bare = summary["peak_memory"]["bare"]
    sizes = (f"{variant} {size / 2**20:.1f} MiB ({(size - bare) / 2**20:+.1f})" for variant, size in summary["peak_memory"].items())
    print(f"peak memory: {', '.join(sizes)}")
    packages = ", ".join(f"{name} {number}" for name, number in machine["packages"].items())
    print(f"{machine['processor']}, {machine['cores']} cores, {machine['system']}, Python {machine['python']}, {packages}")
    if machine["load_before"] > BUSY:
        print(f"The load average was {machine['load_before']} before the start: other processes make the wall times noisy; repeat.")
