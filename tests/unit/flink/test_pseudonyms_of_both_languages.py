"""The pseudonyms that Java's tests expect are those of Python."""

from connectors.pseudonym_key import PseudonymKey
from stack.operators_jar import SOURCE

SHARED = SOURCE / "src" / "test" / "resources"


def test_pseudonyms_are_those_that_java_makes():
    key = PseudonymKey.parse((SHARED / "pseudonym-key.txt").read_text())
    lines = [line for line in (SHARED / "pseudonyms.txt").read_text().splitlines() if not line.startswith("#")]
    expected = [line.partition(" ")[::2] for line in lines]
    assert [(key.pseudonym(user), user) for _, user in expected] == expected
    assert len(expected) == 12
    assert len(key.nodes) > 80  # some users' keys are destroyed in it
