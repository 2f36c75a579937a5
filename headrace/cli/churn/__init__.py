"""`headrace churn`: churn models of customers, from the table they learn from to the scores in the stream."""

from headrace.cli.churn.features import features
from headrace.cli.churn.predict import predict
from headrace.cli.churn.rescore import rescore
from headrace.cli.churn.train import train
from headrace.cli.groups import noun

churn = noun("Train churn models, score customers, and prepare usage features.")
for command in (train, predict, rescore, features):
    churn.command()(command)
