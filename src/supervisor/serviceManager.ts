import { sendDatagram } from "./libc.ts";

/** A sign of life comes this often within the time after which the service manager acts. */
const signsPerInterval = 3;

/** Tells the service manager (systemd) how the server stands, where one has asked for it. */
export class ServiceManager {
  readonly #socket: string | null;
  readonly #signMilliseconds: number | null;
  #timer: Timer | null = null;

  /** What it has set for the service that it started stands in the variables. */
  constructor(variables: Readonly<Record<string, string | undefined>> = process.env) {
    const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: interval, WATCHDOG_PID: pid } = variables;
    this.#socket = socket === undefined || !/^[@/]./.test(socket) ? null : socket;
    const isMeant = pid === undefined || Number(pid) === process.pid;
    const milliseconds = isMeant ? Number(interval) / 1_000 / signsPerInterval : Number.NaN;
    this.#signMilliseconds = milliseconds >= 1 ? milliseconds : null;
  }

  /** It takes requests; from now on signs of life are given. */
  ready(): void {
    this.#tell("READY=1");
    if (this.#socket !== null && this.#signMilliseconds !== null)
      this.#timer = setInterval(() => this.#tell("WATCHDOG=1"), this.#signMilliseconds);
  }

  /** It has begun to end. */
  stopping(): void {
    this.#tell("STOPPING=1");
  }

  /** Nothing more is to be told. */
  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  #tell(state: string): void {
    if (this.#socket !== null) sendDatagram(this.#socket, state);
  }
}
