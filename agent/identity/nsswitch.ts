/** Databases that the identity map serves. */
const DATABASES = ["passwd", "group"] as const;
const SERVICE = "pact";

/**
 * The text of nsswitch.conf(5) with the service `pact` last in the lines of users and groups (IDM-9);
 * what else is there stays as it is. A line that is missing is added with `files` first.
 *
 * ```ts
 * import { withPact } from "./nsswitch.ts";
 *
 * const text = withPact("passwd: files systemd # people\ngroup:files\nhosts: files dns\n");
 * const wanted = "passwd: files systemd pact # people\ngroup:files pact\nhosts: files dns\n";
 * if (text !== wanted || withPact(text) !== text) throw new Error(text);
 * ```
 */
export function withPact(text: string): string {
  return DATABASES.reduce(withPactIn, text);
}

function withPactIn(text: string, database: string): string {
  const line = new RegExp(`^([ \\t]*${database}[ \\t]*:)([^#\\n]*?)([ \\t]*(?:#[^\\n]*)?)$`, "m");
  const found = line.exec(text);
  if (found === null) {
    const end = text === "" || text.endsWith("\n") ? "" : "\n";
    return `${text}${end}${database}: files ${SERVICE}\n`;
  }
  const [, head = "", services = "", tail = ""] = found;
  if (services.split(/[\s\]]+/).includes(SERVICE)) return text;
  return text.replace(line, () => `${head}${services.trimEnd()} ${SERVICE}${tail}`);
}
