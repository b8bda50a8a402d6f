import { ErrandError } from "../../../core/errors.ts";
import type { JobId } from "../../../core/job.ts";
import { LeftInputs } from "./leftInputs.ts";

const retryAfterSeconds = 5;

/** A place at a job. */
export interface Seat {
  /** From now on the place is this connection's. One that has had it under the same name is told to go. */
  take(onTakenOver: () => void): void;
  /** To be called once or more. */
  leave(): void;
}

/** Who is attached to which job. */
export class Attachers {
  /** Of those who have gone. */
  readonly leftInputs = new LeftInputs();
  readonly #most: number;
  readonly #byJob = new Map<JobId, Map<string, Set<Seat>>>();
  readonly #holders = new Map<Seat, () => void>();

  /** `most`: so many names at once at one job. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Keeps a place for one of that name. Throws `too-many-requests`. */
  enter(id: JobId, name: string): Seat {
    const names = this.#byJob.get(id) ?? new Map<string, Set<Seat>>();
    if (names.size >= this.#most && !names.has(name)) {
      const allowed = `${this.#most} clients are attached to job ${id}, which is the limit (attachers)`;
      throw new ErrandError("too-many-requests", allowed, retryAfterSeconds);
    }
    this.#byJob.set(id, names);
    const seats = names.get(name) ?? new Set<Seat>();
    names.set(name, seats);
    const seat: Seat = {
      take: (onTakenOver) => {
        for (const other of seats) if (other !== seat) this.#holders.get(other)?.();
        this.#holders.set(seat, onTakenOver);
      },
      leave: () => {
        this.#holders.delete(seat);
        seats.delete(seat);
        if (seats.size === 0 && names.get(name) === seats) names.delete(name);
        if (names.size === 0 && this.#byJob.get(id) === names) this.#byJob.delete(id);
      },
    };
    seats.add(seat);
    return seat;
  }
}
