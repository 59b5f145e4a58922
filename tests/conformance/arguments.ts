import { type Argument, ScriptError } from "./script.ts";

/** @throws {ScriptError} unless a decimal number */
export function parseNumber(text: string): number {
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (!Number.isSafeInteger(value)) throw new ScriptError(`"${text}" is not a number`);
  return value;
}

const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ...["true", "True", "TRUE", "t", "T", "1"].map((text) => [text, true] as const),
  ...["false", "False", "FALSE", "f", "F", "0"].map((text) => [text, false] as const),
]);

/** @throws {ScriptError} unless a boolean */
export function parseBoolean(text: string): boolean {
  const value = BOOLEANS.get(text);
  if (value === undefined) throw new ScriptError(`"${text}" is not a boolean`);
  return value;
}

/** The arguments without a value, as ids in the order given. */
export function parseIds(args: readonly Argument[]): number[] {
  return args.filter(({ values }) => values.length === 0).map(({ key }) => parseNumber(key));
}

/** The first argument, as a number. @throws {ScriptError} when it is missing */
export function firstNumber(args: readonly Argument[]): number {
  const [first] = args;
  if (first === undefined) throw new ScriptError("an argument is missing");
  return parseNumber(first.key);
}

/** The one value of a named argument. @throws {ScriptError} unless there is exactly one */
export function requiredValue(args: readonly Argument[], key: string): string {
  const values = args.filter((argument) => argument.key === key).flatMap(({ values }) => values);
  const [value] = values;
  if (value === undefined || values.length > 1) throw new ScriptError(`${key}=VALUE is missing`);
  return value;
}

/** Every value of every option, in order. */
export function* optionsOf(args: readonly Argument[]): Iterable<readonly [string, string]> {
  for (const { key, values } of args) for (const value of values) yield [key, value];
}
