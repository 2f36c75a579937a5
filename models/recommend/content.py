"""Items that are alike by their attributes: the only thing known of an item that nobody has taken yet."""

from collections import Counter
from collections.abc import Sequence
from math import log
from typing import ClassVar

import numpy as np

from models.recommend.history import History
from models.recommend.item_similarity import ItemSimilarity
from models.recommend.linear_form import Float32s


class ContentBased(ItemSimilarity):
    """Cosine of the items' words, a rare word counting more (TF-IDF). Learns nothing from interactions.

    Parameters
    ----------
    words
        Of each item, by its number; an item may have none.
    """

    name: ClassVar[str] = "content"

    def __init__(self, words: Sequence[frozenset[str]], reach: int = 10, decay: float = 0.8) -> None:
        super().__init__(_cosines(words), reach, decay)

    def learn(self, history: History, item: int, time_s: float) -> None:
        pass


def _cosines(words: Sequence[frozenset[str]]) -> Float32s:
    counts = Counter(word for of_item in words for word in of_item)
    columns = {word: number for number, word in enumerate(sorted(counts))}
    matrix = np.zeros((len(words), len(columns)), np.float32)
    for row, of_item in enumerate(words):
        for word in of_item:
            matrix[row, columns[word]] = log((1 + len(words)) / counts[word])
    length = np.linalg.norm(matrix, axis=1, keepdims=True)
    matrix /= np.where(length > 0, length, 1)
    table: Float32s = matrix @ matrix.T
    np.fill_diagonal(table, 0.0)
    return table
