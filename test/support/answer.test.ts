// The decoder decides whether a stream was cut; it is tried here, so that it cannot call a cut one whole.
import { describe, expect, test } from "bun:test";
import { decodeAnswer } from "./answer.ts";

const chunkedHead = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: 1\r\nx: 2\r\n\r\n";

function decoded(text: string, closed = true) {
  return decodeAnswer(Buffer.from(text, "latin1"), closed);
}

describe("a chunked answer", () => {
  test("is whole with its last chunk", () => {
    const answer = decoded(`${chunkedHead}3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n`);
    expect(answer).toMatchObject({ status: 200, reason: "OK", chunked: true, complete: true, cut: false });
    expect(answer.headers.x).toBe("1, 2");
    expect(answer.body.toString()).toBe("abc0123456789");
  });

  test("is cut at every place before, and open while the connection is", () => {
    const whole = `${chunkedHead}3\r\nabc\r\n0\r\n\r\n`;
    for (let length = 0; length < whole.length; length += 1) {
      expect(decoded(whole.slice(0, length))).toMatchObject({ complete: false, cut: true });
      expect(decoded(whole.slice(0, length), false)).toMatchObject({ complete: false, cut: false });
    }
  });

  test("may end with a trailer, and another answer may follow", () => {
    const answer = decoded(`${chunkedHead}1\r\na\r\n0\r\nT: 1\r\n\r\nHTTP/1.1 409`);
    expect([answer.complete, answer.body.toString(), answer.rest.toString()]).toEqual([
      true,
      "a",
      "HTTP/1.1 409",
    ]);
  });

  test("that is none is an error", () => {
    expect(() => decoded(`${chunkedHead}hello\r\n`)).toThrow("not a chunk");
  });
});

describe("an answer with a length", () => {
  const head = "HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\n";

  test("is whole when all of it is there", () => {
    expect(decoded(`${head}abcd`, false)).toMatchObject({ status: 404, complete: true, cut: false });
    expect(decoded(`${head}abcd`).body.toString()).toBe("abc");
  });

  test("is cut before", () => {
    expect(decoded(`${head}ab`)).toMatchObject({ complete: false, cut: true });
  });
});
