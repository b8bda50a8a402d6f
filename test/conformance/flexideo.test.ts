// The suite of all doors, on the door `flexideo`.
import { afterAll } from "bun:test";
import { endEverything } from "../support/server.ts";
import { flexideo } from "./adapters/flexideo.ts";
import { conformance } from "./suite.ts";

afterAll(endEverything);

conformance(flexideo);
