"""`headrace demo telemetry`: the demonstrations, one command each."""

from examples.churn.command import churn
from examples.recommendations.command import recommend
from examples.telemetry.command import telemetry
from headrace.cli.groups import noun

demo = noun("Run a demonstration on generated or recorded data.")
for command in (telemetry, churn, recommend):
    demo.command()(command)
