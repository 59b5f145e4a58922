import { z } from "zod";
import { entryTypeToWire, scopeToWire } from "../../common/wire/mod.ts";
import { ENTRY_TYPE_NAMES, EntrySchema, entryText, entryTypeOf, logEntryOf } from "../view/mod.ts";
import { scopeOf } from "./arguments.ts";
import { defineTool, READS } from "./tool.ts";

/** Recent history, newest first (MCP-42). */
export const logTool = defineTool({
  name: "pact_log",
  description:
    "Shows recent configuration history, newest first: who changed what, when and why. " +
    "Can be filtered by scope and by kind of entry.",
  action: "log",
  rates: ["any"],
  annotations: READS,
  needsToken: true,
  input: z.strictObject({
    n: z.int().min(1).max(200).default(20).describe("How many entries"),
    scope: z.string().max(320).regex(/^(node:.+|vc:.+|global)$/, {
      message: "must be node:X, vc:X or global",
    }).optional().describe("Only entries of this scope: node:X, vc:X or global"),
    entry_types: z.array(z.enum(ENTRY_TYPE_NAMES)).max(ENTRY_TYPE_NAMES.length).optional()
      .describe("Only entries of these kinds"),
  }),
  output: z.object({ entries: z.array(EntrySchema) }),
  async run({ n, scope, entry_types = [] }, { backend, signal, quote }) {
    const types = entry_types.map(entryTypeOf).filter((type) => type !== undefined);
    const request = {
      limit: n,
      descending: true,
      entryTypes: types.map(entryTypeToWire),
      ...(scope === undefined ? {} : { scope: scopeToWire(scopeOf(scope)) }),
    };
    const entries = await backend.journal.call(async ({ config }, options) => {
      const read = [];
      for await (const entry of config.listEntries(request, options)) {
        read.push(logEntryOf(entry));
        if (read.length === n) break;
      }
      return read;
    }, { signal });
    const text = entries.length === 0
      ? "No entries found."
      : quote(entries.map(entryText).join("\n"));
    return { text, structured: { entries } };
  },
});
