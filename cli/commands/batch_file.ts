import type { enrollment } from "../../api/mod.ts";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { Failure, usageFailure } from "../failure/mod.ts";
import { hardwareIdentity } from "./hardware.ts";
import { requireNodeId, requireVCluster } from "./targets.ts";

/** What the journal takes at once (API-60). */
export const MAX_BATCH_NODES = 10_000;

type NodeInit = MessageInitShape<typeof enrollment.RegisterNodeRequestSchema>;

const REQUIRED = ["node_id", "mac", "bmc_serial"] as const;
const COLUMNS = [...REQUIRED, "smbios_uuid", "tpm_ek_hash", "vcluster"] as const;
type Column = (typeof COLUMNS)[number];

/**
 * Reads a CSV file of nodes (CLI-114): a line that names the columns, then a node a line. Empty lines
 * and lines that begin with `#` are skipped; a value may stand in double quotes. Nothing is sent
 * where one line cannot be read.
 *
 * @throws {Failure} exit 1 naming file, line and what is wrong there.
 */
export function parseBatchFile(
  text: string,
  name: string,
  defaultVCluster: string | undefined,
): NodeInit[] {
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/).map((line, at) => ({
    line: line.trim(),
    place: `${name}:${at + 1}`,
  })).filter(({ line }) => line !== "" && !line.startsWith("#"));
  const [header, ...rows] = lines;
  if (header === undefined) throw usageFailure(`${name} is empty`);
  const columns = readHeader(header.line, header.place);
  const seen = new Map<string, string>();
  return rows.map(({ line, place }) => {
    const node = located(place, () => readRow(columns, cellsOf(line), defaultVCluster));
    const known = seen.get(node.nodeId);
    if (known !== undefined) throw usageFailure(`${place}: ${node.nodeId} stands at ${known} too`);
    seen.set(node.nodeId, place);
    return node;
  });
}

function readHeader(line: string, place: string): Column[] {
  const expected = `${REQUIRED.join(",")}[,smbios_uuid][,tpm_ek_hash][,vcluster]`;
  const found = cellsOf(line).map((cell) => cell.toLowerCase());
  const columns = found.map((cell) => {
    const column = COLUMNS.find((known) => known === cell);
    if (column !== undefined) return column;
    throw usageFailure(`${place}: unknown column '${cell}'`, `the first line is ${expected}`);
  });
  const missing = REQUIRED.find((column) => !columns.includes(column));
  if (missing !== undefined) {
    throw usageFailure(`${place}: no column ${missing}`, `the first line is ${expected}`);
  }
  if (new Set(columns).size !== columns.length) throw usageFailure(`${place}: a column twice`);
  return columns;
}

function readRow(
  columns: readonly Column[],
  cells: readonly string[],
  defaultVCluster: string | undefined,
): NodeInit & { readonly nodeId: string } {
  if (cells.length > columns.length) {
    throw usageFailure(`${cells.length} values for ${columns.length} columns`);
  }
  const value = (column: Column) => cells[columns.indexOf(column)] || undefined;
  const vcluster = value("vcluster") ?? defaultVCluster;
  return {
    nodeId: requireNodeId(value("node_id") ?? ""),
    hardwareIdentity: hardwareIdentity({
      hardwareIds: [],
      mac: value("mac"),
      bmcSerial: value("bmc_serial"),
      smbiosUuid: value("smbios_uuid"),
      tpmEk: value("tpm_ek_hash"),
    }),
    vclusterId: vcluster === undefined ? "" : requireVCluster(vcluster),
  };
}

/** The values of a line; in double quotes a comma is one, and two quotes are one. */
function cellsOf(line: string): string[] {
  return [...line.matchAll(/(?:^|,)\s*(?:"((?:[^"]|"")*)"\s*(?=,|$)|([^,]*))/g)].map(
    ([, quoted, plain = ""]) =>
      (quoted === undefined ? plain : quoted.replaceAll('""', '"')).trim(),
  );
}

function located<T>(place: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    throw usageFailure(`${place}: ${error.message}`, ...error.hints);
  }
}
