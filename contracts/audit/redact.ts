/** What is taken out of texts before they become part of an audit event (AE-4, AE-5). */
import type { JsonValue } from "../json.ts";

/** Takes secrets out of a text. */
export type Redactor = (text: string) => string;

/** AE-4: characters of command arguments that are kept. */
export const MAX_ARGUMENTS_LENGTH = 2048;

const MASK = "***";
const SECRET_NAME =
  /password|passwd|passphrase|secret|token|credential|private_?key|api_?key|^csr/i;
const ASSIGNMENT = /((?:password|secret|token)=)\S+/gi;
const BEARER = /(\bbearer\s+)\S+/gi;
const JWT = /\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*/g;
const PEM =
  /-----BEGIN ([A-Z ]*(?:PRIVATE KEY|CERTIFICATE REQUEST))-----[\s\S]*?(?:-----END \1-----|$)/g;

/**
 * Replaces secrets by `***` (AUD-6): `password=`, `secret=` and `token=` values, bearer and JSON
 * web tokens, private keys and certificate requests.
 *
 * ```ts
 * import { redactSecrets } from "./redact.ts";
 *
 * const text = redactSecrets("mount -o user=ops,PASSWORD=hunter2 /mnt");
 * if (text !== "mount -o user=ops,PASSWORD=*** /mnt") throw new Error(text);
 * ```
 */
export function redactSecrets(text: string): string {
  return text.replace(PEM, MASK).replace(ASSIGNMENT, `$1${MASK}`).replace(BEARER, `$1${MASK}`)
    .replace(JWT, MASK);
}

/** {@linkcode redactSecrets} on every text of a JSON value, and on all a secret's name covers. */
export function redactJson(value: JsonValue, redact: Redactor = redactSecrets): JsonValue {
  if (typeof value === "string") return redact(value);
  if (value === null || typeof value !== "object") return value;
  if (isList(value)) return value.map((item) => redactJson(item, redact));
  return Object.fromEntries(
    Object.entries(value).map(([key, item = null]) => [
      key,
      SECRET_NAME.test(key) && item !== null ? MASK : redactJson(item, redact),
    ]),
  );
}

/**
 * Command arguments as they may be stored: redacted, control characters replaced, capped (AE-4).
 * The value after an option such as `--token` goes too.
 */
export function redactArguments(
  args: readonly string[],
  redact: Redactor = redactSecrets,
): string {
  const shown = args.map((arg, index) => {
    const before = args[index - 1] ?? "";
    const isValue = /^--?[A-Za-z]/.test(before) && !before.includes("=") &&
      SECRET_NAME.test(before);
    return isValue ? MASK : redact(arg);
  });
  return cut(replaceControls(shown.join(" ")), MAX_ARGUMENTS_LENGTH);
}

// deno-lint-ignore no-control-regex
const TERMINAL_ESCAPE = /(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)/g;
/** C0, DEL, C1, line and paragraph separators, and the marks that reorder text on a screen. */
// deno-lint-ignore no-control-regex
const CONTROL = /[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** AE-5: one `?` for each control character or terminal escape sequence. */
export function replaceControls(text: string): string {
  return text.replace(TERMINAL_ESCAPE, "?").replace(CONTROL, "?");
}

/** The first `length` UTF-16 units, without half a character at the end. */
export function cut(text: string, length: number): string {
  if (text.length <= length) return text;
  const end = text.charCodeAt(length - 1);
  return text.slice(0, end >= 0xd800 && end <= 0xdbff ? length - 1 : length);
}

function isList(value: object): value is readonly JsonValue[] {
  return Array.isArray(value);
}
