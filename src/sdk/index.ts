// The package @errand/sdk. Files of this repository import from where things are.
export type { Attachment } from "./attach.ts";
export type * from "./attachTypes.ts";
export type { Captured, CapturedStream } from "./captured.ts";
export { Errand } from "./errand.ts";
export {
  Cancelled,
  CommandFailed,
  ConnectionError,
  ErrandError,
  type Received,
  type Refusal,
  StreamCut,
} from "./errors.ts";
export type * from "./eventTypes.ts";
export type { Job } from "./job.ts";
export * from "./jobTypes.ts";
export type * from "./options.ts";
export type { WebSocketConstructor } from "./platformSocket.ts";
export type { RunResult } from "./runResult.ts";
export type * from "./serverTypes.ts";
export {
  type ShellOptions,
  type ShellOutput,
  type ShellStarted,
  Sidecar,
  type SidecarCheck,
  SidecarError,
  type SidecarOptions,
  type SidecarResult,
} from "./sidecar.ts";
export type * from "./specTypes.ts";
export { TerminalQueryFilter } from "./terminalQueries.ts";
export type { Tokens } from "./tokens.ts";
