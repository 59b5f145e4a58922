import assert from "node:assert/strict";
import { openFileObserver, watchPlan } from "../../../../agent/observer/mod.ts";
import { systemClock } from "../../../../common/clock/mod.ts";
import { silentLogger } from "../../../../common/log/mod.ts";
import { tempDir, waitFor, withShim } from "../../../support/mod.ts";

interface Observed {
  readonly root: string;
  changes(): number;
  observe(...names: string[]): void;
  unwatched(): readonly string[];
}

/** Runs a test with an observer over a temporary directory. */
async function observing(test: (observed: Observed) => Promise<void>): Promise<void> {
  await using directory = await tempDir();
  await withShim(async (shim) => {
    const events = shim.startEvents();
    let changes = 0;
    const observer = openFileObserver({
      shim,
      events,
      clock: systemClock,
      log: silentLogger,
      onChange: () => changes++,
    });
    try {
      await test({
        root: directory.path,
        changes: () => changes,
        observe: (...names) => observer.observe(names.map((name) => `${directory.path}/${name}`)),
        unwatched: () => observer.unwatched,
      });
    } finally {
      observer.close();
      await events.close();
    }
  });
}

/** Does something and waits until exactly one more change was noticed. */
async function noticedOnce(observed: Observed, what: string, change: () => void): Promise<void> {
  const before = observed.changes();
  change();
  await waitFor(() => observed.changes() > before, { timeoutMs: 5_000, what });
  assert.equal(observed.changes(), before + 1, what);
}

Deno.test("OBS-4: an edit in place, by replacement, of the mode and a removal are each one change", () =>
  observing(async (observed) => {
    const path = `${observed.root}/motd`;
    Deno.writeTextFileSync(path, "declared\n");
    observed.observe("motd");
    await noticedOnce(observed, "an edit in place", () => Deno.writeTextFileSync(path, "edited\n"));
    await noticedOnce(observed, "an editor's replacement", () => {
      Deno.writeTextFileSync(`${path}.swp`, "replaced\n");
      Deno.renameSync(`${path}.swp`, path);
    });
    await noticedOnce(observed, "a change of the mode", () => Deno.chmodSync(path, 0o600));
    await noticedOnce(observed, "a removal", () => Deno.removeSync(path));
    await noticedOnce(observed, "a return", () => Deno.writeTextFileSync(path, "declared\n"));
  }));

Deno.test("OBS-5: a burst of writes is noticed once", () =>
  observing(async (observed) => {
    observed.observe("motd");
    await noticedOnce(observed, "two hundred writes", () => {
      for (let count = 0; count < 200; count++) {
        Deno.writeTextFileSync(`${observed.root}/motd`, `${count}\n`);
      }
    });
  }));

Deno.test("files that are not declared are no concern of the observer's", () =>
  observing(async (observed) => {
    observed.observe("motd");
    Deno.writeTextFileSync(`${observed.root}/other`, "noise\n");
    // A declared file's change comes after the noise, in the same order as the kernel told them.
    await noticedOnce(
      observed,
      "a declared file",
      () => Deno.writeTextFileSync(`${observed.root}/motd`, "edited\n"),
    );
  }));

Deno.test("a directory that is not there yet is left to scans, and watched once it is", () =>
  observing(async (observed) => {
    observed.observe("later/conf", "motd");
    assert.equal(observed.unwatched().length, 1);
    Deno.mkdirSync(`${observed.root}/later`);
    await noticedOnce(
      observed,
      "another declared file",
      () => Deno.writeTextFileSync(`${observed.root}/motd`, "edited\n"),
    );
    assert.deepEqual(observed.unwatched(), []);
    await noticedOnce(
      observed,
      "a file in the new directory",
      () => Deno.writeTextFileSync(`${observed.root}/later/conf`, "edited\n"),
    );
  }));

Deno.test("what is no longer declared is no longer watched", () =>
  observing(async (observed) => {
    observed.observe("motd");
    observed.observe("issue");
    Deno.writeTextFileSync(`${observed.root}/motd`, "edited\n");
    await noticedOnce(observed, "the declared file", () =>
      Deno.writeTextFileSync(`${observed.root}/issue`, "edited\n"));
  }));

Deno.test("the plan names each directory once with the names that matter in it", () => {
  const plan = watchPlan(["/etc/motd", "/etc/issue", "/motd"]);
  assert.deepEqual([...plan], [["/etc", new Set(["motd", "issue"])], ["/", new Set(["motd"])]]);
});
