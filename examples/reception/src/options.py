"""The operator's settings: the bot's texts, and the choices with their workers."""

import re
from dataclasses import dataclass

from componentize_py_types import Err
from wit_world.imports import settings
from wit_world.imports.plugin_types import Error_Failed

# Twilio's maximum length of a message, in characters.
TEXT_CHARS_MAX = 1_600
TRIES_MAX = 10
KNOWN = {"again", "bot", "handed_over", "otherwise", "question", "tries", "without_crm"}


@dataclass
class Options:
    bot: str
    question: str
    again: str
    handed_over: str | None
    otherwise: str
    tries: int
    # Whether customers are left without a link to the CRM while it is unavailable; otherwise the gateway retries.
    skips_crm: bool
    # Words in lower case, and workers.
    choices: dict[str, str]

    def choice(self, message: str) -> str | None:
        """Returns the worker that a message names: the words of exactly one worker are in it."""
        named = {worker for choice, worker in self.choices.items() if choice in words(message)}
        return named.pop() if len(named) == 1 else None


def read() -> Options:
    given = dict(settings.all())
    choices = {key.removeprefix("choices."): given.pop(key) for key in list(given) if key.startswith("choices.")}
    for key in given.keys() - KNOWN:
        refuse(f"unknown setting `{key}`")
    texts = {key: text(given, key) for key in ("question", "again", "handed_over")}
    tries = given.get("tries", "2")
    if not re.fullmatch("[0-9]{1,2}", tries) or not 1 <= int(tries) <= TRIES_MAX:
        refuse(f"the setting `tries` is `{tries}`; write a number from 1 to {TRIES_MAX}")
    for key in choices:
        if not words(key).strip() or not choices[key].strip():
            refuse(f"the setting `choices.{key}` needs a word and a worker's identity")
    for key, value in {**texts, "otherwise": given.get("otherwise"), "choices": choices}.items():
        if key in ("question", "otherwise", "choices") and not value:
            refuse(f"the setting `{key}` is missing")
    without_crm = given.get("without_crm", "wait")
    if without_crm not in ("wait", "continue"):
        refuse(f"the setting `without_crm` is `{without_crm}`; write wait or continue")
    bot = given.get("bot", "reception")
    if bot in (given["otherwise"], *choices.values()):
        refuse(f"the bot `{bot}` is also a worker; give it another identity in `bot`")
    return Options(
        bot=bot,
        question=texts["question"],
        again=texts["again"] or texts["question"],
        handed_over=texts["handed_over"],
        otherwise=given["otherwise"],
        tries=int(tries),
        skips_crm=without_crm == "continue",
        choices={words(key): worker.strip() for key, worker in choices.items()},
    )


def text(given: dict[str, str], key: str) -> str | None:
    """Returns a text that fits into a message. An empty text is absent."""
    value = given.get(key, "")
    if len(value) > TEXT_CHARS_MAX:
        refuse(f"the setting `{key}` has more than {TEXT_CHARS_MAX} characters")
    return value if value.strip() else None


def words(message: str) -> str:
    """Returns the words in lower case, each between two spaces, so that `art` is not found in `party`."""
    return " " + "".join(f"{word} " for word in re.findall(r"[^\W_]+", message.lower()))


def refuse(problem: str) -> None:
    raise Err(Error_Failed(problem))
