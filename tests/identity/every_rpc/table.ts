/** What one kind of caller is to get of one method: a letter of the legend of expected.txt. */
export type Expectation = "U" | "D" | "R" | "A" | "E" | "F" | "x" | "-";

/** One line of the table. */
export interface Row {
  /** Full name of the service and the method, as `pact.journal.ConfigService/GetEntry`. */
  readonly method: string;
  readonly expected: ReadonlyMap<string, Expectation>;
}

/** Credentials of the table, in its order. */
export const COLUMNS = [
  "nothing",
  "garbage",
  "expired",
  "audience",
  "issuer",
  "none",
  "hs256",
  "foreign",
  "revoked",
  "norole",
  "viewer",
  "othops",
  "ops",
  "admin",
  "ai",
  "own",
  "other",
] as const;

/** A kind of caller. */
export type Column = (typeof COLUMNS)[number];

/** Reads expected.txt. @throws Error naming the line that is no row. */
export function readTable(text: string): Row[] {
  const rows: Row[] = [];
  let service = "";
  const [, table = ""] = text.split(/^ +nothing garbage .*$/m);
  for (const line of table.split("\n")) {
    if (line === "") continue;
    if (!line.startsWith(" ")) {
      service = line.trim();
      continue;
    }
    const [name = "", ...letters] = line.trim().split(/[\s|]+/);
    if (letters.length !== COLUMNS.length) {
      throw new Error(
        `${service}/${name}: ${letters.length} letters for ${COLUMNS.length} callers`,
      );
    }
    const expected = new Map(COLUMNS.map((column, at) => [column, letterOf(letters[at], line)]));
    rows.push({ method: `${service}/${name}`, expected });
  }
  return rows;
}

function letterOf(letter: string | undefined, line: string): Expectation {
  const known = (["U", "D", "R", "A", "E", "F", "x", "-"] as const).find((each) => each === letter);
  if (known === undefined) throw new Error(`"${letter}" is no letter of the legend: ${line}`);
  return known;
}
