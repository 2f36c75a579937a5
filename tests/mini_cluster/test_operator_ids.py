"""The identity of an operator does not depend on what was planned before in the same JVM."""

from tests.mini_cluster.flink_internals import operator_uids

TABLES = (
    "CREATE TEMPORARY TABLE numbers (n BIGINT) WITH ('connector' = 'datagen', 'number-of-rows' = '1')",
    "CREATE TEMPORARY TABLE nowhere (n BIGINT) WITH ('connector' = 'blackhole')",
)


def planned(environment):
    tables = environment("operator_ids")
    for table in TABLES:
        tables.execute_sql(table)
    statements = tables.create_statement_set()
    statements.add_insert_sql("INSERT INTO nowhere SELECT n + 1 FROM numbers")
    return operator_uids(statements)


def test_a_job_that_is_planned_behind_others_has_the_identities_of_one_that_is_planned_alone(environment):
    first, second = planned(environment), planned(environment)
    assert first == second
    assert min(first) == 1
