/** A writer over a real operation log, with the journal played by the test. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { agentport, config } from "../../../../api/mod.ts";
import { openOperationLog, type OperationLog } from "../../../../agent/cache/mod.ts";
import {
  createEntryWriter,
  type EntryWriter,
  nodeEntry,
  type ReplayOutcome,
} from "../../../../agent/entries/mod.ts";
import { silentLogger } from "../../../../common/log/mod.ts";
import type { Files } from "../../../../ffi/mod.ts";
import { VirtualClock } from "../../../support/clock/mod.ts";

export class QueueRig {
  readonly clock = new VirtualClock();
  /** What was handed to the worker. */
  readonly sent: agentport.Append[] = [];
  readonly replayed: (readonly [string, ReplayOutcome["kind"]])[] = [];
  readonly operations: OperationLog;
  readonly writer: EntryWriter;
  #ids = 0;

  constructor(files: Files, path: string, private readonly life = "a") {
    this.operations = openOperationLog(files, path, silentLogger);
    this.writer = createEntryWriter({
      operations: this.operations,
      send: (append) => this.sent.push(append),
      clock: this.clock,
      log: silentLogger,
      newRequestId: () => `${this.life}${++this.#ids}`,
      onReplayed: (append, { kind }) => this.replayed.push([append.requestId, kind]),
    });
  }

  /** Writes a command's entry. */
  write(message: string) {
    return this.writer.write({ entry: execEntry(message, this.clock.nowMs()), expectedHead: 3n });
  }

  /** The journal's answer to the newest append. */
  answer(result: Omit<MessageInitShape<typeof agentport.AppendResultSchema>, "$typeName">): void {
    const { appendId = 0n } = this.sent.at(-1) ?? {};
    this.writer.onResult(create(agentport.AppendResultSchema, { ...result, appendId }));
  }

  /** Messages of what was sent, in order. */
  get messages(): string[] {
    return this.sent.map(({ entry }) => entry?.message ?? "");
  }
}

export function execEntry(message: string, nowMs: number): config.ConfigEntry {
  const author = { principal: "ben", principalType: "Human", role: "pact-ops-ml" };
  return nodeEntry("n1", nowMs, author, {
    entryType: config.EntryType.EXEC_LOG,
    message,
    policyRef: "rbac:ops",
  });
}
