"""What all tiers share: Hypothesis without a deadline, because a busy machine is no failure."""

from hypothesis import settings

settings.register_profile("headrace", deadline=None)
settings.load_profile("headrace")
