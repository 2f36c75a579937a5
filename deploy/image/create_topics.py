"""The role `create-topics`: what `headrace up` does for its own broker, for the one that HEADRACE_KAFKA names.

And the key of pseudonyms, which the volume that it shares with those who use it lacks at first.
"""

from connectors import kafka
from connectors.endpoints import Endpoints
from connectors.topic_settings import TopicSettings
from headrace.stack.layout import Layout
from headrace.stack.pseudonym_key import require_key


def main() -> None:
    require_key(Layout.of())
    for note in kafka.create_topics(Endpoints.load().kafka, TopicSettings().topics()):
        print(note)


if __name__ == "__main__":
    main()
