import { fieldsOf } from "./bytes.ts";
import type { CallOptions } from "./options.ts";
import { expected } from "./readJob.ts";
import type { NewToken, Token, TokenSpec } from "./serverTypes.ts";
import type { Transport } from "./transport.ts";

const path = "/v1/tokens";

/** The tokens of a server; needs the scope `admin`. */
export class Tokens {
  readonly #transport: Transport;

  /** Made by `Errand`. */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Makes one. Its secret is in this answer alone. */
  async create({ name, scopes, expiresAt }: TokenSpec, { signal }: CallOptions = {}): Promise<NewToken> {
    const body = { name, scopes, expiresAt: expiresAt instanceof Date ? expiresAt.toISOString() : expiresAt };
    const answer = await this.#transport.json({ method: "POST", path, body, signal });
    return expected(typeof fieldsOf(answer)?.secret === "string" ? (answer as NewToken) : null);
  }

  /** All that are known, without secrets. */
  async list({ signal }: CallOptions = {}): Promise<Token[]> {
    const answer = fieldsOf(await this.#transport.json({ path, signal, repeatable: true }));
    return expected(Array.isArray(answer?.tokens) ? (answer.tokens as Token[]) : null);
  }

  /** From then on it is not let in. */
  async revoke(id: string, { signal }: CallOptions = {}): Promise<void> {
    await this.#transport.json({ method: "DELETE", path: `${path}/${encodeURIComponent(id)}`, signal });
  }
}
