"""What was acknowledged lasts: several writing processes on one store, and kill -9.

The benchmark of the same name does this with more writes and more rounds.
"""

from pathlib import Path

from benchmarks.durability import kill_after_acknowledgement, lost, steps_lost, write_together
from benchmarks.process import ServerProcess

PROCESSES = 3
WRITES = 20
ROUNDS = 4


def test_processes_that_write_to_one_store_lose_nothing_and_fail_nowhere(tmp_path: Path) -> None:
    home = {"TMWS_HOME": str(tmp_path)}

    written = write_together(home, processes=PROCESSES, writes=WRITES)

    assert written.errors == []
    assert len(written.acknowledged) == written.steps == PROCESSES * WRITES
    assert lost(home, written) == []
    assert steps_lost(home, written) == 0


def test_a_process_that_is_killed_has_kept_what_it_acknowledged(tmp_path: Path) -> None:
    home = {"TMWS_HOME": str(tmp_path)}

    written = kill_after_acknowledgement(home, rounds=ROUNDS)

    assert written.errors == []
    assert len(written.acknowledged) == written.steps >= ROUNDS
    assert lost(home, written) == []
    assert steps_lost(home, written) == 0


def test_a_write_of_one_process_is_found_by_another_that_was_already_running(
    tmp_path: Path,
) -> None:
    home = {"TMWS_HOME": str(tmp_path), "TMWS_NAMESPACE": "shared"}
    with ServerProcess(environment=home) as first, ServerProcess(environment=home) as second:
        first.initialize()
        second.initialize()
        assert second.call("recall_memory", query="which port is for staging")["memories"] == []

        stored = first.call("store_memory", content="The staging port is 8931")

        found = second.call("recall_memory", query="which port is for staging")["memories"]
        assert [memory["id"] for memory in found] == [stored["id"]]


def test_the_same_fact_from_two_processes_is_one_memory(tmp_path: Path) -> None:
    home = {"TMWS_HOME": str(tmp_path), "TMWS_NAMESPACE": "shared"}
    with ServerProcess(environment=home) as first, ServerProcess(environment=home) as second:
        first.initialize()
        second.initialize()

        original = first.call("store_memory", content="We deploy on Tuesdays")
        again = second.call("store_memory", content="We deploy on Tuesdays")

        assert (again["created"], again["duplicate_of"]) == (False, original["id"])
