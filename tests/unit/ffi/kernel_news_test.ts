import assert from "node:assert/strict";
import { IN, type ProcessFileEvent, type ProcessNews } from "../../../ffi/mod.ts";
import { needing, needingSysAdmin, tempDir, waitFor, withShim } from "../../support/mod.ts";

const CI = Deno.env.get("CI") === "true";

/** The proc connector serves the first PID namespace alone. */
function isFirstPidNamespace(): boolean {
  return Deno.uid() === 0 && Deno.readLinkSync("/proc/self/ns/pid") === "pid:[4026531836]";
}

Deno.test({
  ...needingSysAdmin("OBS-11: fanotify names the process that changed a file, by its directory"),
  fn: async () => {
    await using directory = await tempDir();
    await withShim(async (shim) => {
      const events = shim.startEvents();
      const seen: ProcessFileEvent[] = [];
      const fanotify = shim.openFanotify(events, (event) => seen.push(event));
      try {
        const key = fanotify.mark(directory.path);
        const child = new Deno.Command("sh", {
          args: ["-c", `echo changed > ${directory.path}/motd; chmod 600 ${directory.path}/motd`],
        }).spawn();
        await child.status;
        const done = () => seen.some(({ mask }) => (mask & IN.attrib) !== 0);
        await waitFor(done, { timeoutMs: 5_000, what: "the change of the mode" });
        const written = seen.find(({ mask }) => (mask & IN.closeWrite) !== 0);
        assert.deepEqual(
          [written?.directory, written?.name, written?.pid],
          [key, "motd", child.pid],
        );
        fanotify.unmark(directory.path);
        fanotify.unmark(`${directory.path}/gone`);
      } finally {
        fanotify.close();
        await events.close();
      }
    });
  },
});

Deno.test({
  ...needing(
    CI || isFirstPidNamespace(),
    "root in the first PID namespace",
    "OBS-12: the proc connector tells of a child and its program",
  ),
  fn: () =>
    withShim(async (shim) => {
      const events = shim.startEvents();
      const seen: ProcessNews[] = [];
      const watch = shim.watchProcesses(events, (news) => seen.push(news));
      try {
        const child = new Deno.Command("true").spawn();
        await child.status;
        const told = (kind: "fork" | "exec") =>
          seen.some((news) => news.kind === kind && news.pid === child.pid);
        await waitFor(() => told("fork") && told("exec"), { timeoutMs: 5_000, what: "the child" });
      } finally {
        watch.close();
        await events.close();
      }
    }),
});
