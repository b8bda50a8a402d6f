import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { atEnd } from "../../support/cleanup.ts";

/** Which of the two ways bytes go. */
type Direction = "up" | "down";

/** Hands bytes on to a server on loopback, and breaks connections when it is told to. */
export class CuttingProxy {
  cuts = 0;
  /** After how many more bytes a connection breaks, and in which direction; null: it does not. Asked once for each. */
  nextCut: (() => { readonly direction: Direction; readonly bytes: number } | null) | null = null;
  readonly #server: Server;
  readonly #pairs = new Set<{ readonly client: Socket; readonly target: Socket }>();

  private constructor(targetPort: number) {
    this.#server = createServer({ noDelay: true }, (client) => this.#pair(client, targetPort));
  }

  static async start(targetUrl: string): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(Number(new URL(targetUrl).port));
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once("error", reject);
      proxy.#server.listen(0, "127.0.0.1", resolve);
    });
    atEnd(() => proxy.stop());
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get open(): number {
    return this.#pairs.size;
  }

  /** Breaks all connections. */
  cutAll(): void {
    for (const { client, target } of this.#pairs) {
      this.cuts += 1;
      client.destroy();
      target.destroy();
    }
  }

  /** Nothing goes through the connections that are there, and nobody is told. */
  freezeAll(): void {
    for (const { client, target } of this.#pairs) for (const socket of [client, target]) socket.pause();
  }

  async stop(): Promise<void> {
    this.cutAll();
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve));
  }

  #pair(client: Socket, port: number): void {
    const target = connect({ port, host: "127.0.0.1", noDelay: true });
    const pair = { client, target };
    this.#pairs.add(pair);
    let left: Readonly<Record<Direction, number>> | null = null;
    const plan = () => {
      if (this.nextCut === null) return null;
      const cut = this.nextCut();
      return {
        up: Number.POSITIVE_INFINITY,
        down: Number.POSITIVE_INFINITY,
        ...(cut && { [cut.direction]: cut.bytes }),
      };
    };
    const end = () => {
      this.#pairs.delete(pair);
      client.destroy();
      target.destroy();
    };
    for (const socket of [client, target]) socket.on("error", end).on("close", end);
    const hand = (from: Socket, to: Socket, direction: Direction) => {
      from.on("data", (bytes: Buffer) => {
        left ??= plan();
        const allowed = left?.[direction] ?? Number.POSITIVE_INFINITY;
        const part = bytes.subarray(0, Math.min(allowed, bytes.byteLength));
        if (left !== null) left = { ...left, [direction]: allowed - part.byteLength };
        const goesOn = to.write(part);
        if (allowed <= bytes.byteLength) {
          this.cuts += 1;
          from.pause();
          // What has gone through before the cut arrives.
          to.end(end);
        } else if (!goesOn) {
          from.pause();
          to.once("drain", () => from.resume());
        }
      });
      from.on("end", () => to.end());
    };
    hand(client, target, "up");
    hand(target, client, "down");
  }
}
