/** Gives back the memory of bytes that nobody looks at any more, at once. Bytes that share their memory are left alone. */
export function release({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}
