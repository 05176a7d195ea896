"""What the bot remembers of a conversation."""

import json
from dataclasses import asdict, dataclass

from componentize_py_types import Err
from wit_world.imports import state
from wit_world.imports.plugin_types import Error_Failed, Error_Unavailable
from wit_world.imports.state import StateError

# The time after the last change of a conversation, in seconds.
REMEMBERED = 30 * 86_400


@dataclass
class Memory:
    # The worker who gets or has the conversation; None while the bot has it.
    worker: str | None = None
    # The number of unclear replies.
    unclear: int = 0
    # The last message that was read: an event may be repeated.
    message_sid: str | None = None


def read(conversation_sid: str) -> Memory | None:
    try:
        entry = state.get(key(conversation_sid))
    except Err as error:
        raise failure(error) from None
    return None if entry is None else Memory(**json.loads(entry.value))


def write(conversation_sid: str, memory: Memory) -> None:
    try:
        state.set(key(conversation_sid), json.dumps(asdict(memory)).encode(), REMEMBERED)
    except Err as error:
        raise failure(error) from None


def key(conversation_sid: str) -> str:
    return f"conversations/{conversation_sid}"


def failure(error: Err[StateError]) -> Err[Error_Failed | Error_Unavailable]:
    if error.value == StateError.UNAVAILABLE:
        return Err(Error_Unavailable("the plugin's state is unavailable"))
    return Err(Error_Failed(f"the plugin's state failed: {error.value.name.lower()}"))
