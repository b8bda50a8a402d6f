// The suite of all doors, through the command line.
import { afterAll } from "bun:test";
import { endEverything } from "../support/server.ts";
import { cli } from "./adapters/cli.ts";
import { conformance } from "./suite.ts";

afterAll(endEverything);

conformance(cli);
