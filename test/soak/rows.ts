/** One promise of docs/reliability.md, and the tests that try it. */
export interface Row {
  readonly row: string;
  readonly promise: string;
  readonly how: string;
  /** How much of it is tried in `npm test`. */
  readonly short: string;
  /** How much of it is tried here. */
  readonly full: string;
  readonly files: readonly string[];
  /** The tests of these files whose name matches; all without it. */
  readonly only?: string;
  /** What it takes at the full count, about, on two processors. */
  readonly minutes: number;
}

const crash = (...names: readonly string[]) => names.map((name) => `./test/crash/${name}.test.ts`);
const soak = (name: string) => [`./test/soak/${name}.soak.ts`];

/** All rows in the order in which they are tried: those with tight times last, when nothing runs beside them any more. */
export const rows: readonly Row[] = [
  {
    row: "R1",
    promise: "surviving jobs survive `kill -9` of the server, with contiguous output, and are re-adopted",
    how: "the server is killed at random moments while 20 jobs write numbered lines on both streams",
    ...{ short: "10 kills", full: "200 kills", files: crash("server-kills"), minutes: 4.5 },
  },
  {
    row: "R2",
    promise: "code and signal of an end are exact, and apart, whether the server lived at that moment or not",
    how: "all exit codes and all signals that end a process, with a server and without",
    ...{ short: "56 ends", full: "558 ends", files: crash("exits"), minutes: 0.4 },
  },
  {
    row: "R3",
    promise: "what is not known is `lost`: no made-up code, no running for ever, no processes left",
    how: "shims are killed, half of them beside their server, half while none lives",
    ...{ short: "10 shims", full: "100 shims", files: crash("shim-kills"), minutes: 0.2 },
  },
  {
    row: "R4",
    promise: "no stranger is signalled when the number of a process is used again",
    how: "records name strangers that note every signal; numbers are really given to others, too",
    ...{ short: "none", full: "200 records", files: soak("stale-records"), minutes: 0.4 },
  },
  {
    row: "R5",
    promise: "a crash at any moment leaves records that are whole and a state that is true",
    how: "server and shim are killed at the N-th system call of a start, for each call and each N",
    short: "a sample of 23",
    full: "every N, and 100 of a server's very first start",
    ...{ files: crash("system-calls"), minutes: 5 },
  },
  {
    row: "R6",
    promise: "on a full disk ends are exact, cut output is told to be cut, and the server answers",
    how: "jobs write more than a small file system holds, with a server and without",
    short: "5 jobs of each kind",
    full: "50 jobs of each kind",
    ...{ files: crash("background-disk-full", "disk-full-surviving"), minutes: 1.5 },
  },
  {
    row: "R7",
    promise: "output goes on while the server is down",
    how: "a job writes while no server lives; the digest of what is kept is compared",
    ...{ short: "100 MiB", full: "100 MiB", files: crash("server-away"), minutes: 0.2 },
  },
  {
    row: "R10",
    promise: "background jobs do not care about disconnects",
    how: "clients leave in every way, in the middle of every kind of request",
    ...{ short: "50 clients", full: "500 clients", files: crash("background-disconnects"), minutes: 0.2 },
  },
  {
    row: "R11",
    promise: "a restart of the service keeps surviving jobs",
    how: "the main process alone is ended or killed, as a service manager does, and started again",
    ...{ short: "one of each kind of job", full: "100 restarts" },
    ...{ files: [...soak("restarts"), ...crash("readopted")], minutes: 1 },
  },
  {
    row: "R12",
    promise: "an idempotency key starts a job once, crashes included",
    how: "the server is killed while starts are under way, which are then sent again",
    ...{ short: "100 starts", full: "1,000 starts", files: crash("idempotency-crash"), minutes: 2 },
  },
  {
    row: "R13",
    promise: "what was acknowledged is known afterwards",
    how: "the server is killed right after its answer",
    ...{
      short: "50 kills",
      full: "500 kills",
      files: crash("background-restart"),
      only: "R13",
      minutes: 3.5,
    },
  },
  {
    row: "R14",
    promise: "callbacks are delivered at least once, under one id",
    how: "the server is killed between the end of a job and the delivery",
    ...{ short: "20 kills", full: "200 kills", files: crash("callback-delivery"), minutes: 2 },
  },
  {
    row: "R16",
    promise: "a server understands the shims, the files and the database of every released version",
    how: "what version 1 has left, and what a shim of it says, is kept in test/fixtures",
    ...{ short: "version 1", full: "version 1", files: crash("version-skew"), minutes: 0.1 },
  },
  {
    row: "R17",
    promise: "a data directory has one owner; others are told who that is",
    how: "servers are started on one directory at the same time",
    ...{ short: "5 at once", full: "50 at once", files: crash("restart"), only: "R17", minutes: 0.2 },
  },
  {
    row: "R18",
    promise: "an alias runs once at a time, under load and over restarts",
    how: "starts race for one alias; a lock that the kernel keeps is the witness",
    ...{ short: "2,000 starts", full: "10,000 starts" },
    ...{ files: crash("alias-race", "restart"), only: "R18", minutes: 0.7 },
  },
  {
    row: "R20",
    promise: "the output of a fast program is whole, to the last byte",
    how: "commands print 1 B to 1 MiB and end at once",
    ...{ short: "2,000 commands", full: "10,000 commands", files: crash("last-bytes"), minutes: 1 },
  },
  {
    row: "R22",
    promise: "text is never cut inside a character, binary is never changed",
    how: "random bytes in every code page, cut at every place",
    ...{ short: "300 texts of each page with long characters", full: "3,000 of each" },
    ...{ files: ["./src/encoding/codePages.test.ts", "./src/sdk/characters.test.ts"], minutes: 1 },
  },
  {
    row: "R8",
    promise: "nothing of a tree is left a second after KILL, and a sweep touches no other job",
    how: "9 shapes of trees, stopped in every way: by their client, the API, their shim, the end of the server",
    ...{ short: "5 of each", full: "50 of each" },
    ...{ files: crash("tree-kill", "tree-kill-surviving"), minutes: 8 },
  },
  {
    row: "R9",
    promise: "a command is gone when its client is: p99 within 250 ms when it obeys TERM",
    how: "clients leave by FIN, RST, half-close and by being killed",
    ...{ short: "100 clients", full: "500 clients", files: crash("disconnect"), minutes: 0.5 },
  },
  {
    row: "R15",
    promise: "a server that finds many records and jobs answers within a second",
    how: "the time from the start of the process to its first answer, three times",
    ...{ short: "100 records, 10 jobs", full: "1,000 records, 100 jobs" },
    ...{ files: crash("adoption-time"), minutes: 0.5 },
  },
  {
    row: "R21",
    promise: "a grandchild that holds the pipe does not hang the answer",
    how: "grandchildren hold stdout, stderr or both, silent or flooding",
    ...{ short: "9 grandchildren", full: "54 grandchildren", files: crash("held-pipe"), minutes: 1.5 },
  },
  {
    row: "R19",
    promise: "what is accepted ends, whatever happens to the server",
    how: "two jobs a second while the server is killed every 1 to 5 seconds",
    ...{ short: "none", full: "20 minutes", files: soak("long-run"), minutes: 21 },
  },
];
