import { type ExportItem, ExportReader } from "../../common/backup/mod.ts";
import { CHAIN_START, type ChainHead, checkLink } from "../../common/chain/mod.ts";
import { canonicalJson, type JsonValue } from "../../common/json/mod.ts";
import { parseEntry } from "../../common/model/mod.ts";
import { COLLECTIONS, isCollectionName } from "../state/mod.ts";
import { SCHEMA_VERSION } from "./schema.ts";
import type { StateStore } from "./state_store.ts";

/**
 * Replaces the state by an exported one: all of it or, when a line is wrong or an entry does not
 * continue the chain, nothing.
 *
 * @throws {Error} that names the line, or the version when it is newer than this program's.
 */
export function importState(store: StateStore, lines: Iterable<string>): void {
  store.replace(() => {
    const reader = new ExportReader();
    let head = CHAIN_START;
    for (const line of lines) {
      const item = reader.read(line);
      if (item !== undefined) head = reader.during(() => importItem(store, head, item));
    }
    reader.end();
  });
}

/** Takes in one item; where the chain of the entries stands then. */
function importItem(store: StateStore, head: ChainHead, item: ExportItem): ChainHead {
  switch (item.kind) {
    case "applied":
      store.advance({ index: BigInt(item.index), term: BigInt(item.term) });
      return head;
    case "document":
      importDocument(store, item.collection, item.key, item.document);
      return head;
    case "entry":
      return importEntry(store, head, item.vclusterId, item.document);
    case "schema":
      if (item.version <= SCHEMA_VERSION) return head;
      throw new Error(
        `schema version ${item.version} is newer than ${SCHEMA_VERSION}: use the newer program`,
      );
  }
}

function importDocument(
  store: StateStore,
  collection: string,
  key: string,
  document: JsonValue,
): void {
  if (!isCollectionName(collection)) throw new Error(`unknown collection '${collection}'`);
  store.importDocument(collection, key, canonicalJson(COLLECTIONS[collection].parse(document)));
}

function importEntry(
  store: StateStore,
  head: ChainHead,
  vclusterId: string | null,
  document: JsonValue,
): ChainHead {
  const json = canonicalJson(document);
  const checked = checkLink(head, document, json);
  if ("finding" in checked) throw new Error(checked.finding.detail);
  store.importEntry(parseEntry(document), json, vclusterId ?? undefined);
  return checked.head;
}
