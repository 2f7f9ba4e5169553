"""Words of an older store become fingerprints, and count on under them."""

from tmws_mcp.store import driver, migrations, tasks
from tmws_mcp.store.schema import s0011_words


def test_words_of_an_older_store_are_found_by_their_fingerprints() -> None:
    db = driver.connect(":memory:")
    for step in migrations.STEPS[: migrations.STEPS.index(s0011_words.apply)]:
        step(db)
    db.run("INSERT INTO namespace(id, name, created_at) VALUES (1, 'n', 0)")
    db.run("INSERT INTO task(id, ns, hash, text, last_at) VALUES (1, 1, 'h', 'write letters', 0)")
    db.run("INSERT INTO task_word VALUES (1, 'letter', 1, 2)")
    db.run("INSERT INTO word VALUES (1, 'letter', 1), (1, '', 1)")
    db.run(
        "INSERT INTO context(ns, kind, key, action, actor, seq, n) VALUES "
        "(1, 'task_word', 'letter', 'send', 'me', 1, 3), (1, 'task_word', '', 'send', 'me', 2, 4), "
        "(1, 'ngram', 'letter', 'send', 'me', 3, 5)"
    )

    s0011_words.apply(db)

    assert [near.task for near in tasks.nearest(db, 1, {"letter": 1}, 3)] == [1]
    assert db.rows("SELECT key, n FROM context ORDER BY seq") == [
        (tasks.word_key("letter"), 3), ("", 4), ("letter", 5),
    ]  # fmt: skip
    assert tasks.count(db, 1) == 1
