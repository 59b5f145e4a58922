import { type FieldName, FIELDS } from "./fields.ts";

/** Comparisons of a filter; the longer spelling of two that begin alike comes first. */
const OPERATORS = ["!=", "<=", ">=", "=", "<", ">"] as const;

/** A comparison. */
export type Operator = (typeof OPERATORS)[number];

/** One condition of a filter. */
export interface Term {
  readonly field: FieldName;
  readonly operator: Operator;
  readonly value: string;
}

/** A filter that cannot be read; the message says where and what is expected. */
export class FilterError extends Error {
  override readonly name = "FilterError";
}

const maxTerms = 16;

/**
 * Reads `TERM (and TERM)*`, a term being FIELD, one of `= != < > <= >=`, VALUE (MCP-49).
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseFilter } from "./parse.ts";
 *
 * assert.deepEqual(parseFilter("gpu_model = A100 and memory_gb>=512"), [
 *   { field: "gpu_model", operator: "=", value: "A100" },
 *   { field: "memory_gb", operator: ">=", value: "512" },
 * ]);
 * ```
 *
 * @throws {FilterError}
 */
export function parseFilter(text: string): Term[] {
  const terms = text.trim().split(/\s+and\s+/i);
  if (terms.length > maxTerms) throw new FilterError(`more than ${maxTerms} conditions`);
  return terms.map(parseTerm);
}

function parseTerm(text: string): Term {
  const match = /^([A-Za-z_]+)\s*(!=|<=|>=|=|<|>)\s*(.+)$/.exec(text.trim());
  const [, name = "", sign = "", rest = ""] = match ?? [];
  if (match === null) {
    throw new FilterError(`'${text}' is no condition; write FIELD OP VALUE, such as drift>0`);
  }
  if (!isField(name)) {
    throw new FilterError(`unknown field '${name}'; known: ${Object.keys(FIELDS).join(", ")}`);
  }
  const operator = OPERATORS.find((candidate) => candidate === sign) ?? "=";
  const value = rest.trim().replace(/^(["'])(.*)\1$/, "$2");
  if (isOrdering(operator) && !Number.isFinite(Number(value))) {
    throw new FilterError(`${name} ${operator} needs a number, not '${value}'`);
  }
  return { field: name, operator, value };
}

/** Whether an operator compares sizes. */
function isOrdering(operator: Operator): boolean {
  return operator.startsWith("<") || operator.startsWith(">");
}

function isField(name: string): name is FieldName {
  return Object.hasOwn(FIELDS, name);
}
