import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { agentport } from "../../../../api/mod.ts";
import {
  type AgentCache,
  loadIdentity,
  openCache,
  openOperationLog,
} from "../../../../agent/cache/mod.ts";
import { createLogger, type Logger } from "../../../../common/log/mod.ts";
import type { Files } from "../../../../ffi/mod.ts";
import { tempDir, withShim } from "../../../support/mod.ts";

interface Scene {
  readonly files: Files;
  readonly path: string;
  readonly log: Logger;
  /** What was logged. */
  readonly lines: string[];
  readonly cache: AgentCache;
  identity(): agentport.NodeIdentity | undefined;
}

async function scene(test: (scene: Scene) => void | Promise<void>): Promise<void> {
  await using directory = await tempDir();
  const lines: string[] = [];
  const log = createLogger({
    component: "test",
    level: "debug",
    format: "text",
    nowMs: () => 0,
    write: (line) => lines.push(line),
  });
  await withShim(async ({ files }) => {
    const { path } = directory;
    const cache = openCache(files, { cache: path, state: path }, log);
    await test({
      files,
      path,
      log,
      lines,
      cache,
      identity: () => loadIdentity(files, path, log),
    });
  });
}

const DECLARED = create(agentport.DeclaredConfigSchema, {
  vclusterId: "ml",
  sequence: 7n,
  sysctl: { "vm.swappiness": "10" },
});
const IDENTITY = create(agentport.NodeIdentitySchema, { nodeId: "n1", keyPem: "secret" });
const modeOf = (path: string) => (Deno.statSync(path).mode ?? 0) & 0o777;

Deno.test("PRT-3: what was declared and who the node is come back as they were", () =>
  scene(({ cache, identity, lines }) => {
    assert.equal(cache.declared(), undefined);
    assert.equal(identity(), undefined);
    cache.keepDeclared(DECLARED);
    cache.keepIdentity(IDENTITY);
    assert.deepEqual(cache.declared(), DECLARED);
    assert.deepEqual(identity(), IDENTITY);
    assert.deepEqual(lines, []);
  }));

Deno.test("PRT-3, NEN-6: both files are the agent's alone", () =>
  scene(({ cache, path }) => {
    cache.keepDeclared(DECLARED);
    cache.keepIdentity(IDENTITY);
    assert.deepEqual(
      ["declared.bin", "identity.bin"].map((name) => modeOf(`${path}/${name}`)),
      [0o600, 0o600],
    );
  }));

Deno.test("PRT-3: a file with any one bit changed is ignored, and said to be", () =>
  scene(({ cache, path, lines }) => {
    cache.keepDeclared(DECLARED);
    const file = `${path}/declared.bin`;
    const whole = Deno.readFileSync(file);
    for (let index = 0; index < whole.length; index++) {
      const damaged = whole.slice();
      damaged[index] = (damaged[index] ?? 0) ^ 1;
      Deno.writeFileSync(file, damaged);
      lines.length = 0;
      assert.equal(cache.declared(), undefined, `byte ${index}`);
      assert.match(lines.join("\n"), /ERROR .*cache file ignored/, `byte ${index}`);
    }
  }));

Deno.test("PRT-3: files that are cut, empty, or no files are ignored, and said to be", () =>
  scene(({ cache, path, lines }) => {
    cache.keepDeclared(DECLARED);
    const file = `${path}/declared.bin`;
    const whole = Deno.readFileSync(file);
    for (const length of [0, 5, 40, whole.length - 1]) {
      Deno.writeFileSync(file, whole.slice(0, length));
      lines.length = 0;
      assert.equal(cache.declared(), undefined);
      assert.match(lines.join("\n"), /cache file ignored/);
    }
    Deno.removeSync(file);
    Deno.symlinkSync("/etc/hostname", file);
    assert.equal(cache.declared(), undefined);
    Deno.removeSync(file);
    Deno.mkdirSync(file);
    assert.equal(cache.declared(), undefined);
  }));

