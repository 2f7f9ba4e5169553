"""Sessions of agents, made up: families of tasks, tools that follow one another, noise, errors."""

import random
from collections.abc import Iterator
from typing import Any

FAMILIES, TOOLS_EACH, TASKS_EACH = 40, 6, 25
STEPS_EACH = (4, 16)
ERROR_SHARE, NOISE = 0.08, 0.25
FAMILY_WORDS = ("parser", "invoice", "calendar", "flight", "image", "server", "letter", "budget")

Interaction = dict[str, Any]
"""What observe_interaction takes."""


def made_up_sessions(seed: int = 0, *, tasks_each: int = TASKS_EACH) -> Iterator[list[Interaction]]:
    """Yield sessions without end: each a list of interactions, the last one its outcome.

    There are so many different tasks in each family.
    """
    draw = random.Random(seed)
    number = 0
    while True:
        family, task = draw.randrange(FAMILIES), draw.randrange(tasks_each)
        word = FAMILY_WORDS[family % len(FAMILY_WORDS)]
        about = f"handle the {word} case {family} for customer {task} as agreed in area {family}"
        name, tool = f"session-{number}", 0
        steps: list[Interaction] = []
        for _ in range(draw.randint(*STEPS_EACH)):
            ok = draw.random() > ERROR_SHARE
            steps.append(
                {
                    "session_id": name,
                    "task": about,
                    "tool_used": f"{word}_{family}-tool_{tool}",
                    "success": ok,
                    "error": "" if ok else f"no such file: '/data/{number}/{tool}'",
                }
            )
            moved = draw.randrange(TOOLS_EACH) if draw.random() < NOISE else tool + 1
            tool = moved % TOOLS_EACH if ok else tool
        yield [*steps, {"session_id": name, "outcome": draw.choice(("success", "failure"))}]
        number += 1
