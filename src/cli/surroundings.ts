import type { Flags } from "../config/load.ts";
import type { HostProbes } from "./doctor/probes.ts";
import type { Output } from "./output.ts";

export type Variables = Readonly<Record<string, string | undefined>>;

/** All that a verb sees of the world around it. The program hands it in, so that tests can hand in another. */
export interface Surroundings {
  readonly variables: Variables;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Whether the descriptor is a terminal. */
  isTerminal(descriptor: 0 | 1 | 2): boolean;
  /** The width of the terminal that stdout is; null when it is none. */
  columns(): number | null;
  /** The name that a mistyped one probably meant. */
  nearest(typed: string, names: Iterable<string>): string | undefined;
  /** Requests to this host go past the proxy that the environment names. */
  avoidProxy(host: string): void;
  /** Runs the server, or checks its settings. Ends the process itself. */
  serve(flags: Flags, check: boolean): Promise<void>;
  /** What only the supervisor and the store can tell about this host. */
  hostProbes(): Promise<HostProbes>;
}
