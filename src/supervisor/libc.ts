import { dlopen, FFIType, ptr } from "bun:ffi";
import { closeSync } from "node:fs";

const { i32, u32, u64, i64, ptr: pointer } = FFIType;
const isLinux = process.platform === "linux";

const everywhere = {
  poll: { args: [pointer, isLinux ? u64 : u32, i32], returns: i32 },
  read: { args: [i32, pointer, u64], returns: i64 },
  flock: { args: [i32, i32], returns: i32 },
  dup: { args: [i32], returns: i32 },
} as const;

const linuxOnly = {
  pipe2: { args: [pointer, i32], returns: i32 },
  prctl: { args: [i32, u64, u64, u64, u64], returns: i32 },
  prlimit: { args: [i32, i32, pointer, pointer], returns: i32 },
  waitpid: { args: [i32, pointer, i32], returns: i32 },
  signal: { args: [i32, u64], returns: u64 },
  ioctl: { args: [i32, u64, pointer], returns: i32 },
  memfd_create: { args: [pointer, u32], returns: i32 },
  socket: { args: [i32, i32, i32], returns: i32 },
  sendto: { args: [i32, pointer, u64, i32, pointer, u32], returns: i64 },
  pthread_sigmask: { args: [i32, pointer, pointer], returns: i32 },
} as const;

const darwinOnly = { pipe: { args: [pointer], returns: i32 } } as const;

function open<Signatures extends Parameters<typeof dlopen>[1]>(signatures: Signatures) {
  // glibc's name first, then musl's.
  const musl = `libc.musl-${process.arch === "arm64" ? "aarch64" : "x86_64"}.so.1`;
  const names = isLinux ? ["libc.so.6", musl] : ["libSystem.B.dylib"];
  for (const name of names) {
    try {
      return dlopen(name, signatures).symbols;
    } catch {
      // Try the next name; the last failure is told below.
    }
  }
  throw new Error(`cannot open the C library: tried ${names.join(", ")}`);
}

/** The C library's functions that Bun has no call for. */
const libc = open(everywhere);
const linux = isLinux ? open(linuxOnly) : null;
const darwin = isLinux ? null : open(darwinOnly);

const closeOnExec = 0o2000000;
const descriptorPair = new Int32Array(2);

/** A pipe whose ends no child inherits by accident. Throws with `code` EMFILE when descriptors have run out. */
export function openPipe(): { readEnd: number; writeEnd: number } {
  // The pointer is taken anew at each call: a collection may move the buffer. Bun closes what it is not told to hand
  // on when it starts a child on Darwin, so that no flag is needed there.
  const pair = ptr(descriptorPair);
  const result = linux === null ? darwin?.pipe(pair) : linux.pipe2(pair, closeOnExec);
  if (result !== 0) throw Object.assign(new Error("Too many open files"), { code: "EMFILE" });
  return { readEnd: descriptorPair[0] ?? -1, writeEnd: descriptorPair[1] ?? -1 };
}

const memoryFileName = Buffer.from("stdin\0");
const memoryCloseOnExec = 1;

/** An open file that lives in memory alone; null where there are none. Throws with `code` EMFILE at the limit. */
export function openMemoryFile(): number | null {
  if (linux === null) return null;
  const descriptor = linux.memfd_create(ptr(memoryFileName), memoryCloseOnExec);
  if (descriptor < 0) throw Object.assign(new Error("Too many open files"), { code: "EMFILE" });
  return descriptor;
}

const pollRequest = new Int32Array(2);
const pollIn = 0x001;
const pollHangUp = 0x010;

/** What is to be had from a pipe without waiting. */
export function pollPipe(descriptor: number): "data" | "end" | "nothing" {
  pollRequest[0] = descriptor;
  pollRequest[1] = pollIn;
  if (libc.poll(ptr(pollRequest), 1, 0) <= 0) return "nothing";
  const events = (pollRequest[1] ?? 0) >>> 16;
  if ((events & pollIn) !== 0) return "data";
  return (events & pollHangUp) !== 0 ? "end" : "nothing";
}

/** True when a pipe has no writer left; there may still be bytes in it. */
export function hasHungUp(descriptor: number): boolean {
  pollRequest[0] = descriptor;
  pollRequest[1] = 0;
  return libc.poll(ptr(pollRequest), 1, 0) > 0 && (pollRequest[1] ?? 0) >>> 16 !== 0;
}

const countWaitingBytes = 0x541b;
const waitingCount = new Int32Array(1);

/** How many bytes are in a pipe; what it usually holds where the system cannot be asked. */
export function waitingBytes(descriptor: number): number {
  if (linux === null) return 64 * 1024;
  linux.ioctl(descriptor, countWaitingBytes, ptr(waitingCount));
  return waitingCount[0] ?? 0;
}

