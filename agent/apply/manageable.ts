import { normalisePath } from "../drift/mod.ts";

/** The refusal of APL-5. */
export const NOT_MANAGEABLE = "path not manageable";

const NEVER_BELOW = ["/run/pact", "/proc", "/sys", "/dev"];
const NEVER = [
  /^\/etc\/pact\/agent\.(?:toml|env)$/,
  /^\/etc\/pact\/.*\.key$/,
  /^\/etc\/ssl\/private(?:\/|$)/,
  /^\/etc\/ssh\/ssh_host_[^/]*_key$/,
];

/**
 * Why a file may not be managed, or undefined when it may: pact's own runtime files and
 * configuration, private keys, and kernel files, which sysctl keys are for (APL-5). A path must be
 * absolute and plain, so that what is checked is what is written.
 */
export function whyNotManageable(path: string): string | undefined {
  if (path.includes("\0") || path.length > 4096 || path === "/" || normalisePath(path) !== path) {
    return NOT_MANAGEABLE;
  }
  const refused = NEVER_BELOW.some((root) => path === root || path.startsWith(root + "/")) ||
    NEVER.some((pattern) => pattern.test(path));
  return refused ? NOT_MANAGEABLE : undefined;
}
