"""Ways to ask a model for lists. None shows it an interaction before its list is made.

The order is that of time; interactions of one moment are in the order of the file.
"""

import numpy as np

from models.recommend.evaluation.lists import Lists
from models.recommend.history import Histories, History
from models.recommend.interactions import Interactions
from models.recommend.recommender import Recommender

FIRST_REFIT = 1_000
REFIT_GROWTH = 1.3


def prequential(model: Recommender, events: Interactions) -> Lists:
    """Each interaction is first predicted, then learned.

    A list for every interaction with an item that its user had not taken before, the first of a user included.
    """
    learner = _Learner(model, events)
    for number in range(len(events)):
        history = learner.history(number)
        learner.list_next(number, history)
        learner.learn(number, history)
    return learner.lists


def leave_last_out(model: Recommender, events: Interactions) -> Lists:
    """A list for each user of two items or more; wanted is the last, and the model learned all others of all users.

    Last in time, and in the file among equals; a last that was there before would be no question, and is skipped.
    What other users did later is learned too: this protocol compares models with published figures, and says less
    of the future than the other two.
    """
    last = {int(user): number for number, user in enumerate(events.users)}
    learner = _Learner(model, events)
    for number in range(len(events)):
        if last[int(events.users[number])] != number:
            learner.learn(number, learner.history(number))
    model.refit()
    for _, number in sorted(last.items()):
        history = learner.history(number)
        if len(history.items):
            learner.list_next(number, history)
    return learner.lists


def time_split(model: Recommender, events: Interactions, share: float = 0.8) -> Lists:
    """One list for each user at one moment; wanted are all items that the user took after it and never before.

    The model learned the first `share` of the interactions of all users, and nothing of what came after.
    """
    learner, cut = _learned_until(model, events, share)
    for user in np.unique(events.users[cut:]):
        history = learner.histories.of(int(user), float(events.times_s[cut]))
        taken = np.unique(events.items[cut:][events.users[cut:] == user])
        wanted = np.setdiff1d(taken, history.items)
        if len(wanted):
            learner.lists.add(int(user), history, wanted, model.score(history), learner.counts)
    return learner.lists


def time_split_next(model: Recommender, events: Interactions, share: float = 0.8) -> Lists:
    """A list for each interaction after the moment; the user's history goes on, the model stays as it is."""
    learner, cut = _learned_until(model, events, share)
    for number in range(cut, len(events)):
        learner.list_next(number, learner.history(number))
        learner.histories.add(*learner.event(number))
    return learner.lists


def learn_all(model: Recommender, events: Interactions) -> None:
    """Everything, as a stream learns it."""
    _learned_until(model, events, 1.0)


def _learned_until(model: Recommender, events: Interactions, share: float) -> tuple["_Learner", int]:
    learner, cut = _Learner(model, events), round(len(events) * share)
    for number in range(cut):
        learner.learn(number, learner.history(number))
    model.refit()
    return learner, cut


class _Learner:
    """A model, the histories and the counts of items, all up to the same interaction, and the lists made so far.

    It refits the model whenever there is REFIT_GROWTH times as much as at the last time.
    """

    def __init__(self, model: Recommender, events: Interactions) -> None:
        self._model, self._events = model, events
        self.histories = Histories(len(events.user_names))
        self.counts = np.zeros(model.n_items, np.int64)
        self.lists = Lists(np.zeros(model.n_items, np.int64))
        self._n_learned = 0
        self._next_refit = FIRST_REFIT

    def event(self, number: int) -> tuple[int, int, float]:
        """User, item, time in seconds."""
        events = self._events
        return int(events.users[number]), int(events.items[number]), float(events.times_s[number])

    def history(self, number: int) -> History:
        """Of the interaction's user, before it."""
        user, _, time_s = self.event(number)
        return self.histories.of(user, time_s)

    def list_next(self, number: int, history: History) -> None:
        """Ask for a list and look for the interaction's item in it; an item taken before is no question."""
        user, item, _ = self.event(number)
        if item not in history.items:
            wanted = self._events.items[number : number + 1]
            self.lists.add(user, history, wanted, self._model.score(history), self.counts)

    def learn(self, number: int, history: History) -> None:
        user, item, time_s = self.event(number)
        self._model.learn(history, item, time_s)
        self.histories.add(user, item, time_s)
        self.counts[item] += 1
        self._n_learned += 1
        if self._n_learned >= self._next_refit:
            self._model.refit()
            self._next_refit = int(self._n_learned * REFIT_GROWTH)
