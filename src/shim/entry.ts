import { runShim } from "./main.ts";

/** The start of a shim that was bundled into one file: the socket of its server is its argument. */
const [, , serverSocket = ""] = process.argv;
await runShim(serverSocket);
process.exit(0);
