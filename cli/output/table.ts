import type { Paint, Tone } from "./color.ts";

/** One cell; a bare string has no tone. */
export type Cell = string | { readonly text: string; readonly tone: Tone | undefined };

/** A column: its heading and its least width. */
export interface Column {
  readonly heading: string;
  readonly width?: number;
}

/** Lines of a table whose columns are as wide as their widest cell, two spaces apart. */
export function tableLines(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  paint: Paint,
): string[] {
  const widths = columns.map((column, index) =>
    Math.max(
      column.width ?? 0,
      displayWidth(column.heading),
      ...rows.map((row) => displayWidth(cellText(row[index]))),
    )
  );
  const heading = columns.map(({ heading }) => ({ text: heading, tone: "strong" as const }));
  return [heading, ...rows].map((row) => line(row, widths, paint));
}

function line(row: readonly Cell[], widths: readonly number[], paint: Paint): string {
  const last = row.findLastIndex((cell) => cellText(cell) !== "");
  return row.slice(0, last + 1).map((cell, index) => {
    const text = cellText(cell);
    const padding = index === last ? "" : " ".repeat((widths[index] ?? 0) - displayWidth(text) + 2);
    return paint(typeof cell === "string" ? undefined : cell.tone, text) + padding;
  }).join("");
}

function cellText(cell: Cell | undefined): string {
  return cell === undefined ? "" : typeof cell === "string" ? cell : cell.text;
}

/** Code points, not UTF-16 units: near enough for names and numbers. */
function displayWidth(text: string): number {
  return [...text].length;
}
