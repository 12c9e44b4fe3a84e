"""What two runs must share to be called equal: columns of every stream and page borders, labels of the wall aside.

As a script, `digest.py CONFIG DATA`: anneal and cycle a quick sample on the bench `twin`, print the digest of both.
"""

import hashlib
import sys
from dataclasses import replace
from pathlib import Path

LABELS = frozenset({"unix_time"})


def pages(documents):
    """Return (stream, sequence numbers, columns) of every event and page, in order."""
    streams, found = {}, []
    for name, doc in documents:
        if name == "descriptor":
            streams[doc["uid"]] = doc["name"]
        elif name in ("event", "event_page"):
            single = name == "event"
            numbers = [doc["seq_num"]] if single else doc["seq_num"]
            columns = {
                key: repr([values] if single else list(values))
                for key, values in sorted(doc["data"].items())
                if key not in LABELS
            }
            found.append((streams[doc["descriptor"]], repr(list(numbers)), columns))
    return found


def digest(runs):
    """Return a hash over the pages of runs."""
    return hashlib.sha256(repr([pages(run.documents) for run in runs]).encode()).hexdigest()


def quick(folder, bench="twin"):
    """Return a quick experiment of the configuration in `folder`: 6 pulses, one cycle at each rate."""
    from labctl.config.folder import Config

    experiment = Config(folder).select(bench, ["fla-0.7um"]).experiments[0]
    return replace(
        experiment,
        recipe=replace(experiment.recipe, pulse_count=6),
        program=replace(experiment.program, cycles=1),
    )


def main(config, data):
    """Run the quick experiment and print its digest."""
    import labctl

    with labctl.open_session("twin", config=config, data=data, handle_signals=False) as lab:
        uids = lab.run(quick(Path(config)))
    print(digest([labctl.Run(uid, Path(data)) for uid in uids]))


if __name__ == "__main__":
    main(*sys.argv[1:])
