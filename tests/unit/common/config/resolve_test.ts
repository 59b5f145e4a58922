import assert from "node:assert/strict";
import { z } from "zod";
import {
  AbsolutePathSchema,
  ConfigError,
  listSetting,
  locateTomlKey,
  numberSetting,
  parseToml,
  resolveConfig,
  switchSetting,
  textSetting,
} from "../../../../common/config/mod.ts";

const TABLE = {
  nodeId: numberSetting(
    { flag: "node-id", env: ["PACT_NODE"], key: "journal.node_id" },
    z.number().int().min(1),
  ),
  dataDir: textSetting(
    { flag: "data-dir", env: ["PACT_DIR"], key: "journal.data_dir" },
    AbsolutePathSchema.default("/var/lib/pact"),
  ),
  isSingle: switchSetting({ flag: "single-node" }, false),
  audiences: listSetting(
    { env: ["PACT_AUDIENCE"], key: "policy.audience" },
    z.union([z.string(), z.array(z.string())]).default("pact"),
  ),
};

function resolve(args: string[], env?: Record<string, string>, text?: string) {
  return resolveConfig(TABLE, {
    args,
    env: env ?? {},
    file: text === undefined ? undefined : { path: "journal.toml", text },
  });
}

function message(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.message;
  }
  throw new assert.AssertionError({ message: "no error was raised" });
}

Deno.test("CFG-1: an option beats the environment, which beats the file, which beats the default", () => {
  const file = "[journal]\nnode_id = 3\ndata_dir = '/from/file'\n";
  assert.equal(resolve(["--node-id", "1"], { PACT_NODE: "2" }, file).values.nodeId, 1);
  assert.equal(resolve([], { PACT_NODE: "2" }, file).values.nodeId, 2);
  assert.equal(resolve([], {}, file).values.nodeId, 3);
  assert.equal(resolve([], {}, file).values.dataDir, "/from/file");
  assert.equal(resolve(["--node-id=1"]).values.dataDir, "/var/lib/pact");
});

Deno.test("ACF-1: who has to come up is forgiven what cannot be used, and told of it", () => {
  const forgiving = (text: string) =>
    resolveConfig(TABLE, {
      args: ["--node-id=1"],
      env: {},
      file: { path: "journal.toml", text },
      isForgiving: true,
    });
  const bad = forgiving("[journal]\ndata_dir = 'relative'\n");
  assert.equal(bad.values.dataDir, "/var/lib/pact");
  assert.match(bad.warnings[0] ?? "", /data_dir: must be an absolute path.*the default is used/);
  const torn = forgiving("[journal\n");
  assert.equal(torn.values.dataDir, "/var/lib/pact");
  assert.match(torn.warnings[0] ?? "", /journal.toml:1.*nothing of this file is used/);
  assert.throws(
    () => resolveConfig(TABLE, { args: [], env: {}, isForgiving: true }),
    ConfigError,
    "what has no default is still missed",
  );
});

Deno.test("DEP-21: an empty variable counts as not set", () => {
  assert.equal(
    resolve([], { PACT_NODE: "", PACT_DIR: "" }, "[journal]\nnode_id = 3").values.nodeId,
    3,
  );
});

Deno.test("CFG-1: an unknown key warns with its line and the most similar known key", () => {
  const { warnings } = resolve(
    [],
    {},
    "[journal]\nnode_id = 3\n\ndata_dri = '/x'\n[colour]\nred = 1\n",
  );
  assert.deepEqual(warnings, [
    "journal.toml:4:1: unknown key journal.data_dri is ignored, did you mean journal.data_dir?",
    "journal.toml:5:1: unknown key colour is ignored",
  ]);
});

Deno.test("a wrong type names the file, the line and the key path", () => {
  assert.match(
    message(() => resolve([], {}, "# comment\n[journal]\nnode_id = 'three'\n")),
    /^journal\.toml:3:1: journal\.node_id: .*number/,
  );
});

Deno.test("malformed TOML names file, line and column", () => {
  assert.match(
    message(() => parseToml("[a]\nb = \n", "x.toml")),
    /^x\.toml:2:\d+: malformed TOML: /,
  );
});

Deno.test("a missing required setting says where it can be given", () => {
  assert.equal(
    message(() => resolve([])),
    "required setting missing: give --node-id or PACT_NODE or journal.node_id in the configuration file",
  );
});

Deno.test("an unknown option is refused with the nearest one", () => {
  assert.equal(
    message(() => resolve(["--node-di", "1"])),
    "unknown option --node-di: did you mean --node-id?",
  );
  assert.equal(message(() => resolve(["--node-id"])), "--node-id needs a value");
});

Deno.test("switches stand alone, lists split at commas, other words stay operands", () => {
  const { values, operands } = resolve(["backup", "--node-id", "1", "--single-node"], {
    PACT_AUDIENCE: "pact, pact-cli",
  });
  assert.deepEqual(values.audiences, ["pact", "pact-cli"]);
  assert.equal(values.isSingle, true);
  assert.deepEqual(operands, ["backup"]);
});

Deno.test("ACF-2: a relative path is refused", () => {
  assert.match(
    message(() => resolve(["--node-id=1", "--data-dir", "data"])),
    /--data-dir: must be an absolute path/,
  );
});

Deno.test("keys are located in tables, dotted keys, quoted keys and arrays of tables", () => {
  const text = [
    "[vcluster.ml.sysctl]",
    '"vm.swappiness" = "10"',
    "[[vcluster.ml.services]]",
    "name = 'a'",
    "a.b = 1",
  ].join("\n");
  const line = (path: string[]) => locateTomlKey(text, path, "f").line;
  assert.equal(line(["vcluster", "ml", "sysctl", "vm.swappiness"]), 2);
  assert.equal(line(["vcluster", "ml", "services", "0", "name"]), 4);
  assert.equal(line(["vcluster", "ml", "services", "0", "a", "b"]), 5);
  assert.equal(line(["vcluster", "ml", "services", "0", "missing"]), 3);
});
