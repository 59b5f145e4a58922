import assert from "node:assert/strict";
import { DEVELOPMENT_LIBRARY } from "../../../../ffi/mod.ts";
import { repositoryRoot, runDeno, tempDir } from "../../../support/mod.ts";

const SHIM = `${repositoryRoot}${DEVELOPMENT_LIBRARY}`;

/** Runs the agent, with leave for everything, on a node of its own below a directory. */
async function runAgent(configuration: string, ...args: string[]) {
  await using dir = await tempDir();
  await Deno.writeTextFile(dir.file("agent.toml"), configuration);
  await Deno.mkdir(dir.file("run/pact"), { recursive: true });
  return await runDeno({
    module: `${repositoryRoot}agent/main.ts`,
    flags: ["--quiet", "-A", "--unstable-worker-options"],
    args: [
      `--config=${dir.file("agent.toml")}`,
      "--profile=rootless",
      `--root=${dir.path}`,
      `--shim=${SHIM}`,
      ...args,
    ],
  });
}

const configuration = (backend: string) => `
[agent]
node_id = "node-1"
[agent.supervisor]
backend = "${backend}"
[agent.journal]
endpoints = ["http://127.0.0.1:1"]
tls_enabled = false
`;

Deno.test("AGT-1: --variant prints the configured backend", async () => {
  for (const backend of ["pact", "systemd"]) {
    const { code, stdout, stderr } = await runAgent(configuration(backend), "--variant");
    assert.equal(stdout, `${backend}\n`, stderr);
    assert.equal(code, 0);
  }
});

Deno.test("SYD-8: an agent that is to run services by systemd where there is none ends with status 2", async () => {
  const { code, stderr } = await runAgent(configuration("systemd"));
  assert.match(stderr, /pact-agent: systemd is not running$/m);
  assert.equal(code, 2);
});
