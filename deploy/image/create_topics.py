"""The role `create-topics`: what `headrace up` does for its own broker, for the one that HEADRACE_KAFKA names.

And the key of pseudonyms, which the volume that it shares with those who use it lacks at first.
"""

from connectors.endpoints import Endpoints
from connectors.kafka import clients
from connectors.kafka.topic_settings import TopicSettings
from stack.layout import Layout
from stack.pseudonym_key import require_key


def main() -> None:
    require_key(Layout.of())
    for note in clients.create_topics(Endpoints.load().kafka, TopicSettings().topics()):
        print(note)


if __name__ == "__main__":
    main()
