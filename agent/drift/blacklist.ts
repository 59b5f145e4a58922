import { DEFAULT_PATTERNS } from "../../contracts/mod.ts";
import type { DriftCategory } from "./category.ts";
import { GlobTrie } from "./glob_trie.ts";
import { normalisePath } from "./path.ts";

/** Most patterns one blacklist takes (BLK-6). */
export const MAX_PATTERNS = 5000;

const MAX_PATTERN_LENGTH = 4096;
const PSEUDO_ROOTS = ["sysctl/", "net/"];

/** A pattern that cannot be used, and why. */
export interface RefusedPattern {
  readonly pattern: string;
  readonly reason: string;
}

/** What is operational noise and never drift, unless it is declared (BLK-1..BLK-6). */
export interface Blacklist {
  /** Whether a path is listed; of a link, either end counts (BLK-4). */
  matchesPath(path: string, linkTarget?: string): boolean;
  /** Whether the key of an item is listed (BLK-3). */
  matchesItem(category: DriftCategory, key: string): boolean;
  /** Patterns left out, for one WARN each. */
  readonly refused: readonly RefusedPattern[];
}

/**
 * Compiles the union of the lists with the default and built-in patterns, which cannot be removed
 * (BLK-1). `**` matches any number of segments including none, `*` any run inside one segment, `?`
 * one character; everything else is literal (BLK-2). Patterns are absolute, or begin with `sysctl/`
 * or `net/` for kernel keys and interfaces (BLK-3).
 *
 * @example
 * ```ts
 * import { compileBlacklist } from "./blacklist.ts";
 * import assert from "node:assert/strict";
 *
 * const blacklist = compileBlacklist([]);
 * assert.equal(blacklist.matchesPath("/tmp/build/x"), true);
 * assert.equal(blacklist.matchesPath("/tmpfoo"), false);
 * ```
 */
export function compileBlacklist(...lists: readonly (readonly string[])[]): Blacklist {
  const trie = new GlobTrie();
  const refused: RefusedPattern[] = [];
  const patterns = new Set([...DEFAULT_PATTERNS, ...lists.flat()]);
  let accepted = 0;
  for (const pattern of patterns) {
    const reason = accepted >= MAX_PATTERNS
      ? `more than ${MAX_PATTERNS} patterns`
      : patternProblem(pattern);
    if (reason !== undefined) {
      refused.push({ pattern: pattern.slice(0, 128), reason });
      continue;
    }
    trie.add(segmentsOf(pattern));
    accepted++;
  }
  const matches = (path: string) => trie.matches(segmentsOf(path));
  return {
    refused,
    matchesPath: (path, linkTarget) =>
      matches(path) || (linkTarget !== undefined && matches(linkTarget)),
    matchesItem: (category, key) => {
      const path = itemPath(category, key);
      return path !== undefined && matches(path);
    },
  };
}

/** The path or pseudo path under which a blacklist knows an item; undefined: never listed. */
function itemPath(category: DriftCategory, key: string): string | undefined {
  if (category === "files" || category === "mounts") return normalisePath(key);
  if (category === "kernel") return `sysctl/${key}`;
  if (category === "network") return `net/${key}`;
  return undefined;
}

function patternProblem(pattern: string): string | undefined {
  if (pattern.length > MAX_PATTERN_LENGTH) return `longer than ${MAX_PATTERN_LENGTH} characters`;
  if (pattern.includes("\0")) return "contains a NUL character";
  if (pattern.startsWith("/") || PSEUDO_ROOTS.some((root) => pattern.startsWith(root))) {
    return undefined;
  }
  return "neither absolute nor below sysctl/ or net/";
}

/** Absolute paths are normalised; the first segment keeps the two name spaces apart. */
function segmentsOf(path: string): string[] {
  if (!path.startsWith("/")) return path.split("/");
  return normalisePath(path).split("/");
}
