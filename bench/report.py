"""Medians, ratios, the goals, and how they are printed."""

import statistics


class Series(list):
    """What one measure gave, turn by turn: times in milliseconds."""

    unit = "ms"

    @property
    def median(self):
        return statistics.median(self)

    def as_json(self):
        return {"unit": self.unit, "n": len(self), "median": round(self.median, 3), "min": round(min(self), 3),
                "max": round(max(self), 3), "samples": [round(value, 3) for value in self]}


def print_table(heading, columns, rows):
    texts = [columns, *[[cell if isinstance(cell, str) else f"{cell:,.2f}" for cell in row] for row in rows]]
    widths = [max(len(row[index]) for row in texts) for index in range(len(columns))]
    print(f"\n{heading}")
    for row in texts:
        print("  " + "  ".join(cell.ljust(width) if index == 0 else cell.rjust(width)
                               for index, (cell, width) in enumerate(zip(row, widths))))


def print_times(heading, series, base_names):
    """One row per measure: median, smallest, and the ratio of its median to each base that was measured."""
    if not series:
        return
    bases = [name for name in base_names if name in series]
    rows = []
    for name, times in series.items():
        ratios = [f"{times.median / series[base].median:,.2f}" for base in bases]
        rows.append([name, times.median, min(times), str(len(times)), *ratios])
    print_table(heading, ["", "median ms", "min ms", "n", *[f"x {base}" for base in bases]], rows)


# What is to be how many times faster than Docker: the name of a measure behind the engine's.
LIFECYCLE_GOALS = {
    "exec": 20, "stop": 15, "rm -f of 100": 15, "run -d of 100, one client": 30, "run -d of 100, 4 clients": 20,
    "logs": 15, "logs --tail 10": 10, "ps -a of 100": 10,
}


def lifecycle_goals(times):
    for what, factor in LIFECYCLE_GOALS.items():
        ours, theirs = times.get(f"berth {what}"), times.get(f"docker {what}")
        if ours and theirs:
            ratio = theirs.median / ours.median
            yield (f"{what}: at least {factor} times faster than Docker", ratio, ratio >= factor)
    for name in ("berth log", "berth log, default bounds"):
        if name in times and "floor log" in times:
            ratio = times[name].median / times["floor log"].median
            yield (f"{name}: at most 1.5 times a pipe to a file", ratio, ratio <= 1.5)
    if "berth restart" in times:
        median = times["berth restart"].median
        yield ("ready after a restart: in less than 200 ms", median, median < 200)


def network_goals(times):
    def ratio(theirs, ours):
        return times[theirs].median / times[ours].median if theirs in times and ours in times else None

    def at_least(text, value, limit):
        return [] if value is None else [(text, value, value >= limit)]

    if (over := ratio("berth run, bridge", "floor, bridge")) is not None:
        yield ("run --rm on the default bridge: at most 2.5 times the floor", over, over <= 2.5)
    for text, factor, name in (("run --rm on the default bridge", 40, "run, bridge"),
                               ("run -d of 100 on one bridge", 30, "run -d of 100 on a bridge"),
                               ("network create", 20, "network create"), ("network rm", 20, "network rm")):
        yield from at_least(f"{text}: at least {factor} times faster than Docker", ratio(f"docker {name}", f"berth {name}"), factor)
    for name, series in times.items():
        if name.startswith("berth range of"):
            yield (f"{name.removeprefix('berth ')}: added in less than 100 ms", series.median, series.median < 100)
        if name.startswith("berth") and name.endswith("share of direct"):
            yield (f"{name.removeprefix('berth ')}: at least 0.97", series.median, series.median >= 0.97)
        if name == "berth names per core":
            yield ("names: at least 5,000 answers per second of one core", series.median, series.median >= 5000)


def goals(times, memory):
    """The project's goals as (text, value, holds), for what was measured."""
    yield from lifecycle_goals(times)
    yield from network_goals(times)
    def median(name):
        return times[name].median if name in times else None

    def at_most(text, value, limit):
        return (text, value, value <= limit)

    berth, floor, docker = (median(name) for name in ("berth run, none", "floor, none", "docker run, none"))
    if berth and floor:
        yield at_most("run --rm --network none: at most 2.5 times the floor", berth / floor, 2.5)
    if berth and docker:
        yield ("run --rm --network none: at least 30 times faster than Docker", docker / berth, docker / berth >= 30)
    if median("berth version"):
        yield at_most("berth version: at most 4 ms", median("berth version"), 4)
    if "berth" in memory:
        found = memory["berth"]
        yield at_most("idle memory: at most 8 MB PSS", found["idle_kb"] / 1000, 8)
        yield at_most("memory per running container: at most 250 kB PSS", found["per_container_kb"], 250)
        yield at_most("idle CPU with containers: none measurable (below 0.1 %)", found["idle_cpu_percent"], 0.1)


def print_goals(times, memory):
    rows = [[text, value, "holds" if holds else "MISSED"] for text, value, holds in goals(times, memory)]
    if rows:
        print_table("goals", ["", "measured", ""], rows)
