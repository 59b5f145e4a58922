/**
 * Reader of the exported state. Sections follow each other in the order of the sorted keys:
 *
 * | section   | a line is                        | next section begins with  |
 * |-----------|----------------------------------|---------------------------|
 * | header    | `{"applied":{...},"documents":[` | at once                   |
 * | documents | `[collection, key, document]`    | `],"entries":[`           |
 * | entries   | `[vCluster or null, entry]`      | `],"schema_version":N}`   |
 * | end       | nothing                          |                           |
 *
 * @module
 */
import { z } from "zod";
import { CHAIN_START, type ChainHead, checkLink } from "../../common/chain/mod.ts";
import { canonicalJson } from "../../common/json/mod.ts";
import { parseEntry } from "../../common/model/mod.ts";
import type { LogPosition } from "../log/mod.ts";
import { COLLECTIONS, isCollectionName } from "../state/mod.ts";
import { SCHEMA_VERSION } from "./schema.ts";
import type { StateStore } from "./state_store.ts";

type Section = "header" | "documents" | "entries" | "end";

const HeaderSchema = z.object({
  applied: z.object({ index: z.int().nonnegative(), term: z.int().nonnegative() }),
});
const FooterSchema = z.object({ schema_version: z.int().positive() });
const DocumentLineSchema = z.tuple([z.string(), z.string(), z.json()]);
const EntryLineSchema = z.tuple([z.string().nullable(), z.json()]);

/**
 * Replaces the state by an exported one: all of it or, when a line is wrong, nothing.
 *
 * @throws {Error} that names the line, or the version when it is newer than this program's.
 */
export function importState(store: StateStore, lines: Iterable<string>): void {
  store.replace(() => {
    const reader: Reader = { store, head: CHAIN_START };
    let section: Section = "header";
    let number = 0;
    for (const line of lines) {
      number++;
      section = importLine(reader, section, line.replace(/,$/, ""), number);
    }
    if (section !== "end") throw new Error(`the export breaks off in line ${number}`);
  });
}

interface Reader {
  readonly store: StateStore;
  /** Where the chain of the entries stands. */
  head: ChainHead;
}

function importLine(reader: Reader, section: Section, line: string, number: number): Section {
  const { store } = reader;
  try {
    switch (section) {
      case "header":
        store.advance(headerPosition(line));
        return "documents";
      case "documents":
        if (line === `],"entries":[`) return "entries";
        importDocument(store, line);
        return "documents";
      case "entries":
        if (line.startsWith(`],"schema_version"`)) return checkVersion(line);
        importEntry(reader, line);
        return "entries";
      case "end":
        throw new Error("nothing may follow the end");
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`line ${number} of the export: ${reason}`, { cause: error });
  }
}

function headerPosition(line: string): LogPosition {
  const { applied } = HeaderSchema.parse(JSON.parse(`${line}]}`));
  return { index: BigInt(applied.index), term: BigInt(applied.term) };
}

function importDocument(store: StateStore, line: string): void {
  const [collection, key, document] = DocumentLineSchema.parse(JSON.parse(line));
  if (!isCollectionName(collection)) throw new Error(`unknown collection '${collection}'`);
  store.importDocument(collection, key, canonicalJson(COLLECTIONS[collection].parse(document)));
}

function importEntry(reader: Reader, line: string): void {
  const [vclusterId, document] = EntryLineSchema.parse(JSON.parse(line));
  const json = canonicalJson(document);
  const checked = checkLink(reader.head, document, json);
  if ("finding" in checked) throw new Error(checked.finding.detail);
  reader.head = checked.head;
  reader.store.importEntry(parseEntry(document), json, vclusterId ?? undefined);
}

function checkVersion(line: string): "end" {
  const { schema_version } = FooterSchema.parse(JSON.parse(`{${line.slice(2)}`));
  if (schema_version <= SCHEMA_VERSION) return "end";
  throw new Error(
    `schema version ${schema_version} is newer than ${SCHEMA_VERSION}: use the newer program`,
  );
}
