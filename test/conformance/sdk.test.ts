// The suite of all doors, through the SDK.
import { afterAll } from "bun:test";
import { endEverything } from "../support/server.ts";
import { sdkAttached, sdkBackground } from "./adapters/sdk.ts";
import { conformance } from "./suite.ts";

afterAll(endEverything);

conformance(sdkAttached);
conformance(sdkBackground);
