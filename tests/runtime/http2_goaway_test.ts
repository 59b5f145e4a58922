/**
 * The edge for which common/rpc/guard.ts exists. MALLOC_PERTURB_ makes glibc overwrite what is
 * freed, so that a session used after its end shows at once instead of once in a thousand
 * connections.
 */

import assert from "node:assert/strict";
import * as http2 from "node:http2";
import { text } from "node:stream/consumers";
import { type ProgramEnd, runDeno, spawnDeno } from "../support/mod.ts";

const triesMax = 5;
const rounds = "30";

async function storm(guard: "guarded" | "bare"): Promise<ProgramEnd> {
  return await runDeno({
    module: new URL("./programs/goaway_storm.ts", import.meta.url),
    flags: ["--allow-net=127.0.0.1"],
    args: [guard, rounds],
    env: { MALLOC_PERTURB_: "165" },
    timeoutMs: 60_000,
  });
}

Deno.test("without the guard, clients that leave with GOAWAY end the process", async () => {
  for (let tries = 0; tries < triesMax; tries++) {
    const { signal, success } = await storm("bare");
    if (!success) {
      assert.ok(signal === "SIGABRT" || signal === "SIGSEGV" || signal === "SIGBUS", `${signal}`);
      return;
    }
  }
  assert.fail(
    `the runtime survived ${triesMax} storms without the guard: if it has been mended, ` +
      "common/rpc/guard.ts can go; look at its other duties first",
  );
});

Deno.test("with the guard, a process survives every way in which clients leave", async () => {
  for (let tries = 0; tries < triesMax; tries++) {
    const { success, stdout, stderr, signal } = await storm("guarded");
    assert.ok(success, `${signal} ${stderr}`);
    assert.match(stdout, /survived/);
  }
});

Deno.test("with the guard, an RPC server survives h2load with 300 requests a session", async () => {
  await using server = spawnDeno({
    module: new URL("./programs/guarded_server.ts", import.meta.url),
    flags: ["--allow-net=127.0.0.1"],
    env: { MALLOC_PERTURB_: "165" },
  });
  const [, port] = await server.waitForOutput(/port (\d+)/);
  try {
    const { success, stdout } = await new Deno.Command("h2load", {
      args: ["-n", "15000", "-c", "50", "-m", "10", `http://127.0.0.1:${port}/plain`],
    }).output();
    assert.ok(success, new TextDecoder().decode(stdout));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    console.log("h2load is not installed: not tried with it");
  }
  assert.equal(await get(`http://127.0.0.1:${port}`, "/plain"), "hello\n");
});

/** A plain GET over cleartext HTTP/2. */
async function get(origin: string, path: string): Promise<string> {
  const session = http2.connect(origin);
  const stream = session.request({ ":path": path });
  stream.end();
  try {
    return await text(stream);
  } finally {
    session.destroy();
  }
}
