import assert from "node:assert/strict";
import {
  type ExecLookup,
  type ExecRequest,
  type ExecRights,
  prepareExec,
} from "../../../../agent/exec/prepare.ts";
import { realPath, resolveBinary } from "../../../../agent/exec/resolve.ts";
import { effectiveWhitelist } from "../../../../agent/exec/mod.ts";
import { tempDir, withShim } from "../../../support/mod.ts";

const OPS: ExecRights = {
  whitelist: effectiveWhitelist([]).names,
  bypassesWhitelist: false,
  readOnlyOnly: false,
  isPlatformAdmin: false,
};
const ADMIN: ExecRights = { ...OPS, bypassesWhitelist: true, isPlatformAdmin: true };

const LOOKUP: ExecLookup = {
  binary: (name) => ({ kind: "found", path: `/usr/bin/${name}` }),
  realPath: (path) => path === "/tmp/link" ? "/etc/shadow" : path,
  root: "/srv/dev",
};

function refusal(request: ExecRequest, rights = OPS, lookup = LOOKUP): string {
  const prepared = prepareExec(request, rights, lookup);
  return prepared.kind === "ready"
    ? "ready"
    : `${prepared.refusal.exitCode} ${prepared.refusal.message}`;
}

Deno.test("EXE-2: what is not whitelisted is refused by name, a path in any case", () => {
  assert.equal(refusal({ command: "sh", args: [] }), "126 command not whitelisted: sh");
  assert.equal(
    refusal({ command: "/usr/bin/cat", args: [] }),
    "126 command not whitelisted: /usr/bin/cat",
  );
  assert.equal(
    refusal({ command: "/bin/sh", args: [] }, ADMIN),
    "126 command not whitelisted: /bin/sh",
  );
});

Deno.test("WHL-6: a platform admin's command beyond the list is marked for the audit", () => {
  const prepared = prepareExec({ command: "strace", args: [] }, ADMIN, LOOKUP);
  assert.ok(prepared.kind === "ready");
  assert.equal(prepared.plan.bypass, true);
  assert.equal(prepared.plan.class, "state-changing");
});

Deno.test("EXE-1: one text with blanks is split, with arguments it is taken as it stands", () => {
  const prepared = prepareExec({ command: "grep -r 'a b' /etc", args: [] }, OPS, LOOKUP);
  assert.ok(prepared.kind === "ready");
  assert.deepEqual(prepared.plan.args, ["-r", "a b", "/etc"]);
  assert.equal(
    refusal({ command: "grep x", args: ["y"] }),
    "126 command not whitelisted: grep x",
  );
  assert.match(refusal({ command: "grep 'x", args: [] }), /unclosed single quote/);
});

Deno.test("EXE-2: too many or too long arguments and NUL bytes are invalid", () => {
  const echo = (args: string[]) => refusal({ command: "echo", args });
  assert.equal(echo(Array(1024).fill("x")), "ready");
  assert.equal(echo(Array(1025).fill("x")), "126 more than 1024 arguments");
  assert.equal(echo(["x".repeat(131_073)]), "126 arguments longer than 131072 bytes");
  assert.equal(echo(["a\0b"]), "126 NUL byte in an argument");
  assert.equal(refusal({ command: "", args: [] }), "126 command is empty");
});

Deno.test("EXE-4: sensitive paths are refused in every spelling, to every role", () => {
  const denied = (arg: string) => `126 access denied: cat cannot access ${arg} (sensitive path)`;
  for (
    const arg of [
      "/etc/shadow",
      "etc/shadow",
      "//etc/./x/../gshadow-",
      "--file=/etc/shadow",
      "-f/etc/shadow",
      "/root",
      "/home/ana/.ssh/id_ed25519",
      "/proc/self/environ",
      "/proc/1/task/1/environ",
      "/proc/kcore",
      "/run/pact/state/supervisor.json",
      "/etc/pact/certs/node.key",
      "/srv/dev/etc/pact/agent.key",
      "/tmp/link",
    ]
  ) {
    assert.equal(refusal({ command: "cat", args: [arg] }, ADMIN), denied(arg));
  }
  for (const arg of ["/etc/passwd", "/etc/pact/agent.toml", "/proc/meminfo", "/etc/shadow2"]) {
    assert.equal(refusal({ command: "cat", args: [arg] }), "ready", arg);
  }
});

Deno.test("EXE-10, EXE-11: who may only read gets no state-changing call", () => {
  const reader = { ...OPS, readOnlyOnly: true };
  assert.equal(refusal({ command: "sysctl", args: ["-a"] }, reader), "ready");
  assert.equal(
    refusal({ command: "sysctl", args: ["a=1"] }, reader),
    "126 command changes state: sysctl",
  );
});

Deno.test("WHL-2, WHL-3: a policy's list replaces the default one, without what can escape", () => {
  const { names, refused } = effectiveWhitelist(["lspci", "vim", "python3.11", "a/b", "sed"], [
    "sed",
  ]);
  assert.deepEqual([...names], ["lspci", "sed"]);
  assert.deepEqual(refused, ["vim", "python3.11", "a/b"]);
});

Deno.test("WHL-5: a program that others can change is not run, nor one that is not there", async () => {
  await using dir = await tempDir();
  await withShim(async ({ files }) => {
    for (const name of ["good", "writable", "foreign", "plain"]) {
      await Deno.writeTextFile(dir.file(name), "", { mode: 0o755 });
    }
    await Deno.chmod(dir.file("writable"), 0o757);
    await Deno.chmod(dir.file("plain"), 0o644);
    await Deno.symlink(dir.file("writable"), dir.file("link"));
    const isRoot = Deno.uid() === 0;
    if (isRoot) await Deno.chown(dir.file("foreign"), 65534, 65534);
    const find = (name: string) => resolveBinary(name, files, ["/nowhere", dir.path]);
    if (isRoot) assert.deepEqual(find("good"), { kind: "found", path: dir.file("good") });
    assert.deepEqual(find("absent"), {
      kind: "absent",
      reason: "command not installed: absent",
    });
    assert.equal(find("plain").kind, "absent");
    assert.equal(find("foreign").kind, "absent");
    for (const name of ["writable", "link"]) {
      const found = find(name);
      assert.ok(found.kind === "absent");
      assert.match(found.reason, /^command not installed: .* can be changed by others than root/);
    }
    const missing = refusal({ command: "ls", args: [] }, OPS, {
      ...LOOKUP,
      binary: () => find("absent"),
    });
    assert.equal(missing, "127 command not installed: absent");
  });
});

Deno.test("EXE-4: links are followed through directories, and circles end", async () => {
  await using dir = await tempDir();
  await withShim(async ({ files }) => {
    await Deno.mkdir(dir.file("real"));
    await Deno.writeTextFile(dir.file("real/file"), "");
    await Deno.symlink("real", dir.file("alias"));
    await Deno.symlink("../alias/file", dir.file("real/again"));
    await Deno.symlink("loop", dir.file("loop"));
    const base = await Deno.realPath(dir.path);
    assert.equal(realPath(`${base}/alias/again`, files), `${base}/real/file`);
    assert.equal(realPath(`${base}/alias/none/x`, files), `${base}/real/none/x`);
    assert.equal(realPath("/proc/self/root/etc/shadow", files), "/etc/shadow");
    assert.equal(realPath(`${base}/loop`, files), `${base}/loop`);
  });
});
