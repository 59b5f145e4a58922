import assert from "node:assert/strict";
import { needing, withShim } from "../../support/mod.ts";
import { runToEnd, shell } from "./run_to_end.ts";

Deno.test("SUP-24: the child's environment is exactly the given one", async () => {
  await withShim(async (shim) => {
    const environment = { NAME: "value with = and spaces", EMPTY: "", ÜMLAUT: "ß" };
    const { stdout } = await runToEnd(shim, { executable: "/usr/bin/env", environment });
    assert.deepEqual(stdout.trimEnd().split("\n").sort(), [
      "EMPTY=",
      "NAME=value with = and spaces",
      "ÜMLAUT=ß",
    ]);
    assert.equal((await runToEnd(shim, { executable: "/usr/bin/env" })).stdout, "");
  });
});

Deno.test("SUP-20: arguments arrive unchanged, argv[0] included", async () => {
  await withShim(async (shim) => {
    const { stdout } = await runToEnd(shim, {
      executable: "/bin/sh",
      argument0: "renamed",
      arguments: ["-c", 'printf "%s|" "$0" "$@"', "zero", "a b", "", "$HOME"],
    });
    assert.equal(stdout, "zero|a b||$HOME|");
    const { stdout: commandLine } = await runToEnd(shim, {
      executable: "/bin/cat",
      argument0: "renamed",
      arguments: ["/proc/self/cmdline"],
    });
    assert.equal(commandLine, "renamed\0/proc/self/cmdline\0");
  });
});

Deno.test("SUP-20: the child has descriptors 0, 1 and 2 and no other", async () => {
  await withShim(async (shim) => {
    // The fourth is the directory that ls itself reads.
    for (const withoutClone3 of [false, true]) {
      const request = { executable: "/bin/ls", arguments: ["/proc/self/fd"], withoutClone3 };
      assert.equal((await runToEnd(shim, request)).stdout, "0\n1\n2\n3\n");
    }
  });
});

Deno.test("SUP-20: the child starts with no signal blocked or ignored, SIGPIPE included", async () => {
  await withShim(async (shim) => {
    for (const withoutClone3 of [false, true]) {
      const { stdout } = await runToEnd(shim, {
        executable: "/bin/grep",
        arguments: ["-E", "^Sig(Blk|Ign|Cgt)", "/proc/self/status"],
        withoutClone3,
      });
      const [blocked, ignored] = stdout.split("\n");
      assert.equal(blocked, "SigBlk:\t0000000000000000");
      assert.equal(ignored, "SigIgn:\t0000000000000000");
    }
  });
});

Deno.test("SUP-20: a writer whose reader is gone dies of SIGPIPE", async () => {
  await withShim(async (shim) => {
    const pump = shim.startEvents();
    const child = shim.processes.spawn({ executable: "/usr/bin/yes", stdout: "pipe" });
    assert.ok(child.stdout !== null);
    shim.files.closeDescriptor(child.stdout);
    const status = await pump.exitOf(child);
    assert.equal(status.kind === "signaled" && status.signalName, "SIGPIPE");
    child.close();
    await pump.close();
  });
});

Deno.test("SUP-20: the child leads a session and a process group of its own", async () => {
  await withShim(async (shim) => {
    const { stdout } = await runToEnd(shim, shell('echo $$; cut -d" " -f5,6 /proc/$$/stat'));
    const [pid, groupAndSession] = stdout.trimEnd().split("\n");
    assert.equal(groupAndSession, `${pid} ${pid}`);
  });
});

Deno.test("SUP-20: directory, umask, limits and no_new_privs take effect", async () => {
  await withShim(async (shim) => {
    const script =
      "pwd; umask; ulimit -Sn; ulimit -Hn; ulimit -c; grep NoNewPrivs /proc/self/status";
    const { stdout } = await runToEnd(
      shim,
      shell(script, {
        directory: "/usr",
        umask: 0o027,
        rlimits: { nofile: { soft: 128, hard: 256 }, core: { soft: 0, hard: 0 } },
        noNewPrivs: true,
      }),
    );
    assert.equal(stdout, "/usr\n0027\n128\n256\n0\nNoNewPrivs:\t1\n");
  });
});

Deno.test("SUP-23: the OOM score adjustment is the declared one", async () => {
  await withShim(async (shim) => {
    const { stdout } = await runToEnd(
      shim,
      shell("cat /proc/self/oom_score_adj", { oomScoreAdj: 250 }),
    );
    assert.equal(stdout, "250\n");
  });
});

Deno.test({
  ...needing(
    Deno.uid() === 0,
    "root",
    "SUP-20: uid, gid and the supplementary groups are the given ones",
  ),
  async fn() {
    await withShim(async (shim) => {
      const credentials = { uid: 65534, gid: 65533, groups: [100, 101] };
      const script = "grep -E '^(Uid|Gid|Groups|CapEff)' /proc/self/status";
      const { stdout } = await runToEnd(shim, shell(script, { credentials }));
      assert.equal(
        stdout.replaceAll(/[ \t]+/g, " ").replaceAll(" \n", "\n"),
        "Uid: 65534 65534 65534 65534\nGid: 65533 65533 65533 65533\n" +
          "Groups: 100 101\nCapEff: 0000000000000000\n",
      );
    });
  },
});