Deno.test("NEN-7: a node that is revoked forgets what it was given", () =>
  scene(({ cache, identity, path }) => {
    cache.keepDeclared(DECLARED);
    cache.keepIdentity(IDENTITY);
    cache.forget();
    assert.deepEqual([cache.declared(), identity()], [undefined, undefined]);
    assert.deepEqual([...Deno.readDirSync(path)], []);
    cache.forget();
  }));

Deno.test("NEN-6: certificate and CAs are there for others to read where a directory is named, the key never", () =>
  scene(({ files, log, path }) => {
    const directory = `${path}/certs`;
    const known = create(agentport.NodeIdentitySchema, {
      ...IDENTITY,
      certPem: "the certificate",
      trustBundlePem: "the CAs",
    });
    openCache(files, { cache: path, state: path }, log).publishIdentity(known);
    assert.deepEqual([...Deno.readDirSync(path)], []);
    const cache = openCache(files, { cache: path, state: path, certificates: directory }, log);
    cache.publishIdentity(known);
    assert.equal(modeOf(directory), 0o755);
    const names = [...Deno.readDirSync(directory)].map(({ name }) => name).sort();
    assert.deepEqual(names, ["node.crt", "trust-bundle.crt"]);
    assert.deepEqual(names.map((name) => Deno.readTextFileSync(`${directory}/${name}`)), [
      "the certificate",
      "the CAs",
    ]);
    assert.deepEqual(names.map((name) => modeOf(`${directory}/${name}`)), [0o644, 0o644]);
    cache.forget();
    assert.deepEqual([...Deno.readDirSync(directory)], []);
  }));

const append = (requestId: string) => create(agentport.AppendSchema, { requestId });

Deno.test("PRT-7: records that are torn or damaged are dropped and told, the others stay in order", () =>
  scene(({ files, path, log, lines }) => {
    const file = `${path}/operations.log`;
    const first = openOperationLog(files, file, log);
    for (const id of ["one", "two", "three", "four"]) first.add(append(id));
    first.close();
    assert.equal(modeOf(file), 0o600);
    const [one = "", two = "", three = "", four = ""] = Deno.readTextFileSync(file).split("\n");
    const damaged = `${two.slice(0, -2)}${two.at(-2) === "A" ? "B" : "A"}${two.slice(-1)}`;
    Deno.writeTextFileSync(file, [one, damaged, three, four.slice(0, 40)].join("\n"));
    const next = openOperationLog(files, file, log);
    assert.deepEqual(next.pending.map(({ requestId }) => requestId), ["one", "three"]);
    assert.equal(lines.filter((line) => /record damaged, dropped/.test(line)).length, 2);
    next.add(append("five"));
    next.close();
    const last = openOperationLog(files, file, log);
    assert.deepEqual(last.pending.map(({ requestId }) => requestId), ["one", "three", "five"]);
    last.close();
  }));

Deno.test("PRT-7: a log is full at ten thousand records", () =>
  scene(({ files, path, log }) => {
    const file = `${path}/operations.log`;
    const filled = openOperationLog(files, file, log);
    filled.add(append("one"));
    filled.close();
    const [line = ""] = Deno.readTextFileSync(file).split("\n");
    Deno.writeTextFileSync(file, `${line}\n`.repeat(9_999));
    const full = openOperationLog(files, file, log);
    assert.ok(!full.isFull);
    full.add(append("last"));
    assert.ok(full.isFull);
    full.close();
  }));

Deno.test("the file is empty again once everything is settled", () =>
  scene(({ files, path, log }) => {
    const file = `${path}/operations.log`;
    const operations = openOperationLog(files, file, log);
    operations.add(append("one"));
    operations.add(append("two"));
    operations.settleFirst();
    operations.settleFirst();
    assert.equal(Deno.statSync(file).size, 0);
    operations.add(append("three"));
    operations.close();
    const next = openOperationLog(files, file, log);
    assert.deepEqual(next.pending.map(({ requestId }) => requestId), ["three"]);
    next.close();
  }));
