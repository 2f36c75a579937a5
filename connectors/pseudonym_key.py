"""The key that pseudonyms are made with. That of a single user can be destroyed, and all others stay.

Kept are not the users' keys but what they are made from: a binary tree, in which a node's two children are hashes of
it, and a user's key is the leaf at the hash of the user's id. At first the root is all there is. To destroy a leaf,
the nodes on the way to it are replaced by those beside the way: from them every other leaf can be made, and this one by
nobody. So a key per user needs no store, and all who hold the file make the same keys (docs/adr/0023).

This is a puncturable pseudorandom function. Goldreich, Goldwasser and Micali, How to construct random functions,
J. ACM 33, 1986; Boneh and Waters, Constrained pseudorandom functions, 2013.
"""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from itertools import count

DEPTH = 40
"""Of ten million users, one in 100,000 shares the leaf of a given one, and starts anew when that one is destroyed."""
NODE_BYTES = 32
PSEUDONYM_BYTES = 16
TITLE = "headrace pseudonym key 1"
ROOT = "-"


class BadPseudonymKey(ValueError):
    """Raised for a text that is no key; the message says why, and nothing of what is in it.

    Terminal: another key is needed.
    """


@dataclass(frozen=True)
class PseudonymKey:
    """Nodes by the way to them from the root, a text of 0 and 1. No node is below another.

    Examples
    --------
    >>> key = PseudonymKey({"": bytes(32)})
    >>> key.pseudonym("ann"), key.pseudonym("ben")
    ('f36839f32dfa96d0b97f7631311ef2c3', 'a813a000e409de43021ade3fadf08c17')
    >>> later = key.without("ann")
    >>> later.pseudonym("ben") == key.pseudonym("ben"), later.pseudonym("ann") == key.pseudonym("ann")
    (True, False)
    """

    nodes: Mapping[str, bytes]

    @classmethod
    def new(cls) -> "PseudonymKey":
        return cls({"": secrets.token_bytes(NODE_BYTES)})

    @classmethod
    def parse(cls, text: str) -> "PseudonymKey":
        """The key that `text` writes out.

        Raises
        ------
        BadPseudonymKey
            When the text is not a key.
        """
        title, *lines = text.splitlines() or [""]
        if title != TITLE:
            raise BadPseudonymKey(f"it does not begin with the line {TITLE!r}")
        nodes = {}
        for number, line in enumerate(lines, 2):
            way, _, node = line.partition(" ")
            way = "" if way == ROOT else way
            if len(way) > DEPTH or way.strip("01") or not _is_node(node):
                raise BadPseudonymKey(f"line {number} is no node")
            nodes[way] = bytes.fromhex(node)
        if not nodes:
            raise BadPseudonymKey("it has no node")
        return cls(nodes)

    def text(self) -> str:
        """As `parse` reads it."""
        return "\n".join([TITLE, *(f"{way or ROOT} {node.hex()}" for way, node in self.nodes.items()), ""])

    def pseudonym(self, user: str) -> str:
        """32 hexadecimal digits. A user whose key was destroyed gets another pseudonym, as somebody new would."""
        way, above = self._leaf(user)
        leaf = self.nodes[above]
        for turn in way[len(above) :]:
            leaf = _child(leaf, turn)
        return hmac.digest(leaf, user.encode(), "sha256")[:PSEUDONYM_BYTES].hex()

    def without(self, user: str) -> "PseudonymKey":
        """A key from which the user's pseudonym cannot be made any more, by nobody."""
        way, above = self._leaf(user)
        kept = {each: node for each, node in self.nodes.items() if each != above}
        node = self.nodes[above]
        for depth in range(len(above), DEPTH):
            beside = way[:depth] + ("0" if way[depth] == "1" else "1")
            kept[beside] = _child(node, beside[-1])
            node = _child(node, way[depth])
        return PseudonymKey(kept)

    def _leaf(self, user: str) -> tuple[str, str]:
        """The way to the user's first leaf that is not destroyed, and that to the node which it is made from."""
        for generation in count():
            place = sha256(generation.to_bytes(4) + user.encode()).digest()
            way = format(int.from_bytes(place[: DEPTH // 8]), f"0{DEPTH}b")
            for depth in range(DEPTH + 1):
                if way[:depth] in self.nodes:
                    return way, way[:depth]
        raise AssertionError("there is always a next generation")


def _child(node: bytes, turn: str) -> bytes:
    return sha256(node + turn.encode()).digest()


def _is_node(text: str) -> bool:
    return len(text) == 2 * NODE_BYTES and not text.strip("0123456789abcdef")
