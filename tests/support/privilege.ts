import { needing } from "./needing.ts";

const SYS_ADMIN = 1n << 21n;

/** Whether this process may mount and make namespaces (CAP_SYS_ADMIN). */
export function maySysAdmin(): boolean {
  if (Deno.uid() !== 0) return false;
  const effective = /^CapEff:\s*(\w+)/m.exec(Deno.readTextFileSync("/proc/self/status"))?.[1];
  return (BigInt(`0x${effective ?? "0"}`) & SYS_ADMIN) !== 0n;
}

/** A test that needs CAP_SYS_ADMIN: elsewhere it is left out with a line, in CI it then fails. */
export function needingSysAdmin(name: string): { readonly name: string; readonly ignore: boolean } {
  const isMet = maySysAdmin() || Deno.env.get("CI") === "true";
  return needing(isMet, "root with CAP_SYS_ADMIN", name);
}
