import { timestampMs } from "@bufbuild/protobuf/wkt";
import { create } from "@bufbuild/protobuf";
import { object } from "@optique/core/constructs";
import { multiple, optional } from "@optique/core/modifiers";
import { option } from "@optique/core/primitives";
import { z } from "zod";
import { journal, type stream } from "../../api/mod.ts";
import type { JsonValue } from "../../common/json/mod.ts";
import { type Entry, type EntryType, parseEntry, PolicySchema } from "../../common/model/mod.ts";
import { withoutNulls } from "../../common/json/mod.ts";
import { EXIT, Failure } from "../failure/mod.ts";
import { jsonFromBytes } from "../json/mod.ts";
import { clockText, plural, printable } from "../output/mod.ts";
import { changeLines, scopeText, typeWord } from "../view/mod.ts";
import { action, type CommandContext } from "./action.ts";
import { listEntries, requireType } from "./log.ts";
import { say, sequence, withAction, word } from "./parsing.ts";
import { sleep } from "./sleep.ts";
import { requireVCluster } from "./targets.ts";

const MIN_BACKOFF_MS = 1000;
const MAX_BACKOFF_MS = 60_000;

interface Options {
  readonly from: number | undefined;
  readonly types: readonly string[];
}

/** `pact watch` (CLI-54). */
export const watchCommand = withAction(
  object({
    from: optional(option("--from", sequence(), {
      description: say("Begin with this entry of the log; default: what comes next."),
    })),
    types: multiple(option("--type", word("TYPE"), {
      description: say("Only entries of this type; may be repeated."),
    })),
  }),
  (options) => action((context) => watch(context, options)),
);

async function watch(context: CommandContext, options: Options): Promise<number> {
  const { out, settings } = context;
  const types = new Set(options.types.map(requireType));
  const vcluster = settings.vcluster === undefined ? "" : requireVCluster(settings.vcluster);
  let next = options.from ?? await headOf(context) + 1;
  const where = vcluster === "" ? "every vCluster" : `vCluster: ${vcluster}`;
  await out.note(`Watching config updates for ${where} (Ctrl-C to stop)`);
  let backoffMs = MIN_BACKOFF_MS;
  let lost = false;
  // Ends by Ctrl-C, which rejects the wait or ends the stream, or by an answer that is final.
  while (true) {
    try {
      const { peer, stream } = await context.session.journal();
      const request = { nodeId: "", vclusterId: vcluster, fromSequence: BigInt(next) };
      const updates = peer.stream((call) => stream.subscribeConfigUpdates(request, call));
      for await (const update of updates) {
        if (lost) await out.note("reconnected");
        lost = false;
        backoffMs = MIN_BACKOFF_MS;
        if (await show(context, update, types)) next = Number(update.sequence) + 1;
      }
    } catch (error) {
      if (!isTemporary(error)) throw error;
    }
    lost = true;
    context.session.forgetJournal();
    await sleep(context, backoffMs);
    backoffMs = Math.min(MAX_BACKOFF_MS, backoffMs * 2);
  }
}

function isTemporary(error: unknown): boolean {
  return error instanceof Failure &&
    (error.exitCode === EXIT.unreachable || error.code === "SUBSCRIBER_LAGGED" ||
      error.code === "BOOT_STREAMS_EXHAUSTED");
}

async function headOf(context: CommandContext): Promise<number> {
  const request = create(journal.ListEntriesRequestSchema, { limit: 1, descending: true });
  const [newest] = await listEntries(context, request);
  return newest?.sequence ?? -1;
}

type Kind = "OVERLAY" | "NODE_DELTA" | "POLICY" | "BLACKLIST" | "EVENT";

interface Event {
  readonly kind: Kind;
  readonly entry: Entry | undefined;
  readonly scope: string;
  readonly author: string;
  readonly detail: string;
  readonly document: JsonValue;
}

/** Prints one update; false for a sign of life, which carries none. */
async function show(
  { out }: CommandContext,
  update: stream.ConfigUpdate,
  types: ReadonlySet<EntryType>,
): Promise<boolean> {
  const event = read(update);
  if (event === undefined) return false;
  if (types.size > 0 && (event.entry === undefined || !types.has(event.entry.entry_type))) {
    return true;
  }
  const atMs = update.timestamp === undefined ? 0 : timestampMs(update.timestamp);
  const sequence = `seq:${update.sequence}`.padEnd(10);
  const line = `[${clockText(atMs)}] ${sequence} ${
    event.kind.padEnd(10)
  } ${event.scope} ${event.author}`;
  await out.event(event.detail === "" ? line : `${line} ${event.detail}`, {
    sequence: Number(update.sequence),
    timestamp: new Date(atMs).toISOString(),
    kind: event.kind,
    document: event.document,
  });
  return true;
}

const BlacklistSchema = z.array(z.string());

function read({ update }: stream.ConfigUpdate): Event | undefined {
  switch (update.case) {
    case "vclusterChange":
      return entryEvent(update.value, "OVERLAY");
    case "nodeChange":
      return entryEvent(update.value, "NODE_DELTA");
    case "policyChange": {
      const document = json(update.value);
      const policy = PolicySchema.safeParse(withoutNulls(document));
      const scope = policy.success ? `vc:${policy.data.vcluster_id}` : "-";
      const detail = policy.success ? `version ${policy.data.version}` : "";
      return { kind: "POLICY", entry: undefined, scope, author: "-", detail, document };
    }
    case "blacklistChange": {
      const document = json(update.value);
      const globs = BlacklistSchema.safeParse(document);
      const detail = globs.success ? plural(globs.data.length, "pattern") : "";
      return { kind: "BLACKLIST", entry: undefined, scope: "-", author: "-", detail, document };
    }
    // Nodes alone get it; people get the entry.
    case "lockChange":
    case undefined:
      return undefined;
  }
}

function entryEvent(bytes: Uint8Array, kind: Kind): Event {
  const document = json(bytes);
  const entry = parseEntry(document);
  const declares = entry.entry_type === "Commit" || entry.entry_type === "Rollback" ||
    entry.entry_type === "BootConfig";
  const changes = entry.state_delta === undefined ? 0 : changeLines(entry.state_delta).length;
  const detail = [
    typeWord(entry.entry_type),
    changes > 0 ? `(${plural(changes, "change")})` : "",
    printable(entry.message ?? ""),
  ].filter((part) => part !== "").join(" ");
  return {
    kind: declares ? kind : "EVENT",
    entry,
    scope: scopeText(entry.scope),
    author: printable(entry.author.principal),
    detail,
    document,
  };
}

function json(bytes: Uint8Array): JsonValue {
  return jsonFromBytes(bytes);
}
