"""Recommenders on MovieLens-100K: how well they predict, by four protocols, and what an interaction costs.

    python -m bench.recommenders

All items are ranked, items that a user had taken are left out, equal scores count against the model. The figures
that are held against limits are the hybrid's.
"""

import statistics
import time
from collections.abc import Callable

import numpy as np

from bench.command_line import run
from bench.movielens import movielens
from bench.report import verdict
from models.recommend.catalogue import RECOMMENDERS, Words, names
from models.recommend.co_visitation import CoVisitation
from models.recommend.evaluation.intervals import mean, ratio
from models.recommend.evaluation.lists import Lists
from models.recommend.evaluation.protocols import leave_last_out, prequential, time_split, time_split_next
from models.recommend.history import Histories
from models.recommend.interactions import Interactions

PROTOCOLS = (prequential, leave_last_out, time_split, time_split_next)
RECALL_LIMIT, NDCG_LIMIT, RATIO_LIMIT, LEARN_LIMIT_US = 0.19, 0.095, 1.0, 50.0


def main() -> None:
    events, words = movielens()
    outcomes = {protocol.__name__: _outcomes(protocol, events, words) for protocol in PROTOCOLS}
    before = outcomes["time_split"]
    gain = ratio(before["hybrid"], before["popularity"], "ndcg")
    onward = outcomes["time_split_next"]
    print(f"time split, hybrid over popularity, NDCG@10: one list a user {gain}")
    print(f"  each next item: {ratio(onward['hybrid'], onward['popularity'], 'ndcg')}")
    recall = outcomes["prequential"]["hybrid"].figures()["recall"]
    ndcg = outcomes["leave_last_out"]["hybrid"].figures()["ndcg"]
    print(verdict("recommend prequential", recall, "recall@10", RECALL_LIMIT, at_least=True))
    print(verdict("recommend leave-last-out", ndcg, "NDCG@10", NDCG_LIMIT, at_least=True))
    print(verdict("recommend time split", gain.figure, "times popularity's NDCG@10", RATIO_LIMIT, at_least=True))
    print(verdict("recommend learning", _learn_us(events), "CPU us an interaction", LEARN_LIMIT_US, at_least=False))


def _outcomes(protocol: Callable[..., Lists], events: Interactions, words: Words) -> dict[str, Lists]:
    print(f"\n{protocol.__name__}: {(protocol.__doc__ or '').splitlines()[0]}", flush=True)
    outcomes = {}
    for name in names(words):
        started = time.process_time()
        outcomes[name] = protocol(RECOMMENDERS[name](len(events.item_names), words), events)
        _print(name, outcomes[name], time.process_time() - started)
    return outcomes


def _print(name: str, lists: Lists, cpu_s: float) -> None:
    figures = lists.figures()
    cold_users, cold_items = np.array(lists.cold_users), np.array(lists.cold_items)
    apart = {"warm users": ~cold_users, "cold users": cold_users, "cold items": cold_items}
    print(
        f"{name:13} recall {mean(lists, 'recall')}  NDCG {mean(lists, 'ndcg')}  HR {figures['hr']:.4f}  "
        f"MRR {figures['mrr']:.4f}  coverage {figures['coverage']:.3f}  novelty {figures['novelty_bits']:.2f} bits  "
        f"popularity {figures['popularity_bias']:.3f}  {len(lists.users):,} lists, CPU {cpu_s:.0f} s"
    )
    shown = [f"{what} {lists.where(rows)['ndcg']:.4f} ({rows.sum():,})" for what, rows in apart.items() if rows.any()]
    print(f"{'':13} NDCG of {', '.join(shown)}", flush=True)


def _learn_us(events: Interactions) -> float:
    """CPU of `CoVisitation.learn`, median over rounds of 5,000 interactions with the histories made before."""
    model, histories, rounds = CoVisitation(len(events.item_names)), Histories(len(events.user_names)), []
    for begin in range(0, len(events), 5_000):
        asked = []
        for number in range(begin, min(begin + 5_000, len(events))):
            user, item, time_s = int(events.users[number]), int(events.items[number]), float(events.times_s[number])
            asked.append((histories.of(user, time_s), item, time_s))
            histories.add(user, item, time_s)
        started = time.process_time()
        for each in asked:
            model.learn(*each)
        rounds.append((time.process_time() - started) / len(asked) * 1e6)
    return statistics.median(rounds)


if __name__ == "__main__":
    run(main)
