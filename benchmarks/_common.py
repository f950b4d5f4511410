"""What the benchmarks share: timing in turns, memory of a fresh process, and the record."""

from __future__ import annotations

import gc
import json
import multiprocessing
import os
import platform
import resource
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_info

RESULTS = Path(__file__).parent / "results"
PACKAGES = (
    "duckdb",
    "linearmodels",
    "narwhals",
    "numpy",
    "pandas",
    "polars",
    "pyarrow",
    "pyfixest",
    "scipy",
    "spillover",
)

ATTEMPTS = 3
QUIET = 0.08
"""Part of the CPUs that other processes may take before a run counts as disturbed."""
MOMENT = 0.5
TICKS = 0.03
"""Seconds by which the kernel's count of CPU time may be off."""

Contender = Callable[[], Any]


def environment() -> dict[str, Any]:
    """Return versions, sizes of the machine (not its name), and how busy it was before."""
    return {
        "python": platform.python_version(),
        "system": platform.system(),
        "cpus": os.cpu_count(),
        "load_average_before": [round(load, 1) for load in os.getloadavg()],
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "blas": [
            {
                name: pool[name]
                for name in ("internal_api", "version", "architecture", "num_threads")
            }
            for pool in threadpool_info()
            if pool["user_api"] == "blas"
        ],
        "versions": {name: _version(name) for name in PACKAGES},
    }


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def summary(runs: list[Run]) -> dict[str, Any]:
    """Return min, median and max of seconds, how many runs, and the worst disturbance."""
    times = [run.seconds for run in runs]
    return {
        "min": round(min(times), 4),
        "median": round(statistics.median(times), 4),
        "max": round(max(times), 4),
        "cpu_median": round(statistics.median(run.cpu for run in runs), 4),
        "runs": len(times),
        "others": round(max(run.others for run in runs), 2),
    }


def in_turns(contenders: Mapping[str, Contender], runs: int, warmups: int = 1) -> dict[str, Any]:
    """Time contenders in turns in this process: A B C, A B C, ...

    What else the machine does then falls on all of them alike; and a run that other processes
    disturbed is repeated, see :func:`undisturbed`. Results are freed between runs.
    """
    found: dict[str, list[Run]] = {name: [] for name in contenders}
    for _ in range(warmups):
        for contender in contenders.values():
            contender()
    for _ in range(runs):
        for name, contender in contenders.items():
            found[name].append(undisturbed(contender))
    return {name: summary(values) for name, values in found.items()}


@dataclass(frozen=True)
class Run:
    """One run.

    Attributes
    ----------
    seconds : float
    cpu : float
        CPU seconds of all its threads; what other processes do distorts it less.
    others : float
        Part of the machine's CPUs that other processes took meanwhile.
    """

    seconds: float
    cpu: float
    others: float


def undisturbed(contender: Contender) -> Run:
    """Time a contender when the machine is idle; repeat the run if that changed meanwhile.

    After ``ATTEMPTS`` the least disturbed run counts.
    """
    runs: list[Run] = []
    while len(runs) < ATTEMPTS and (not runs or runs[-1].others > QUIET):
        wait_until_idle()
        runs.append(timed(contender))
    return min(runs, key=lambda run: run.others)


def timed(contender: Contender) -> Run:
    """Time one run."""
    gc.collect()
    busy, own, start = _busy_seconds(), time.process_time(), time.perf_counter()
    result = contender()
    seconds = time.perf_counter() - start
    own, busy = time.process_time() - own, _busy_seconds() - busy
    del result
    room = seconds * (os.cpu_count() or 1)
    return Run(seconds, own, max(0.0, busy - own - TICKS) / room)


def wait_until_idle(patience: float = 20.0) -> None:
    """Wait until other processes have left the CPUs alone for a moment, or patience ends."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        busy = _busy_seconds()
        time.sleep(MOMENT)
        if _busy_seconds() - busy <= QUIET * MOMENT * (os.cpu_count() or 1) + TICKS:
            return


def _busy_seconds() -> float:
    """Return the seconds that all CPUs have worked since the start (Linux; elsewhere 0)."""
    stat = Path("/proc/stat")
    if not stat.exists():
        return 0.0
    user, nice, system, _, _, irq, softirq, steal = map(
        int, stat.read_text().split(maxsplit=9)[1:9]
    )
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class FirstRun:
    """The first run in a process, and by how many MB it raised the peak of the process's memory."""

    run: Run
    memory_mb: float


def alone(prepare: Callable[..., Contender], *arguments: Any) -> FirstRun:
    """Prepare and run a contender once in a fresh process.

    Memory counts from when data and modules were loaded.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_measure, args=(sender, prepare, arguments))
    child.start()
    sender.close()
    try:
        answer: FirstRun = receiver.recv()
    finally:
        child.join()
    return answer


def _measure(sender: Any, prepare: Callable[..., Contender], arguments: tuple[Any, ...]) -> None:
    contender = prepare(*arguments)
    wait_until_idle()
    _forget_peak()
    before = _resident_mb()
    run = timed(contender)
    sender.send(FirstRun(run, _peak_mb() - before))


def _forget_peak() -> None:
    """Reset the kernel's record of this process's peak (Linux), so that loading does not count."""
    reset = Path("/proc/self/clear_refs")
    if reset.exists():
        reset.write_text("5")


def _resident_mb() -> float:
    return _status("VmRSS")


def _peak_mb() -> float:
    return _status("VmHWM")


def _status(field: str) -> float:
    """Read a size in MB from the kernel; elsewhere than on Linux, the peak since the start."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    line = next(row for row in status.read_text().splitlines() if row.startswith(field))
    return int(line.split()[1]) / 1024


def alone_in_turns(
    contenders: Mapping[str, tuple[Any, ...]], runs: int
) -> dict[str, dict[str, Any]]:
    """Run each contender (prepare, *arguments) in fresh processes, in turns."""
    answers: dict[str, list[FirstRun]] = {name: [] for name in contenders}
    for _ in range(runs):
        for name, (prepare, *arguments) in contenders.items():
            tries = [alone(prepare, *arguments)]
            while tries[-1].run.others > QUIET and len(tries) < ATTEMPTS:
                tries.append(alone(prepare, *arguments))
            answers[name].append(min(tries, key=lambda answer: answer.run.others))
    return {
        name: {
            "seconds": summary([answer.run for answer in found]),
            "memory_mb": round(statistics.median(answer.memory_mb for answer in found)),
        }
        for name, found in answers.items()
    }


def ratios(times: Mapping[str, Mapping[str, Any]], ours: str, peers: list[str]) -> dict[str, float]:
    """Return peer's median over ours: above 1, ours is faster."""
    return {peer: round(times[peer]["median"] / times[ours]["median"], 2) for peer in peers}


def write(name: str, record: Mapping[str, Any]) -> Path:
    """Write a record to results/<name>.json."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(record, indent=2, sort_keys=False) + "\n")
    return path
