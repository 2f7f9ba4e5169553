"""What the benchmarks of recall measure is what they say that they measure."""

from pathlib import Path

import pytest

from benchmarks import keys, paraphrases
from benchmarks.bm25 import PlainIndex, stems

pytestmark = pytest.mark.anyio


def test_the_paraphrases_share_at_most_one_word_with_their_notes() -> None:
    data = paraphrases.read(paraphrases.DATA)

    assert len(data.pairs) >= 150
    assert len(data.notes) - len(data.pairs) >= 300
    assert len(set(data.notes)) == len(data.notes)
    assert sum(pair.sealed for pair in data.pairs) * 2 == len(data.pairs)
    assert max(pair.shared for pair in data.pairs) == 1


def test_a_question_that_repeats_its_note_is_no_paraphrase(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text('{"note": "The port is open.", "query": "open ports", "sealed": false}\n')

    with pytest.raises(SystemExit, match="shares"):
        paraphrases.read(path)


def test_every_generated_note_has_a_key_of_its_own() -> None:
    every = keys.notes(keys.NOTES)

    assert len({note.key for note in every}) == keys.NOTES
    assert all(note.key in note.text for note in every)
    assert {note.kind for note in every} == set(keys.KINDS)


async def test_the_benchmark_of_keys_counts_what_is_found(tmp_path: Path) -> None:
    figures = await keys.measure(str(tmp_path), count=60, asked_for=20)

    assert keys.all_found(figures)
    assert "1.000" in str(keys.table(figures))


def test_plain_bm25_leaves_stop_words_out() -> None:
    index = PlainIndex(["what is it", "the port of the server", "nothing"])

    assert index.search("what is the port of it", 5) == [1]
    assert index.search("what is it", 5) == []
    assert stems(["the ports", "what"]) == [{"port"}, set()]
    index.close()
