/** One limit: its default, the range that the configuration may set, and what it bounds. */
interface LimitDefinition {
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly whole: boolean;
  readonly about: string;
}

function count(about: string, value: number, min: number, max: number): LimitDefinition {
  return { default: value, min, max, whole: true, about };
}

function seconds(about: string, value: number, min: number, max: number): LimitDefinition {
  return { default: value, min, max, whole: false, about };
}

const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;
const gibibyte = 1024 * mebibyte;
const daySeconds = 86_400;

/** All limits, with their units in their names. `[limits]` of the configuration may set each within its range. */
export const limitTable = {
  maxRunningJobs: count("jobs that run at once", 10_000, 1, 16_000),
  queuedJobs: count("jobs that wait for an alias", 1_000, 0, 100_000),
  maxConnections: count("open client connections", 12_000, 1, 100_000),
  requestHeaderBytes: count("head of one request", 16 * kibibyte, 1 * kibibyte, 64 * kibibyte),
  requestBodyBytes: count("body of one request", 8 * mebibyte, 1 * kibibyte, 64 * mebibyte),
  pendingBodyBytes: count(
    "bodies being received, together; the same for those that wait for commands to read",
    256 * mebibyte,
    1 * mebibyte,
    4096 * mebibyte,
  ),
  headersTimeoutSeconds: seconds("for the head of a request to arrive", 12, 1, 300),
  requestTimeoutSeconds: seconds("for a whole request to arrive", 30, 1, 3_600),
  keepAliveSeconds: seconds("an idle connection is kept", 60, 1, 3_600),
  heartbeatSeconds: seconds("between heartbeats of a quiet stream", 15, 1, 300),
  idempotencySeconds: seconds("an idempotency key is remembered", daySeconds, 60, 30 * daySeconds),
  idempotencyKeys: count("idempotency keys remembered", 1_000_000, 1_000, 100_000_000),
  followers: count("streams that follow jobs", 2_000, 1, 100_000),
  attachers: count("clients attached to one job", 32, 1, 1_000),
  attachFrameBytes: count("one frame of an attached client", 256 * kibibyte, 1 * kibibyte, 16 * mebibyte),
  attachInputBytes: count(
    "input of an attached client that waits for the command",
    256 * kibibyte,
    1 * kibibyte,
    16 * mebibyte,
  ),
  attachScreenBytes: count(
    "last output that a screen is drawn from",
    4 * mebibyte,
    64 * kibibyte,
    64 * mebibyte,
  ),
  labelCount: count("labels of one job", 32, 0, 1_000),
  waitSeconds: seconds("longest ?wait= of a client", 300, 1, 3_600),
  pageJobs: count("jobs in one page of a list", 500, 1, 1_000),
  aliasBytes: count("length of an alias", 1 * kibibyte, 1, 64 * kibibyte),
  stdoutChunks: count("chunks of at most 64 KiB of stdout buffered for one slow client", 8, 1, 1_024),
  statusEvents: count("life-cycle events that wait for one slow listener", 8, 1, 100_000),
  stderrTailBytes: count("last bytes of stderr kept with a job", 64 * kibibyte, 0, 1 * mebibyte),
  quickEndSeconds: seconds("a command may take to be answered in one piece", 0.004, 0, 0.05),
  drainIdleSeconds: seconds("of silence after which output is drained", 0.1, 0.01, 10),
  drainMaxSeconds: seconds("output is drained after the command's exit", 1, 0.01, 60),
  leftoverPipes: count("pipes of ended jobs kept open for their descendants", 1_000, 0, 100_000),
  stopGraceSeconds: seconds("from TERM to KILL on stop", 5, 0, 3_600),
  disconnectGraceSeconds: seconds("from TERM to KILL when a client has gone", 0.5, 0, 3_600),
  killSeconds: seconds("KILL is repeated until a tree counts as unkillable", 30, 1, 600),
  shutdownDrainSeconds: seconds("running jobs may end by themselves at shutdown", 10, 0, 3_600),
  lastAnswersSeconds: seconds("for the last answers to go out at shutdown", 2, 0, 60),
  retainSeconds: seconds(
    "the record and output of an ended job are kept",
    7 * daySeconds,
    1,
    3_650 * daySeconds,
  ),
  dataBytes: count("the data directory", 10 * gibibyte, 16 * mebibyte, 1_048_576 * gibibyte),
  keptOutputBytes: count("output kept of one job", 1 * gibibyte, 1, 1_024 * gibibyte),
  timelineBytes: count("record of when a job wrote what", 16 * mebibyte, 1 * kibibyte, 1 * gibibyte),
  answerOutputBytes: count("each stream in a whole answer", 1 * mebibyte, 0, 64 * mebibyte),
  callbackUrlBytes: count("length of a callback's URL", 2 * kibibyte, 1, 16 * kibibyte),
  callbackTextBytes: count("each text in a callback", 8 * mebibyte, 0, 64 * mebibyte),
  callbackTimeoutSeconds: seconds("one try of a callback", 15, 0.1, 300),
  callbacksAtOnce: count("callbacks being delivered at once", 16, 1, 1_000),
  callbacksPerHost: count("callbacks being delivered at once to one host", 4, 1, 1_000),
  signatureWindowSeconds: seconds("a signature's time may be off", 300, 1, 3_600),
  signatureNonces: count("nonces of signatures remembered", 1_000_000, 1_000, 100_000_000),
  historyFlushSeconds: seconds("a record may wait to be written", 0.05, 0.001, 5),
  descriptorReserve: count("file descriptors that starts leave free", 64, 16, 10_000),
  processReserve: count("processes that starts leave free", 16, 1, 10_000),
  xmlDepth: count("elements within each other in an XML request", 64, 3, 1_000),
  xmlAttributes: count("attributes of one element of an XML request", 64, 16, 1_000),
  xmlReferences: count("references in an XML request", 10_000, 0, 1_000_000),
  xmlNodes: count(
    "elements, comments, CDATA sections and processing instructions of an XML request",
    10_000,
    2,
    1_000_000,
  ),
  wholeTextBytes: count(
    "output that an XML answer gives as elements or as JSON",
    4 * mebibyte,
    0,
    64 * mebibyte,
  ),
} as const satisfies Record<string, LimitDefinition>;

export type LimitName = keyof typeof limitTable;
export type Limits = { readonly [name in LimitName]: number };

/** The limits as they are when nobody has set any. */
export function defaultLimits(): Limits {
  const entries = Object.entries(limitTable).map(([name, limit]) => [name, limit.default]);
  return Object.fromEntries(entries) as Limits;
}
