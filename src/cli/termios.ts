import { dlopen, FFIType, ptr } from "bun:ffi";

const { i32, ptr: pointer } = FFIType;

const signatures = {
  tcgetattr: { args: [i32, pointer], returns: i32 },
  tcsetattr: { args: [i32, i32, pointer], returns: i32 },
  cfmakeraw: { args: [pointer], returns: i32 },
} as const;

/** More than any system's `struct termios`. */
const settingsBytes = 256;
/** `TCSANOW`: what waits to be written must not hold us back. */
const now = 0;

function names(): string[] {
  if (process.platform !== "linux") return ["libSystem.B.dylib"];
  return ["libc.so.6", `libc.musl-${process.arch === "arm64" ? "aarch64" : "x86_64"}.so.1`];
}

function open() {
  for (const name of names()) {
    try {
      return dlopen(name, signatures).symbols;
    } catch {
      // The other C library, or none that is known.
    }
  }
  return null;
}

/**
 * Makes a terminal hand on every byte both ways, and gives what takes that back; null when it is no terminal. The runtime's own
 * raw mode still changes line feeds on their way out, which breaks the pictures of full-screen programs.
 */
export function rawMode(descriptor: number): (() => void) | null {
  const libc = open();
  const before = new Uint8Array(settingsBytes);
  // Pointers are taken anew at each call: a collection may move the buffer.
  if (libc === null || libc.tcgetattr(descriptor, ptr(before)) !== 0) return null;
  const raw = before.slice();
  libc.cfmakeraw(ptr(raw));
  if (libc.tcsetattr(descriptor, now, ptr(raw)) !== 0) return null;
  return () => {
    libc.tcsetattr(descriptor, now, ptr(before));
  };
}
