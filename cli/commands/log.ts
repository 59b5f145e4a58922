import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { object } from "@optique/core/constructs";
import { multiple, optional, withDefault } from "@optique/core/modifiers";
import { flag, option } from "@optique/core/primitives";
import { integer } from "@optique/core/valueparser";
import { type config, journal } from "../../api/mod.ts";
import type { JsonValue } from "../../common/json/mod.ts";
import { type Entry, type EntryType, type Scope } from "../../common/model/mod.ts";
import { entryTypeToWire, scopeToWire, storedEntryFromWire } from "../../common/wire/mod.ts";
import { EXIT, usageFailure } from "../failure/mod.ts";
import { asJsonObject } from "../json/mod.ts";
import { entryLine, parseTypeWord, typeWords } from "../view/mod.ts";
import { action, type CommandContext } from "./action.ts";
import { type Moment, moment, momentMs, say, sequence, withAction, word } from "./parsing.ts";
import { parseScope, requireVCluster } from "./targets.ts";

/** Most entries one command asks for. */
const MAX_ENTRIES = 100_000;

interface Options {
  readonly count: number;
  readonly scope: string | undefined;
  readonly types: readonly string[];
  readonly since: Moment | undefined;
  readonly until: Moment | undefined;
  readonly from: number | undefined;
  readonly to: number | undefined;
  readonly oldestFirst: true | undefined;
}

/** `pact log` (CLI-52). */
export const logCommand = withAction(
  object({
    count: withDefault(
      option("-n", integer({ metavar: "N", min: 1, max: MAX_ENTRIES }), {
        description: say("How many entries; default 20."),
      }),
      20,
    ),
    scope: optional(option("--scope", word("SCOPE"), {
      description: say("global, vc:NAME or node:ID."),
    })),
    types: multiple(option("--type", word("TYPE"), {
      description: say("Only entries of this type, such as commit or rollback; may be repeated."),
    })),
    since: optional(option("--since", moment(), { description: say("Not before this time.") })),
    until: optional(option("--until", moment(), { description: say("Not after this time.") })),
    from: optional(option("--from", sequence(), { description: say("Lowest sequence.") })),
    to: optional(option("--to", sequence(), { description: say("Highest sequence.") })),
    oldestFirst: optional(flag("--oldest-first", { description: say("Oldest entries first.") })),
  }),
  (options) => action((context) => log(context, options)),
);

async function log(context: CommandContext, options: Options): Promise<number> {
  const entryTypes = options.types.map(requireType).map(entryTypeToWire);
  const scope = scopeOf(context, options.scope);
  const nowMs = context.host.clock.nowMs();
  const instant = (moment: Moment) => timestampFromMs(momentMs(moment, nowMs));
  const request = create(journal.ListEntriesRequestSchema, {
    limit: options.count,
    descending: options.oldestFirst !== true,
    entryTypes,
    includeDocuments: context.out.format === "json",
    includeMemberNodes: options.scope === undefined,
    ...(scope !== undefined && { scope: scopeToWire(scope) }),
    ...(options.since !== undefined && { since: instant(options.since) }),
    ...(options.until !== undefined && { until: instant(options.until) }),
    ...(options.from !== undefined && { fromSequence: BigInt(options.from) }),
    ...(options.to !== undefined && { toSequence: BigInt(options.to) }),
  });
  const messages = await listMessages(context, request);
  const entries = messages.map(storedEntryFromWire);
  const lines = entries.length === 0 ? ["No entries found."] : entries.map(entryLine);
  const documents = messages.map(documentOf);
  await context.out.result(lines, { entries: documents });
  return EXIT.ok;
}

/**
 * An entry's document (JRN-13) with its sequence in front, where people look for it: the one its
 * hash was made of, so that the output can be verified, or from a journal without such the like.
 */
function documentOf(message: config.ConfigEntry): JsonValue {
  const document: object = message.document === ""
    ? storedEntryFromWire(message)
    : JSON.parse(message.document);
  return { sequence: Number(message.sequence), ...asJsonObject(document) };
}

/** The entries a request matches, in its order. */
export async function listEntries(
  context: CommandContext,
  request: journal.ListEntriesRequest,
): Promise<Entry[]> {
  return (await listMessages(context, request)).map(storedEntryFromWire);
}

async function listMessages(
  { session, settings }: CommandContext,
  request: journal.ListEntriesRequest,
): Promise<config.ConfigEntry[]> {
  const { peer, config } = await session.journal();
  const entries: config.ConfigEntry[] = [];
  const messages = peer.stream((options) => config.listEntries(request, options), {
    timeoutMs: settings.timeoutSeconds * 1000,
  });
  for await (const message of messages) entries.push(message);
  return entries;
}

/** Without --scope, a --vcluster on the command line narrows to that vCluster and its nodes. */
function scopeOf({ flags }: CommandContext, text: string | undefined): Scope | undefined {
  if (text !== undefined) return parseScope(text);
  const vcluster = flags["vcluster"];
  return vcluster === undefined ? undefined : { VCluster: requireVCluster(vcluster) };
}

/** @throws {Failure} exit 1 for an unknown type, listing the known ones. */
export function requireType(text: string): EntryType {
  const type = parseTypeWord(text);
  if (type !== undefined) return type;
  throw usageFailure(`unknown entry type '${text}'`, `known: ${typeWords().join(", ")}`);
}
