"""Each command says whether it changes what is stored, and what the audit log calls that."""

from bridge.cli.commands import AUDITED, COMMANDS, ONLY_LOOKS
from bridge.domain.audit import ACTIONS


def test_every_command_says_whether_it_changes_anything() -> None:
    whole = {name for name in AUDITED if " " not in name}
    assert whole.isdisjoint(ONLY_LOOKS)
    assert whole | ONLY_LOOKS == set(COMMANDS), "name it in AUDITED, or in ONLY_LOOKS"
    assert {action for actions in AUDITED.values() for action in actions} <= set(ACTIONS)
    assert {name.partition(" ")[0] for name in AUDITED} <= set(COMMANDS)
