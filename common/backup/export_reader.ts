/**
 * Reader of the exported state (JRN-16). Sections follow each other in the order of the sorted keys:
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
import * as z from "zod";
import type { JsonValue } from "../json/mod.ts";

/** What a line of an export says. */
export type ExportItem =
  | { readonly kind: "applied"; readonly index: number; readonly term: number }
  | {
    readonly kind: "document";
    readonly collection: string;
    readonly key: string;
    readonly document: JsonValue;
  }
  | { readonly kind: "entry"; readonly vclusterId: string | null; readonly document: JsonValue }
  | { readonly kind: "schema"; readonly version: number };

type Section = "header" | "documents" | "entries" | "end";

const HeaderSchema = z.object({
  applied: z.object({ index: z.int().nonnegative(), term: z.int().nonnegative() }),
});
const FooterSchema = z.object({ schema_version: z.int().positive() });
const JsonSchema: z.ZodType<JsonValue> = z.json();
const DocumentLineSchema = z.tuple([z.string(), z.string(), JsonSchema]);
const EntryLineSchema = z.tuple([z.string().nullable(), JsonSchema]);

/** Reads an export line by line. */
export class ExportReader {
  #section: Section = "header";
  #number = 0;

  /** Lines read so far. */
  get lines(): number {
    return this.#number;
  }

  /**
   * What the next line says; undefined for one that only parts two sections.
   *
   * @throws {Error} that names the line.
   */
  read(line: string): ExportItem | undefined {
    this.#number++;
    return this.during(() => this.#read(line.replace(/,$/, "")));
  }

  /** Runs `work` on the line read last, so that an error names the line. */
  during<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`line ${this.#number} of the export: ${reason}`, { cause: error });
    }
  }

  /** @throws {Error} when the export is not at its end. */
  end(): void {
    if (this.#section === "end") return;
    throw new Error(`the export breaks off in line ${this.#number}`);
  }

  #read(line: string): ExportItem | undefined {
    switch (this.#section) {
      case "header": {
        this.#section = "documents";
        const { applied } = HeaderSchema.parse(JSON.parse(`${line}]}`));
        return { kind: "applied", ...applied };
      }
      case "documents": {
        if (line === `],"entries":[`) return this.#begin("entries");
        const [collection, key, document] = DocumentLineSchema.parse(JSON.parse(line));
        return { kind: "document", collection, key, document };
      }
      case "entries": {
        if (line.startsWith(`],"schema_version"`)) return this.#footer(line);
        const [vclusterId, document] = EntryLineSchema.parse(JSON.parse(line));
        return { kind: "entry", vclusterId, document };
      }
      case "end":
        throw new Error("nothing may follow the end");
    }
  }

  #begin(section: Section): undefined {
    this.#section = section;
  }

  #footer(line: string): ExportItem {
    this.#section = "end";
    const { schema_version } = FooterSchema.parse(JSON.parse(`{${line.slice(2)}`));
    return { kind: "schema", version: schema_version };
  }
}
