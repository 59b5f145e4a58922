const MAX_CHARS = 32;

/**
 * The user name of a subject: the part that names the person, in the characters of account names
 * (IDM-10).
 *
 * ```ts
 * import { usernameOf } from "./username.ts";
 *
 * const names = ["ann", "Ann.Lee@example.org", "oidc|ann", "spiffe://site/jobs/7", ""].map(usernameOf);
 * if (names.join() !== "ann,ann_lee,ann,_7,_") throw new Error(names.join());
 * ```
 */
export function usernameOf(subject: string): string {
  const person = subject.split("@")[0] ?? "";
  const last = person.split(/[|:/]/).at(-1) ?? "";
  const name = last.toLowerCase().replace(/[^a-z0-9_-]/g, "_");
  return (/^[a-z_]/.test(name) ? name : `_${name}`).slice(0, MAX_CHARS);
}
