"""recommend_items: the lists of LiveShard alone, in a real Redis, also through a crash."""

import json

import pytest
import redis
from pyflink.table.udf import udf

from jobs import recommend_items
from jobs.settings import JobSettings
from models.recommend.online.recommender import LiveRecommender
from schemas.topics import DEAD_LETTERS
from tests.mini_cluster.crashes_once import CrashesOnce, restarts_once
from tests.mini_cluster.recommending import AGAIN, BAD, OFFERS, RECORDS, Door, sent, topic
from tests.raw_messages import NOW_MS
from tests.redis_server import redis_server
from tests.unit.models.recommend.live_batches import Sent, Shop

SETTINGS = JobSettings(micro_batch_ms=50, recommend_shards=2)
LAST = RECORDS + AGAIN - 1

IDS = """CREATE TEMPORARY TABLE ids (id BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '{rate}',
  'fields.id.kind' = 'sequence', 'fields.id.start' = '0', 'fields.id.end' = '{last}')"""

VIEW = """CREATE TEMPORARY VIEW records AS
SELECT
  'ü,"]' AS device, sent(id) AS record,
  CASE WHEN id IN ({offers}) THEN 'items' ELSE 'interactions' END AS topic,
  0 AS `partition`, id AS `offset`, TO_TIMESTAMP_LTZ({now} + 10 * id, 3) AS append_time
FROM ids"""


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    with redis_server(tmp_path_factory.mktemp("redis")) as port:
        yield port


class Run:
    """One run of the job: what readers find afterwards, and the dead letters."""

    def __init__(self, topics, records, port, database, folder, rate):
        topics.tables.create_temporary_function("sent", udf(records, result_type="BYTES"))
        topics.tables.execute_sql(IDS.format(rate=rate, last=LAST))
        topics.tables.execute_sql(VIEW.format(offers=", ".join(map(str, OFFERS)), now=NOW_MS))
        topics.bytes_sink(DEAD_LETTERS)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(recommend_items, "connect", Door(port, database))
            patch.setattr(recommend_items, "models", lambda: folder / "models")
            topics.execute(recommend_items.build(topics.tables, SETTINGS), timeout_s=120)
        client = redis.Redis(port=port, db=database, decode_responses=True)
        self.withdrawn = client.smembers("items:withdrawn")
        self.found = {key: json.loads(client.get(key)) for key in client.scan_iter() if key != "items:withdrawn"}
        self.lifetimes = {key: client.ttl(key) for key in self.found}
        self.letters = topics.records(DEAD_LETTERS)

    def lists(self):
        return {key.partition(":")[2]: body for key, body in self.found.items() if key.startswith("recommendations:")}


@pytest.fixture(scope="module")
def calm(file_tables, port, tmp_path_factory):
    return Run(file_tables("recommend_items"), sent, port, 0, tmp_path_factory.mktemp("calm"), rate=500)


@pytest.fixture(scope="module")
def crashed(file_tables, port, tmp_path_factory):
    """At a rate that gives even a busy machine the time for a checkpoint before the records end."""
    folder = tmp_path_factory.mktemp("crash")
    topics = file_tables("recommend_items", **restarts_once(folder))
    run = Run(topics, CrashesOnce(sent, 300, folder / "marker"), port, 1, folder, rate=60)
    assert (folder / "marker").exists(), "the job ended before it could crash"
    return run


@pytest.fixture(scope="module")
def alone():
    """The same records without Flink and Redis, all in one batch."""
    shop = Shop(LiveRecommender())
    shop.step(*(Sent(sent(n), topic(n), "k", NOW_MS + 10 * n) for n in range(LAST + 1)))
    return shop


every_run = pytest.mark.parametrize("run", ["calm", "crashed"])


@every_run
def test_the_lists_are_those_of_the_shard_alone(request, run, alone):
    assert request.getfixturevalue(run).lists() == alone.lists()


@every_run
def test_withdrawn_items_are_named_and_in_no_list_that_was_made_afterwards(request, run, alone):
    found = request.getfixturevalue(run)
    assert found.withdrawn == alone.live.withdrawn == {"item3", "item5"}
    assert not {"item3", "item5"} & {*found.found["popular:items"]["items"], *found.found["trending:items"]["items"]}
    made_later = [body for body in found.lists().values() if body["generated_at"] > NOW_MS + 10 * 860]
    assert made_later
    assert not any("item5" in body["items"] for body in made_later)


@every_run
def test_what_cannot_be_used_is_a_dead_letter_once_with_its_own_bytes(request, run):
    letters = request.getfixturevalue(run).letters
    assert {letter.position.offset: letter.original for letter in letters} == BAD
    assert len(letters) == len(BAD)
    assert {letter.reason.value for letter in letters} == {"not_an_interaction"}
    assert {letter.stage for letter in letters} == {"recommend_items"}
    assert {letter.device for letter in letters} == {'ü,"]'}


@every_run
def test_every_list_has_a_lifetime_and_every_item_what_goes_with_it(request, run):
    found = request.getfixturevalue(run)
    assert all(0 < lifetime <= SETTINGS.recommend_lifetime_s for lifetime in found.lifetimes.values())
    assert {key for key in found.found if key.startswith("similar:")} == {
        f"similar:item{number}" for number in range(40)
    }
