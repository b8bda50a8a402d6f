// The suite of all doors, on the door `sidecar`.
import { afterAll } from "bun:test";
import { endEverything } from "../support/server.ts";
import { sidecar } from "./adapters/sidecar.ts";
import { conformance } from "./suite.ts";

afterAll(endEverything);

conformance(sidecar);
