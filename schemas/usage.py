"""Usage of customers: what was counted of an hour, and the features that a model reads."""

from pydantic import Field

from schemas.record import Record
from schemas.usage_features import UsageSource


class UsageHour(Record):
    """Events of one hour that were counted together. Records of one customer, source and hour add up.

    An hour is that of the events and not of their arrival: what comes late makes one more record of its hour.
    """

    schema_version: int = 1
    customer: str = Field(
        description="pseudonym of the user of an interaction, or of a device's owner when its readings were counted"
    )
    source: UsageSource = Field(description="telemetry or interactions")
    hour_start: int = Field(ge=-(2**63), lt=2**63, description="ms since the epoch")
    events: int = Field(ge=0, lt=2**63)


class CustomerUsage(Record):
    """How a customer used the product up to an hour. Each record takes the place of the one before."""

    schema_version: int = 1
    customer: str = Field(description="pseudonym, as of usage.hours")
    as_of: int = Field(ge=0, lt=2**63, description="ms since the epoch: the end of the newest hour, which is whole")
    features: dict[str, int] = Field(description="name -> value, as docs/reference/usage_features.md lists them")
