"""A small model, trained and exported."""

from models.churn.artifact import export
from models.churn.families import FAMILIES
from models.churn.onnx_graph import graph
from models.churn.training import prepare
from models.churn.tuning import Side, fit
from models.onnx_session import onnxruntime
from tests.unit.models.churn.customers import customers, quick


def fitted_and_prepared(family="lightgbm", table=None, **options):
    settings = quick(inner_folds=2, **options)
    prepared = prepare(customers() if table is None else table, settings)
    start = FAMILIES[family].start
    labels, columns = prepared.target.labels, prepared.schema.columns
    return fit(family, start, Side.of(prepared.frame, labels, columns, settings)), prepared, settings


def exported(folder, family="lightgbm", **options):
    fitted, prepared, settings = fitted_and_prepared(family, **options)
    return export(fitted, prepared, settings, folder, "1")


def session_of(fitted, prepared, tables=None):
    made = graph(fitted, prepared.schema.columns, tables)
    return onnxruntime.InferenceSession(made, providers=["CPUExecutionProvider"])
