"""The role `create-topics`: what `headrace up` does for its own broker, for the one that HEADRACE_KAFKA names."""

from connectors import kafka
from connectors.endpoints import Endpoints


def main() -> None:
    for note in kafka.create_topics(Endpoints.load().kafka):
        print(note)


if __name__ == "__main__":
    main()
