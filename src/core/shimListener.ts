import type { ActiveJob } from "./activeJob.ts";
import type { JobLives } from "./lives.ts";
import type { Spool } from "./ports.ts";
import type { ShimListener } from "./shimPorts.ts";

interface ListenerParts {
  readonly lives: JobLives;
  readonly spool: Spool;
  /** The job runs. */
  readonly onStarted: () => void;
}

/** Lets a job follow what its shim tells of it. */
export function listenToShim(active: ActiveJob, { lives, spool, onStarted }: ListenerParts): ShimListener {
  const { id } = active.job;
  return {
    started(process, { startedAt, terminalSize, wasFollowed }) {
      active.bind(process);
      if (terminalSize !== null) active.resize(terminalSize);
      if (active.job.state === "starting")
        lives.executed(active, process.pid, { wall: startedAt, monotonic: 0 });
      active.announceLaunch(null);
      active.stopIfWanted();
      // Who followed it has gone with an earlier server.
      if (wasFollowed) active.attend()();
      onStarted();
    },
    wrote(storedBytes) {
      active.announceOutput();
      return spool.count(id, storedBytes);
    },
    stopping: (reason) => void active.apply({ type: "stop", reason }),
    exited: (exit) => void active.apply({ type: "exited", exit }),
    ended(end) {
      spool.countLast(id, end.output.storedBytes);
      lives.over(active, { type: "reported", end });
    },
    refused(failure) {
      // What is given back with its files is to have been taken.
      spool.count(id, spool.inspect(id).output.storedBytes);
      spool.remove(id);
      lives.refused(active, failure);
    },
    vanished() {
      const found = spool.inspect(id);
      spool.countLast(id, found.output.storedBytes);
      lives.vanished(active, found);
    },
  };
}
