"""Made-up project facts, as many as are wanted and all different: what a full store is filled with.

Same seed, same facts. They are for measuring time and space; how well recall finds things must be
measured on real conversations.
"""

import random
from collections.abc import Iterator

PEOPLE = ("Ada", "Bilal", "Chiara", "Dmitri", "Esi", "Farid", "Grace", "Hiro", "Ines", "Jonas")
PARTS = (
    *("billing", "search", "gateway", "importer", "scheduler", "mailer", "editor", "index"),
    *("login", "reports", "archive", "queue", "cache", "player", "checkout", "inbox"),
)
THINGS = (
    *("port", "timeout", "retry limit", "batch size", "schema", "endpoint", "token", "log level"),
    *("region", "quota", "certificate", "feature flag", "replica", "bucket", "alert", "backup"),
)
DEEDS = (
    *(
        "moved to",
        "was set to",
        "fails above",
        "is limited to",
        "was measured at",
        "must stay under",
    ),
    *("was rolled back to", "is documented as", "was agreed to be", "broke when it reached"),
)
REASONS = (
    *("because the disk filled up", "after the audit", "since the vendor changed its terms"),
    *("to keep the start quick", "until the migration is done", "so that retries do not pile up"),
    *("as the customer had asked", "because two clients raced", "after the outage in spring"),
)


def facts(count: int, *, seed: int = 1) -> Iterator[str]:
    """Yield facts; the ticket in each makes it unlike all others."""
    choose = random.Random(seed)
    for number in range(count):
        yield (
            f"{choose.choice(PEOPLE)}: the {choose.choice(THINGS)} of the {choose.choice(PARTS)} "
            f"{choose.choice(DEEDS)} {choose.randrange(1, 100_000)} {choose.choice(REASONS)} "
            f"(TKT-{number:05})"
        )
