import { type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";
import { withoutControls } from "../safety/mod.ts";

/** Foreign text on one line of its own. */
export function oneLine(text: string): string {
  return withoutControls(text).replaceAll(/\s+/g, " ");
}

/** Lines of a table: the headings, then the rows, columns two spaces apart. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => row[column]?.length ?? 0))
  );
  return [headings, ...rows].map((row) =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd()
  ).join("\n");
}

/** An instant as RFC 3339, to the second; undefined when absent or beyond what a date can say. */
export function instantText(timestamp: Timestamp | undefined): string | undefined {
  if (timestamp === undefined) return undefined;
  const date = timestampDate(timestamp);
  return Number.isNaN(date.getTime()) ? undefined : `${date.toISOString().slice(0, 19)}Z`;
}

/** `count` with its noun, plural made by appending `s`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** A count of 64 bits as JSON carries it. */
export function countOf(value: bigint): number {
  return Number(value);
}
