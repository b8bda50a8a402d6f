// The suite of all doors, on the door `rexec`.
import { afterAll } from "bun:test";
import { endEverything } from "../support/server.ts";
import { rexec } from "./adapters/rexec.ts";
import { conformance } from "./suite.ts";

afterAll(endEverything);

conformance(rexec);
