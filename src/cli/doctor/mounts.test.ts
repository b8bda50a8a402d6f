import { expect, test } from "bun:test";
import { mountOf, readMounts } from "./mounts.ts";
import { judge } from "./storage.ts";

const text = `22 27 0:21 / /proc rw,relatime shared:5 - proc proc rw,hidepid=invisible
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
30 27 0:30 / /var/my\\040data rw - nfs4 host:/x rw,vers=4.2
31 27 0:31 / /var/my\\040data ro,nosuid - tmpfs none rw
`;

test("mounts are read with their options and odd names", () => {
  const mounts = readMounts(text);
  expect(mounts.map(({ point, type }) => [point, type])).toEqual([
    ["/proc", "proc"],
    ["/", "ext4"],
    ["/var/my data", "nfs4"],
    ["/var/my data", "tmpfs"],
  ]);
  expect(mounts[0]?.options).toContain("hidepid=invisible");
  expect(mounts[3]?.options).toContain("ro");
});

test("a path lies in the mount that covers it last", () => {
  const mounts = readMounts(text);
  expect(mountOf("/var/my data/jobs", mounts)?.type).toBe("tmpfs");
  expect(mountOf("/var/my database", mounts)?.type).toBe("ext4");
  expect(mountOf("/", mounts)?.type).toBe("ext4");
  expect(mountOf("/x", [])).toBeNull();
});

test.each([
  ["ext4", [], "good"],
  ["xfs", ["rw"], "good"],
  ["ext4", ["ro"], "bad"],
  ["nfs4", [], "weak"],
  ["fuse.sshfs", [], "weak"],
  ["tmpfs", [], "weak"],
  ["overlay", [], "note"],
] as const)("%s %j is %s", (type, options, verdict) => {
  expect(judge({ type, options: [...options] })[0]).toBe(verdict);
});
