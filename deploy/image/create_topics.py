"""The role `create-topics`: what `headrace up` does for its own broker, for the one that HEADRACE_KAFKA names."""

from connectors import kafka
from connectors.endpoints import Endpoints
from connectors.topic_settings import TopicSettings


def main() -> None:
    for note in kafka.create_topics(Endpoints.load().kafka, TopicSettings().topics()):
        print(note)


if __name__ == "__main__":
    main()
