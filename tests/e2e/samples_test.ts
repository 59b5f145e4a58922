import assert from "node:assert/strict";
import { DEVELOPMENT_LIBRARY } from "../../ffi/mod.ts";
import { repositoryRoot, runDeno } from "../support/mod.ts";
import { openSite } from "../support/site/mod.ts";

const deploy = `${repositoryRoot}deploy`;

/** Variables of the sample that differs from host to host. */
function sampleEnvironment(): Record<string, string> {
  const text = Deno.readTextFileSync(`${deploy}/systemd/journal.env`);
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return Object.fromEntries(
    lines.map((line): [string, string] => {
      const [name = "", value = ""] = line.split("=");
      return [name, value];
    }),
  );
}

for (
  const [sample, env] of [["journal.toml", sampleEnvironment()], [
    "journal-single.toml",
    {},
  ]] as const
) {
  Deno.test(`demand 13, CFG-2: deploy/config/${sample} is valid as it is, without a warning`, async () => {
    const { code, stdout, stderr } = await runDeno({
      module: `${repositoryRoot}journal/main.ts`,
      flags: ["--quiet", "-P=journal", `--allow-read=${deploy}`],
      args: ["--check-config", `--config=${deploy}/config/${sample}`],
      env,
    });
    assert.deepEqual({ code, stdout, stderr }, {
      code: 0,
      stdout: "configuration is valid\n",
      stderr: "",
    });
  });
}

Deno.test("CFG-2: what the deployment guide writes for three members is taken as it is written", async () => {
  // The form of the list in the environment names ports of the API; both forms may be there at once.
  const { code, stdout, stderr } = await runDeno({
    module: `${repositoryRoot}journal/main.ts`,
    flags: ["--quiet", "-P=journal", `--allow-read=${deploy}`],
    args: ["--check-config", `--config=${deploy}/config/journal.toml`],
    env: {
      PACT_JOURNAL_NODE_ID: "2",
      PACT_JOURNAL_LISTEN: "0.0.0.0:9443",
      PACT_JOURNAL_DATA_DIR: "/var/lib/pact/journal",
      PACT_JOURNAL_PEERS: [1, 2, 3].map((id) => `${id}=journal-${id}.mgmt.example.org:9443`).join(
        ",",
      ),
    },
  });
  assert.deepEqual({ code, stdout, stderr }, {
    code: 0,
    stdout: "configuration is valid\n",
    stderr: "",
  });
});

Deno.test("demand 13: deploy/config/agent.toml is valid where there is a CA certificate, without a warning", async () => {
  await using site = await openSite();
  const sample = await Deno.readTextFile(`${deploy}/config/agent.toml`);
  const config = `${site.nodeRoot("node-1")}/etc/pact/agent.toml`;
  await Deno.mkdir(`${site.nodeRoot("node-1")}/etc/pact`, { recursive: true });
  await Deno.writeTextFile(config, sample.replace("/etc/pact/ca.crt", site.caCert));
  const { code, stdout, stderr } = await runDeno(
    site.programOptions("agent", site.nodeRoot("node-1"), [
      "--check-config",
      `--config=${config}`,
      "--profile=rootless",
      `--shim=${repositoryRoot}${DEVELOPMENT_LIBRARY}`,
    ]),
  );
  assert.deepEqual({ code, stdout, stderr }, {
    code: 0,
    stdout: "configuration is valid\n",
    stderr: "",
  });
});

Deno.test("demand 13: deploy/examples/ml-training.toml can be applied as it is", async () => {
  await using site = await openSite();
  await site.addPerson({ name: "ana", role: "pact-platform-admin" });
  await site.startJournal();
  const spec = `${deploy}/examples/ml-training.toml`;
  const preview = await site.pact("ana", ["apply", spec, "--dry-run"]);
  assert.match(preview.stdout, /^vCluster ml-training: \d+ changes/m, preview.stderr);
  const applied = await site.pact("ana", ["apply", spec]);
  assert.match(applied.stdout, /Applied to vcluster ml-training/, applied.stderr);
  assert.equal(applied.code, 0);
});
