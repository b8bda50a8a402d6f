import { expect, test } from "bun:test";
import { Flights } from "./flights.ts";

const to = (jobId: string, url = "http://a.test/") => ({ jobId, url });

test("one of each job, and so many to each host and in all are on their way", () => {
  const flights = new Flights({ callbacksAtOnce: 4, callbacksPerHost: 2 });
  expect([flights.start(to("1")), flights.start(to("1", "http://b.test/"))]).toEqual([true, false]);
  expect([flights.start(to("2", "http://A.test:80/x")), flights.start(to("3"))]).toEqual([true, false]);
  expect([flights.start(to("4", "http://a.test:81/")), flights.isFull]).toEqual([true, false]);
  expect([flights.start(to("5", "http://b.test/")), flights.isFull, flights.count]).toEqual([true, true, 4]);
  expect(flights.start(to("6", "http://c.test/"))).toBe(false);
  flights.land(to("1"));
  expect([flights.has("1"), flights.has("2"), flights.start(to("3")), flights.start(to("1"))]).toEqual([
    false,
    true,
    true,
    false,
  ]);
});
