/** What is taken out of texts before they become part of an audit event (AE-4, AE-5). */
import type { JsonValue } from "../json.ts";

/** Takes secrets out of a text. */
export type Redactor = (text: string) => string;

/** AE-4: characters of command arguments that are kept. */
export const MAX_ARGUMENTS_LENGTH = 2048;

const MASK = "***";
/** How names of secrets begin or go on; what follows may be more of the name. */
const NAME =
  "passw(?:or)?d|passphrase|secret|token|credential|private_?key|api[_-]?key|access[_-]?key";
const SECRET_NAME = new RegExp(`${NAME}|^csr`, "i");
/** The rest of a name, unless it says that no secret follows but where one is, or what kind. */
const REST = "[A-Za-z0-9_.-]{0,64}(?<![_-](?:file|path|dir|url|uri|endpoint|type|id|name|ttl))";
/** A word as a shell reads one: quotes may begin and end within it. */
const WORD = `(?:"[^"\\n]*"|'[^'\\n]*'|\\S)+`;
const JSON_VALUE = `(?:\\\\"[^"]*"|"(?:[^"\\\\\\n]|\\\\.)*"|'[^'\\n]*'|[^\\s,}\\]]+)`;

/** Where a secret stands, each with what to keep of it. None of them backtracks over more than a name. */
const SECRETS: readonly (readonly [pattern: RegExp, kept: string])[] = [
  [
    /-----BEGIN ([A-Z ]{0,40}(?:PRIVATE KEY(?: BLOCK)?|CERTIFICATE REQUEST))-----[\s\S]*?(?:-----END \1-----|$)/g,
    "",
  ],
  [new RegExp(`((?:${NAME})${REST}=)${WORD}`, "gi"), "$1"],
  // As JSON, also as JSON within a text of JSON.
  [
    new RegExp(`((?:${NAME})${REST}\\\\?["']\\s{0,4}:\\s{0,4})${JSON_VALUE}`, "gi"),
    "$1",
  ],
  [new RegExp(`((?:^|\\s)--?[a-z0-9_.-]{0,64}(?:${NAME})${REST}\\s+)(?!-)${WORD}`, "gi"), "$1"],
  [/(\bbearer\s+)\S+/gi, "$1"],
  [/(\bauthorization["']?\s{0,4}[:=]\s{0,4}["']?basic\s+)\S+/gi, "$1"],
  // The password in the authority of a URL.
  [/(\b[a-z][a-z0-9+.-]{0,31}:\/\/[^\s:/@]{0,256}:)[^\s@/]+(?=@)/gi, "$1"],
  [/\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*/g, ""],
];

/** Without one of these no pattern can match: most texts are done after this one look. */
const SUSPECT = new RegExp(`${NAME}|bearer|basic|://|eyJ|-----BEGIN`, "i");

/**
 * Replaces secrets by `***` (AUD-6, AUT-13): the values of names such as `password`, `secret`,
 * `token` or `api_key`, as an assignment, an option or a member of JSON; bearer, basic and JSON web
 * tokens; passwords in URLs; private keys and certificate requests.
 *
 * ```ts
 * import { redactSecrets } from "./redact.ts";
 *
 * const text = redactSecrets("mount -o user=ops,PASSWORD=hunter2 /mnt");
 * if (text !== "mount -o user=ops,PASSWORD=*** /mnt") throw new Error(text);
 * ```
 */
export function redactSecrets(text: string): string {
  if (!SUSPECT.test(text)) return text;
  return SECRETS.reduce((shown, [pattern, kept]) => shown.replace(pattern, `${kept}${MASK}`), text);
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
  // Once more as a whole: a secret may be several words, such as those of a header.
  return cut(replaceControls(redact(shown.join(" "))), MAX_ARGUMENTS_LENGTH);
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