const closeOnExecRequest = 0x5451;

/** The same open file under another descriptor, which no child inherits by accident; null at the limit. */
export function duplicate(descriptor: number): number | null {
  const copy = libc.dup(descriptor);
  if (copy < 0) return null;
  linux?.ioctl(copy, closeOnExecRequest, null);
  return copy;
}

const terminalNumberRequest = 0x80045430;
const terminalCount = new Uint32Array(1);

/** Which terminal (the N of /dev/pts/N) this is the other side of; null when it is that of none. */
export function terminalNumber(descriptor: number): number | null {
  if (linux === null || linux.ioctl(descriptor, terminalNumberRequest, ptr(terminalCount)) !== 0) return null;
  return terminalCount[0] ?? null;
}

/** Reads into the buffer; the number of bytes, or -1. Call it when `pollPipe` says "data": then it does not wait. */
export function readDescriptor(descriptor: number, buffer: Uint8Array): number {
  return Number(libc.read(descriptor, ptr(buffer), buffer.byteLength));
}

/** The resource limits used here, by their numbers on Linux. */
export const resource = { processes: 6, openFiles: 7, realtimeMicroseconds: 15 } as const;
type Resource = (typeof resource)[keyof typeof resource];

const limitPair = new BigUint64Array(2);

/** No limit, as the kernel writes it. */
export const unlimited = (1n << 64n) - 1n;

/** Soft and hard limit of a process (0: this one); null when it is gone, belongs to somebody else, or is not on Linux. */
export function getLimit(pid: number, which: Resource): { soft: bigint; hard: bigint } | null {
  if (linux === null || linux.prlimit(pid, which, null, ptr(limitPair)) !== 0) return null;
  return { soft: limitPair[0] ?? 0n, hard: limitPair[1] ?? 0n };
}

/** The soft limit of this process on open files. */
export function openFilesLimit(): number {
  const limit = getLimit(0, resource.openFiles);
  return limit === null || limit.soft === unlimited ? Number.POSITIVE_INFINITY : Number(limit.soft);
}

/** Sets both limits of a process (0: this one); false when that was refused. */
export function setLimit(pid: number, which: Resource, soft: bigint, hard: bigint): boolean {
  limitPair[0] = soft;
  limitPair[1] = hard;
  return linux !== null && linux.prlimit(pid, which, ptr(limitPair), null) === 0;
}

const setChildSubreaper = 36;

/** Makes this process adopt the orphans of its descendants; false where that is not to be had. */
export function becomeSubreaper(): boolean {
  return linux !== null && linux.prctl(setChildSubreaper, 1, 0, 0, 0) === 0;
}

const noHang = 1;

/** Takes the exit of one dead child that Bun does not know; true when it was dead. Never call it for Bun's own children. */
export function reapChild(pid: number): boolean {
  return linux !== null && linux.waitpid(pid, null, noHang) === pid;
}

const childSignal = 17;
const defaultDisposition = 0;
const setMask = 2;
const noSignals = new Uint8Array(128);

/**
 * Undoes what the server's own starter may have left: with SIGCHLD ignored it would never learn of an exit, and a
 * blocked signal would be blocked in every command.
 */
export function restoreSignals(): void {
  linux?.signal(childSignal, defaultDisposition);
  linux?.pthread_sigmask(setMask, ptr(noSignals), null);
}

const exclusiveNonBlocking = 2 | 4;

/** Takes the lock of an open file, which lasts while any process has this open file; false when somebody else holds it. */
export function lockFile(descriptor: number): boolean {
  return libc.flock(descriptor, exclusiveNonBlocking) === 0;
}

const unixFamily = 1;
const datagramCloseOnExec = 0o2000002;
/** A dead receiver is no signal for this process. */
const noSignalNoWait = 0x4040;
const familyBytes = 2;

/** Sends a datagram to a Unix socket, whose name may be an abstract one beginning with "@"; false when that fails. */
export function sendDatagram(path: string, text: string): boolean {
  const descriptor = linux?.socket(unixFamily, datagramCloseOnExec, 0) ?? -1;
  if (descriptor < 0 || linux === null) return false;
  try {
    const name = Buffer.from(path.replace(/^@/, "\0"));
    const address = Buffer.alloc(familyBytes + name.byteLength + (name[0] === 0 ? 0 : 1));
    address.writeUInt16LE(unixFamily);
    name.copy(address, familyBytes);
    const bytes = Buffer.from(text);
    const sent = linux.sendto(
      descriptor,
      ptr(bytes),
      BigInt(bytes.byteLength),
      noSignalNoWait,
      ptr(address),
      address.byteLength,
    );
    return Number(sent) === bytes.byteLength;
  } finally {
    closeSync(descriptor);
  }
}
