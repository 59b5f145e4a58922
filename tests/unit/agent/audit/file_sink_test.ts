import assert from "node:assert/strict";
import { openFileSink } from "../../../../agent/audit/mod.ts";
import { systemClock } from "../../../../common/clock/mod.ts";
import { createLogger, silentLogger } from "../../../../common/log/mod.ts";
import {
  type AuditEvent,
  auditEvent,
  AuditSinkError,
  CHAIN_START,
  type ChainHead,
  nodeScope,
  readChainLine,
  systemPrincipal,
} from "../../../../contracts/mod.ts";
import { needingSysAdmin, tempDir, withShim } from "../../../support/mod.ts";

const event = (detail: string): AuditEvent =>
  auditEvent({
    id: crypto.randomUUID(),
    nowUsec: 1n,
    principal: systemPrincipal("pact-agent"),
    action: "config.commit",
    scope: nodeScope("n1"),
    outcome: "Success",
    source: "PactAgent",
    detail,
  });

/** Writes events as one life of an agent does; what it logged. */
async function write(path: string, ...details: string[]): Promise<string> {
  const lines: string[] = [];
  await withShim(async ({ files }) => {
    const log = createLogger({
      component: "test",
      level: "debug",
      format: "text",
      nowMs: () => 0,
      write: (line) => lines.push(line),
    });
    const sink = openFileSink({ files, path, clock: systemClock, log });
    for (const detail of details) sink.emit(event(detail));
    await sink.close();
  });
  return lines.join("\n");
}

/** Details of the events of a file whose chain is whole. */
function detailsOf(path: string): string[] {
  let head: ChainHead = CHAIN_START;
  const details: string[] = [];
  for (const line of Deno.readTextFileSync(path).split(/(?<=\n)/)) {
    const read = readChainLine(head, line);
    assert.ok(read.result !== "Torn" && read.result !== "Broken", `${read.result}: ${line}`);
    head = read.head;
    details.push(read.event.detail);
  }
  return details;
}

Deno.test("AS-10: events are one chain, through restarts of the agent", async () => {
  await using directory = await tempDir();
  const path = directory.file("audit.log");
  await write(path, "one", "two");
  await write(path, "three");
  assert.deepEqual(detailsOf(path), ["one", "two", "three"]);
  assert.equal((Deno.statSync(path).mode ?? 0) & 0o777, 0o600);
});

Deno.test("AS-12: a torn last line is cut, and the chain goes on", async () => {
  await using directory = await tempDir();
  const path = directory.file("audit.log");
  await write(path, "one", "two");
  const whole = Deno.readTextFileSync(path);
  Deno.writeTextFileSync(path, whole.slice(0, -10));
  await write(path, "three");
  assert.deepEqual(detailsOf(path), ["one", "three"]);
});

Deno.test("AS-12: a file that was tampered with is put aside and told, and a new one begins", async () => {
  await using directory = await tempDir();
  const path = directory.file("audit.log");
  await write(path, "one", "two");
  Deno.writeTextFileSync(path, Deno.readTextFileSync(path).replace('"one"', '"eno"'));
  assert.match(await write(path, "three"), /ERROR .*audit chain broken/);
  assert.deepEqual(detailsOf(path), ["three"]);
  const aside = [...Deno.readDirSync(directory.path)].filter(({ name }) => name.includes("broken"));
  assert.equal(aside.length, 1);
});

Deno.test({
  ...needingSysAdmin("AS-6: on a full disk a flush fails, and nothing is lost once there is room"),
  async fn() {
    await using directory = await tempDir();
    const disk = directory.file("disk");
    await Deno.mkdir(disk);
    await withShim(async ({ files, mounts }) => {
      await mounts.mount({ source: "none", target: disk, type: "tmpfs", data: "size=16k" });
      const path = `${disk}/audit.log`;
      const sink = openFileSink({ files, path, clock: systemClock, log: silentLogger });
      try {
        await Deno.writeFile(`${disk}/filler`, new Uint8Array(16 * 1024)).catch(() => {});
        sink.emit(event("freeze"));
        await assert.rejects(
          sink.flush(1_000),
          new AuditSinkError({ kind: "FlushFailed", reason: "the file cannot be written" }),
        );
        await Deno.remove(`${disk}/filler`);
        await sink.flush(1_000);
        assert.deepEqual(detailsOf(path), ["freeze"]);
      } finally {
        await sink.close();
        await mounts.unmount(disk);
      }
    });
  },
});
