import { z } from "zod";
import type { Backend } from "../backend/mod.ts";
import type { Settings } from "../config/mod.ts";
import type { RateClass } from "../safety/mod.ts";

/** What a tool gives back: text for every client, and the same as data for those that take it. */
export interface Answer<Structured = Record<string, unknown>> {
  readonly text: string;
  readonly structured?: Structured;
  /** The call was carried out and its outcome is a failure, such as a program's exit status. */
  readonly isError?: boolean;
}

/** What a running tool may use. */
export interface ToolContext {
  readonly settings: Settings;
  readonly backend: Backend;
  /** Aborted when the client cancels the call. */
  readonly signal: AbortSignal;
  /** Idempotency key of the write that this call makes (SAF-12). */
  readonly requestId: () => string;
  /** Foreign text between markers, without secrets, within the bound of results (SAF-7). */
  readonly quote: (text: string) => string;
}

/** Hints for the client about what a tool does. */
export interface Annotations {
  readonly readOnlyHint: boolean;
  readonly destructiveHint: boolean;
  readonly idempotentHint: boolean;
  readonly openWorldHint: boolean;
}

/** A failure that the tool itself found; its text is shown after `Error: `. */
export class ToolError extends Error {
  override readonly name = "ToolError";
}

/** A tool as its file describes it. */
interface ToolDescription<Input extends z.ZodObject, Output extends z.ZodObject> {
  readonly name: string;
  /** What it is for, for the assistant that chooses. */
  readonly description: string;
  /** Action of the policy that the servers check (policy.md section 4). */
  readonly action: string;
  readonly rates: readonly RateClass[];
  readonly annotations: Annotations;
  /** Whether it can be used at all without a token (MCP-13). */
  readonly needsToken: boolean;
  readonly input: Input;
  readonly output: Output;
  /** What is said when a required argument is missing, by its name (MCP-8). */
  readonly missing?: Partial<Record<keyof z.input<Input>, string>>;
  run(input: z.output<Input>, context: ToolContext): Promise<Answer<z.output<Output>>>;
}

/** A tool as the server uses it. */
export interface Tool extends
  Pick<
    ToolDescription<z.ZodObject, z.ZodObject>,
    "name" | "description" | "action" | "rates" | "annotations" | "needsToken"
  > {
  readonly inputSchema: JsonSchema;
  readonly outputSchema: JsonSchema;
  /**
   * Checks the arguments, before anything is sent anywhere.
   *
   * @throws {ToolError} for the first that is wrong (MCP-8).
   */
  prepare(args: unknown): (context: ToolContext) => Promise<Answer>;
}

/** A JSON schema of an object. */
export type JsonSchema = { readonly type: "object" } & Readonly<Record<string, unknown>>;

/** Makes a tool of its description. */
export function defineTool<Input extends z.ZodObject, Output extends z.ZodObject>(
  description: ToolDescription<Input, Output>,
): Tool {
  const { input, output, missing = {}, run, ...facts } = description;
  return {
    ...facts,
    inputSchema: jsonSchema(input, "input"),
    outputSchema: jsonSchema(output, "output"),
    prepare(args) {
      const parsed = input.safeParse(args);
      if (!parsed.success) throw new ToolError(problemOf(parsed.error, args, missing));
      return (context) => run(parsed.data, context);
    },
  };
}

/** A tool that looks and changes nothing. */
export const READS: Annotations = {
  readOnlyHint: true,
  destructiveHint: false,
  idempotentHint: true,
  openWorldHint: false,
};

/** A tool that changes something, without taking anything away. */
export const WRITES: Annotations = {
  readOnlyHint: false,
  destructiveHint: false,
  idempotentHint: false,
  openWorldHint: false,
};

function jsonSchema(schema: z.ZodObject, io: "input" | "output"): JsonSchema {
  const { $schema: _, ...members } = z.toJSONSchema(schema, {
    io,
    override({ jsonSchema: part }) {
      // The bounds of what a number can hold are no news to a reader.
      if (part.minimum === Number.MIN_SAFE_INTEGER) delete part.minimum;
      if (part.maximum === Number.MAX_SAFE_INTEGER) delete part.maximum;
    },
  });
  return { ...members, type: "object" };
}

/** The first violation as `<field>: <problem>`, or the text for a required field (MCP-8). */
function problemOf(
  error: z.ZodError,
  args: unknown,
  missing: Readonly<Record<string, string | undefined>>,
): string {
  const [issue] = error.issues;
  if (issue === undefined) return "arguments: not valid";
  if (issue.code === "unrecognized_keys") return `${issue.keys[0]}: unknown argument`;
  const field = issue.path.map(String).join(".") || "arguments";
  const required = missing[field];
  if (required !== undefined && isBlank(args, field)) return required;
  return `${field}: ${lowerFirst(issue.message)}`;
}

function isBlank(args: unknown, field: string): boolean {
  const value: unknown = typeof args === "object" && args !== null
    ? Reflect.get(args, field)
    : undefined;
  return value === undefined || value === "";
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
