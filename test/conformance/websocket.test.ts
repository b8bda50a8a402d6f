// The suite of all doors, on the WebSocket of the door `v1`.
import { afterAll } from "bun:test";
import { endEverything } from "../support/server.ts";
import { webSocket } from "./adapters/websocket.ts";
import { conformance } from "./suite.ts";

afterAll(endEverything);

conformance(webSocket);
