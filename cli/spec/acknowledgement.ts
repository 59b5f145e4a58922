import { usageFailure } from "../failure/mod.ts";

/** What to do with a node's own value of a promoted key. */
export type Decision = "overwrite" | "keep";

/** A decision that travels with a promoted fragment (CLI-82). */
export interface Acknowledgement {
  readonly node: string;
  readonly category: string;
  readonly key: string;
  readonly decision: Decision;
}

const LINE = /^#\s*pact-ack:\s*(.*)$/;

/** The comment line that carries a decision. The key stands as JSON text, so that it may hold spaces. */
export function acknowledgementLine(
  { node, category, key, decision }: Acknowledgement,
): string {
  return `# pact-ack: ${node} ${category}:${JSON.stringify(key)} ${decision}`;
}

/**
 * The decisions in a spec's comments.
 *
 * @throws {Failure} exit 1 with the line of one that cannot be read: to ignore it could overwrite
 *   what somebody decided to keep.
 */
export function readAcknowledgements(text: string, file: string): Acknowledgement[] {
  return text.split("\n").flatMap((line, index) => {
    const content = LINE.exec(line.trim())?.[1];
    if (content === undefined) return [];
    const match = /^(\S+) ([a-z]+):(".*"|\S+) (overwrite|keep)$/.exec(content);
    const [, node, category, quoted, decision] = match ?? [];
    const key = quoted === undefined ? undefined : unquoted(quoted);
    if (node === undefined || category === undefined || key === undefined) {
      throw usageFailure(
        `${file}:${index + 1}:1: expected "# pact-ack: NODE CATEGORY:KEY overwrite|keep"`,
      );
    }
    return [{ node, category, key, decision: decision === "keep" ? "keep" : "overwrite" }];
  });
}

function unquoted(text: string): string | undefined {
  if (!text.startsWith('"')) return text;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}
