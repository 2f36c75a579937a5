"""What tests ask of Flink and PyFlink has no method for: plans as JSON, savepoints, operators' identities."""

import json

from pyflink.java_gateway import get_gateway


def execution_plan(tables):
    """The operators of what was planned outside of SQL so far, and what stands before it."""
    return json.loads(tables._j_tenv.execEnv().getExecutionPlan())


def stop_with_savepoint(job, folder):
    """The path of the savepoint. PyFlink 2.3's own method calls one of Java that is no longer there."""
    canonical = get_gateway().jvm.org.apache.flink.core.execution.SavepointFormatType.CANONICAL
    return job._j_job_client.stopWithSavepoint(False, folder.as_uri(), canonical).get()


def operator_uids(statements):
    """The identities of the operators of a statement set, in the order of its plan."""
    return [node["id"] for node in json.loads(str(statements._j_statement_set.compilePlan().asJsonString()))["nodes"]]
