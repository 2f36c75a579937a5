"""The root of our exceptions and their two kinds: whether to try again later, or to change something first.

Every exception of ours is of exactly one kind; the others in the tree are branches, which are never raised. The command
line prints any of them as its message and exits with 1. What is an exception of a library ends where the library is
used, in connectors/. A test compares this drawing with the classes.

HeadraceError
├── AnotherBridge terminal (connectors.mqtt_bridge.session_record)
├── BadExperiments terminal (schemas.experiment)
├── BadSources terminal (schemas.sources_file)
├── BalanceFailed transient (headrace.errors)
├── BrokerRefuses terminal (connectors.mqtt_bridge.session)
├── BrokerUnavailable transient (headrace.sources.live)
├── CaptureError (connectors.postgres_cdc)
│   ├── ConnectUnavailable transient (connectors.postgres_cdc)
│   ├── ConnectorRefused terminal (connectors.postgres_cdc)
│   ├── DatabaseRefuses terminal (connectors.postgres_cdc)
│   ├── DatabaseUnavailable transient (connectors.postgres_cdc)
│   ├── NotCaughtUp transient (connectors.postgres_cdc)
│   ├── RowsNotRead terminal (connectors.postgres_cdc)
│   └── SlotInUse terminal (connectors.postgres_cdc)
├── ChurnError (models.churn.errors)
│   ├── ExportRefused terminal (models.churn.errors)
│   ├── RefusedModel terminal (models.churn.errors)
│   ├── UnusableSettings terminal (models.churn.errors)
│   └── UnusableTable terminal (models.churn.errors)
├── DeadLetterError (headrace.dead_letters.errors)
│   ├── BadFilter terminal (headrace.dead_letters.errors)
│   ├── EditFailed terminal (headrace.dead_letters.errors)
│   ├── NoSuchDeadLetter terminal (headrace.dead_letters.errors)
│   └── ReplayFailed transient (headrace.dead_letters.errors)
├── DrillError (drills.errors)
│   ├── NotOurs terminal (drills.errors)
│   └── NotPrepared terminal (drills.errors)
├── FeaturesNotMade terminal (headrace.errors)
├── FlinkUnavailable transient (connectors.flink_rest)
├── GivenUp terminal (stack.readiness)
├── HttpUnavailable transient (connectors.http_clients)
├── KafkaClientError (connectors.kafka.clients)
│   ├── KafkaRefuses terminal (connectors.kafka.clients)
│   ├── KafkaUnavailable transient (connectors.kafka.clients)
│   ├── MissingTopics terminal (connectors.kafka.clients)
│   ├── NotAborted terminal (connectors.kafka.transactions)
│   ├── ProducerReplaced transient (connectors.kafka.clients)
│   └── RecordsRemoved transient (connectors.kafka.clients)
├── LedgerUnusable terminal (headrace.errors)
├── MissingTrainingExtra terminal (headrace.errors)
├── MqttRefuses terminal (headrace.publisher)
├── MqttUnavailable transient (headrace.publisher)
├── NoChampion terminal (models.champion)
├── NotAcknowledged transient (headrace.publisher)
├── NotForgotten terminal (headrace.errors)
├── NotJson terminal (headrace.privacy.json_ids)
├── NotRegistered terminal (models.registry)
├── NotWithin transient (headrace.errors)
├── NotYet transient (stack.server)
├── PseudonymsError (connectors.pseudonyms)
│   ├── NoPseudonymKey terminal (connectors.pseudonyms)
│   └── UnusableKeyFile terminal (connectors.pseudonyms)
├── RecommendError (models.recommend.errors)
│   ├── ExportDiffers terminal (models.recommend.errors)
│   ├── RefusedRecommender terminal (models.recommend.errors)
│   └── UnusableInteractions terminal (models.recommend.errors)
├── RecordRefused terminal (connectors.mqtt_bridge.acknowledgements)
├── SavepointFailed transient (headrace.errors)
├── SourcesNotApplied terminal (headrace.errors)
├── StackError (stack.errors)
│   ├── BuildFailed terminal (stack.errors)
│   ├── MissingProgram terminal (stack.errors)
│   ├── NotReady transient (stack.errors)
│   ├── NotRunning terminal (stack.errors)
│   ├── PortBusy terminal (stack.errors)
│   ├── StackInUse transient (stack.errors)
│   ├── StackUnusable terminal (stack.errors)
│   └── StillRunning transient (stack.errors)
├── StoreError (connectors.stores)
│   ├── StoreMisconfigured terminal (connectors.stores)
│   └── StoreUnavailable transient (connectors.stores)
├── SubmissionFailed terminal (headrace.submission)
├── TooManySubscriptions terminal (connectors.mqtt_bridge.subscriptions)
├── Unconfirmed transient (serving.interaction_producer)
├── UnknownAlert terminal (headrace.errors)
├── Unreadable terminal (serving.stored_lists)
├── UnreadableAppliedSources terminal (headrace.sources.applied)
├── UnreadableCodecState terminal (payload_codecs.codec)
├── UnreadablePointer terminal (models.champion)
├── UnreadableRecord terminal (schemas.topics)
├── UnreadableState terminal (models.state_codec)
├── UnusableCertificates terminal (connectors.mqtt_login)
├── UnusableFile terminal (headrace.errors)
├── UnusableProxy terminal (connectors.http_clients)
├── UnusableTokens terminal (connectors.listener.device_tokens)
└── WindowsNotCorrected transient (headrace.errors)
"""

from typing import ClassVar


class HeadraceError(Exception):
    """Whatever fails for a reason that a person can do something about. The message says what happened and what to do.

    A bug is no HeadraceError: it keeps its traceback.
    """


class TransientError(HeadraceError):
    """The same may work later: a server does not answer, or is busy."""

    next_step: ClassVar[str] = "See what runs:  headrace status"
    """What the command line adds to a message that names no command."""


class TerminalError(HeadraceError):
    """The same fails again until a person changes something: a setting, a file, a right."""
