"""The jobs of a Flink cluster by their names: states, checkpoints, savepoints (docs: ops/rest_api)."""

import time
from typing import Any

from connectors.flink_rest import FlinkRest, FlinkUnavailable
from headrace.errors import SavepointFailed
from headrace.monitoring.jobs import cause_of
from headrace.polling import wait_until

SAVEPOINT_WITHIN_S = 150.0
"""Longer than execution.checkpointing.timeout (flink-conf/config.yaml): Flink has given up by then, if it does."""

ENDED = ("FINISHED", "CANCELED", "FAILED")


class FlinkJobs:
    """The jobs of one cluster, by name."""

    def __init__(self, address: str) -> None:
        self._flink = FlinkRest(address)

    def close(self) -> None:
        """Closes the connections."""
        self._flink.close()

    def all_run(self, names: tuple[str, ...]) -> bool:
        """Whether each has all of its tasks running. False too while the JobManager is unavailable."""
        try:
            overview = self._flink.get("/jobs/overview")["jobs"]
        except FlinkUnavailable:
            return False
        whole = {job["name"] for job in overview if job["tasks"]["running"] == job["tasks"]["total"] > 0}
        return whole.issuperset(names)

    def state_of(self, name: str) -> str | None:
        """Of the job that has not ended; None where there is none.

        Raises
        ------
        FlinkUnavailable
        """
        job = self._not_ended(name)
        return str(job["state"]) if job else None

    def cause_of_end(self, name: str) -> str:
        """Why the last job of this name ended, as Flink's exception history has it.

        Raises
        ------
        FlinkUnavailable
        """
        jobs = [job for job in self._flink.get("/jobs/overview")["jobs"] if job["name"] == name]
        if not jobs:
            return "Flink does not know it"
        last = max(jobs, key=lambda job: job["start-time"])
        entries = self._flink.find(f"/jobs/{last['jid']}/exceptions").get("exceptionHistory", {}).get("entries", [])
        return f"{last['state']}: {cause_of(entries[0])}" if entries else str(last["state"])

    def id_of(self, name: str) -> str:
        """Of the job that runs.

        Raises
        ------
        FlinkUnavailable
        """
        for job in self._flink.get("/jobs/overview")["jobs"]:
            if job["name"] == name and job["state"] == "RUNNING":
                return str(job["jid"])
        raise FlinkUnavailable(f"no job {name} runs. See what happened to it: headrace status")

    def last_checkpoint(self, name: str) -> int:
        """Number of the last completed checkpoint; 0 before the first."""
        latest = self._flink.get(f"/jobs/{self.id_of(name)}/checkpoints").get("latest") or {}
        return int((latest.get("completed") or {}).get("id", 0))

    def checkpointed_since(self, names: tuple[str, ...], time_ms: int) -> bool:
        """Whether each has completed a checkpoint that began after `time_ms`. False while it is unavailable."""
        try:
            return all(self._checkpoint_began_ms(name) > time_ms for name in names)
        except (FlinkUnavailable, SavepointFailed):
            return False

    def since_checkpoint_s(self, name: str) -> float:
        """How long ago the last completed checkpoint began."""
        return time.time() - self._checkpoint_began_ms(name) / 1000

    def failures(self, names: tuple[str, ...]) -> int:
        """How often these jobs have failed and started again, all together."""
        return sum(len(self._history(name)) for name in names)

    def savepoint(self, name: str) -> str:
        """Takes one of a job that goes on; its path."""
        return self._awaited(f"/jobs/{self.id_of(name)}/savepoints", {"cancel-job": False})

    def stop_with_savepoint(self, name: str) -> str:
        """Stops a job once its output is committed; the savepoint's path."""
        job = self.id_of(name)
        path = self._awaited(f"/jobs/{job}/stop", {"drain": False}, job)
        wait_until(f"{name} to have stopped", lambda: self._state(job) == "FINISHED", SAVEPOINT_WITHIN_S)
        return path

    def cancel(self, name: str) -> None:
        """Cancels what has not ended, without a savepoint, and waits for the end."""
        found = self._not_ended(name)
        if found is None:
            return
        job = str(found["jid"])
        self._flink.ask("PATCH", f"/jobs/{job}")
        wait_until(f"{name} to be cancelled", lambda: self._state(job) in ENDED, SAVEPOINT_WITHIN_S)

    def _awaited(self, path: str, body: dict[str, Any], job: str | None = None) -> str:
        trigger = self._flink.ask("POST", path, body)["request-id"]
        job = job or path.split("/")[2]

        def outcome() -> dict[str, Any] | None:
            answer = self._flink.get(f"/jobs/{job}/savepoints/{trigger}")
            return answer["operation"] if answer["status"]["id"] == "COMPLETED" else None

        operation = wait_until("the savepoint", outcome, SAVEPOINT_WITHIN_S)
        if "failure-cause" in operation:
            raise SavepointFailed(
                f"no savepoint: {operation['failure-cause'].get('class')}. See headrace logs jobmanager"
            )
        return str(operation["location"])

    def _not_ended(self, name: str) -> dict[str, Any] | None:
        jobs = self._flink.get("/jobs/overview")["jobs"]
        return next((job for job in jobs if job["name"] == name and job["state"] not in ENDED), None)

    def _state(self, job: str) -> str:
        return str(self._flink.get(f"/jobs/{job}")["state"])

    def _history(self, name: str) -> list[Any]:
        found: list[Any] = self._flink.get(f"/jobs/{self.id_of(name)}/exceptions?maxExceptions=100")[
            "exceptionHistory"
        ]["entries"]
        return found

    def _checkpoint_began_ms(self, name: str) -> int:
        latest = self._flink.get(f"/jobs/{self.id_of(name)}/checkpoints").get("latest") or {}
        return int((latest.get("completed") or {}).get("trigger_timestamp", 0))
