// The suite of all doors, through the WebSocket.
import { afterAll } from "bun:test";
import { endEverything } from "../support/server.ts";
import { webSocket } from "./adapters/websocket.ts";
import { conformance } from "./suite.ts";

afterAll(endEverything);

conformance(webSocket);
