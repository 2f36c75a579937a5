"""A Quix Streams application whose state is one pickled River model a series, in its own state store.

python quix_streams_app.py BOOTSTRAP INPUT OUTPUT DETECTOR FOLDER GUARANTEE
"""

import pickle
import sys
from typing import Any

from quixstreams import Application, State
from river_models import SNAPSHOT_EVERY_S, make, score_and_learn


def main() -> None:
    bootstrap, source, target, detector, folder, guarantee = sys.argv[1:]
    application = Application(
        bootstrap,
        consumer_group=target,
        auto_offset_reset="earliest",
        commit_interval=SNAPSHOT_EVERY_S,
        processing_guarantee=guarantee,  # type: ignore[arg-type]
        state_dir=folder,
        loglevel="WARNING",
    )
    readings = application.topic(source, key_deserializer="bytes", value_deserializer="json")
    scores = application.topic(target, key_serializer="bytes", value_serializer="json")

    def judged(reading: dict[str, Any], state: State) -> dict[str, Any]:
        kept = state.get_bytes("model")
        model = make(detector) if kept is None else pickle.loads(kept)
        score = score_and_learn(model, reading["value"])
        state.set_bytes("model", pickle.dumps(model, 5))
        return reading | {"score": score}

    application.dataframe(readings).apply(judged, stateful=True).to_topic(scores)
    application.run()


if __name__ == "__main__":
    main()
