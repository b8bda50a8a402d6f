// The suite of all doors, on the door `v1`.
import { afterAll } from "bun:test";
import { endEverything } from "../support/server.ts";
import { v1 } from "./adapters/v1.ts";
import { conformance } from "./suite.ts";

afterAll(endEverything);

conformance(v1);
