import assert from "node:assert/strict";
import { type ShellPlace, Shells } from "../../../../agent/shell/mod.ts";
import { openIsolation } from "../../../../agent/isolation/mod.ts";
import { RefusedError } from "../../../../agent/entries/mod.ts";
import { systemClock } from "../../../../common/clock/mod.ts";
import { tempDir, withShim } from "../../../support/mod.ts";

const terminal = { rows: 24, columns: 80, term: "xterm" };

async function withShells(
  options: { readonly searchPath?: readonly string[]; readonly runPath?: string },
  test: (shells: Shells, root: string) => Promise<void>,
): Promise<void> {
  await using dir = await tempDir();
  await withShim(async (shim) => {
    const events = shim.startEvents();
    const isolation = await openIsolation({ shim, clock: systemClock, cgroupRoot: "/nowhere" });
    const settings = {
      root: dir.path,
      shellMaxSessions: 2,
      shellMaxSessionsPerUser: 1,
      shellIdleSeconds: 60,
    };
    const { searchPath } = options;
    const nodeId = () => "node-1";
    await test(
      new Shells({
        ...{ shim, events, clock: systemClock, isolation, settings, nodeId },
        ...(searchPath === undefined ? {} : { searchPath }),
      }),
      dir.path,
    );
    await events.close();
  });
}

const request = (person: string, shellWhitelist: readonly string[] = []) => ({
  person,
  terminal,
  shellWhitelist,
});

function refusal(take: () => ShellPlace): RefusedError {
  try {
    take();
  } catch (error) {
    if (error instanceof RefusedError) return error;
    throw error;
  }
  throw new Error("not refused");
}

Deno.test("SHL-16: without bash there is no shell, and the refusal says so", async () => {
  await withShells({ searchPath: ["/nowhere"] }, (shells) => {
    const { code, message } = refusal(() => shells.take(request("ann")));
    assert.deepEqual([code, message], ["PRECONDITION", "rbash not available on this node"]);
    assert.equal(shells.open, 0);
    return Promise.resolve();
  });
});

Deno.test("SHS-5: places are bounded for one person and for all, and given back", async () => {
  await withShells({}, (shells) => {
    const first = shells.take(request("ann"));
    assert.equal(refusal(() => shells.take(request("ann"))).code, "RESOURCE_EXHAUSTED");
    shells.take(request("ben"));
    assert.equal(refusal(() => shells.take(request("cleo"))).code, "RESOURCE_EXHAUSTED");
    first.release();
    first.release();
    assert.equal(shells.open, 1);
    shells.take(request("cleo"));
    return Promise.resolve();
  });
});

Deno.test("SHL-4, WHL-3: the default list without what changes the node, or the policy's without what starts anything", async () => {
  await withShells({}, (shells) => {
    const byDefault = shells.take(request("ann"));
    const names = byDefault.programs.map(({ name }) => name);
    assert.ok(names.includes("cat") && names.includes("ls"));
    assert.ok(!names.includes("mount") && byDefault.leftOut.includes("mount"));
    byDefault.release();
    const named = shells.take(request("ann", ["ls", "mount", "bash", "../bin/cat"]));
    assert.deepEqual(named.programs.map(({ name }) => name), ["ls", "mount"]);
    assert.deepEqual(named.leftOut, []);
    named.release();
    return Promise.resolve();
  });
});

Deno.test("SHL-2: a shell that cannot be started leaves nothing behind", async () => {
  await withShells({}, async (shells, root) => {
    await Deno.mkdir(`${root}/run`, { recursive: true });
    await Deno.writeTextFile(`${root}/run/pact`, "no directory");
    const place = shells.take(request("ann"));
    const started = place.start({ show: () => Promise.resolve(), onCommand: () => {} });
    await assert.rejects(started, /the shell could not be started/);
    place.release();
    assert.equal(shells.open, 0);
  });
});
