import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { PactError, toConnectError } from "../../../common/errors/mod.ts";
import { assertGolden } from "./harness.ts";
import { TEST_NOW } from "./memory_host.ts";

const MALLORY = {
  kind: "user",
  name: "mallory@example.org",
  reason: "laptop stolen",
  lockedBy: "alice@example.org",
  lockedAt: timestampFromMs(TEST_NOW - 125_000),
};
const NODE = {
  kind: "node",
  name: "node-042",
  reason: "unexpected kernel module",
  lockedBy: "bob@example.org",
  lockedAt: timestampFromMs(TEST_NOW - 7_200_000),
  expiresAt: timestampFromMs(TEST_NOW + 3_600_000),
};

Deno.test("demand 9: lock says who is kept out, until when, and how to undo it", () =>
  assertGolden("lock", {
    args: ["lock", "node", "node-042", "--reason", "unexpected kernel module", "--ttl", "3h"],
    journal: { lock: { setLock: () => NODE } },
  }));

Deno.test("demand 9: a lock of oneself is refused and says what to do", () =>
  assertGolden("lock_oneself", {
    args: ["lock", "user", "alice@example.org", "--reason", "test"],
    journal: {
      lock: {
        setLock: () => {
          const text = "PRECONDITION: nobody locks themselves out: ask another admin";
          throw toConnectError(new PactError("PRECONDITION", text), "test");
        },
      },
    },
  }));

Deno.test("demand 9: lock without a reason is a mistake of the command line", () =>
  assertGolden("lock_no_reason", { args: ["lock", "user", "mallory"], journal: {} }));

Deno.test("demand 9: unlock says whose lock it was, and why it was there", () =>
  assertGolden("unlock", {
    args: ["unlock", "user", "mallory@example.org"],
    journal: { lock: { releaseLock: () => ({ lock: MALLORY }) } },
  }));

Deno.test("demand 9: locks shows who and what is locked, by whom, since when and why", () =>
  assertGolden("locks", {
    args: ["locks"],
    journal: { lock: { listLocks: () => ({ locks: [NODE, MALLORY] }) } },
  }));

Deno.test("demand 9: whoever is locked is told so, and the exit code is that of a refusal", () =>
  assertGolden("locks_locked", {
    args: ["locks"],
    journal: {
      lock: {
        listLocks: () => {
          const text = "LOCKED: user alice@example.org is locked: laptop stolen";
          throw toConnectError(new PactError("LOCKED", text), "test");
        },
      },
    },
  }));
