/** One segment with `*` or `?` in it, and what follows. */
interface WildcardEdge {
  readonly segment: string;
  readonly node: TrieNode;
}

/** Patterns that share their first segments share their first nodes. */
interface TrieNode {
  readonly literals: Map<string, TrieNode>;
  readonly wildcards: WildcardEdge[];
  /** What follows a `**` here; that node stays active over any number of segments. */
  globstar: TrieNode | undefined;
  /** True on the node that a `**` leads to: it may swallow further segments. */
  readonly repeats: boolean;
  accepts: boolean;
}

function createNode(repeats: boolean): TrieNode {
  return {
    literals: new Map(),
    wildcards: [],
    globstar: undefined,
    repeats,
    accepts: false,
  };
}

/**
 * A set of patterns, each a list of segments, matched together: the segments of a path are walked
 * once, however many patterns there are (BLK-6). `**` matches any number of segments, `*` and `?`
 * stay inside one.
 */
export class GlobTrie {
  readonly #root = createNode(false);

  /** Adds one pattern. */
  add(segments: readonly string[]): void {
    let node = this.#root;
    for (const segment of segments) node = childFor(node, segment);
    node.accepts = true;
  }

  /** Whether any pattern matches all of `segments`. */
  matches(segments: readonly string[]): boolean {
    let active = withGlobstars([this.#root]);
    for (const segment of segments) {
      const next = new Set<TrieNode>();
      for (const node of active) {
        if (node.repeats) next.add(node);
        const literal = node.literals.get(segment);
        if (literal !== undefined) next.add(literal);
        for (const edge of node.wildcards) {
          if (matchesSegment(edge.segment, segment)) next.add(edge.node);
        }
      }
      if (next.size === 0) return false;
      active = withGlobstars(next);
    }
    for (const node of active) if (node.accepts) return true;
    return false;
  }
}

function childFor(node: TrieNode, segment: string): TrieNode {
  if (segment === "**") return node.globstar ??= createNode(true);
  if (!/[*?]/.test(segment)) {
    const known = node.literals.get(segment);
    if (known !== undefined) return known;
    const created = createNode(false);
    node.literals.set(segment, created);
    return created;
  }
  const known = node.wildcards.find((edge) => edge.segment === segment);
  if (known !== undefined) return known.node;
  const created = createNode(false);
  node.wildcards.push({ segment, node: created });
  return created;
}

/** The nodes themselves and those that a `**` matching nothing leads to. */
function withGlobstars(nodes: Iterable<TrieNode>): Set<TrieNode> {
  const reached = new Set(nodes);
  // A Set iterates over what is added meanwhile; every node is added once, so this ends.
  for (const node of reached) if (node.globstar !== undefined) reached.add(node.globstar);
  return reached;
}

/**
 * Matches one segment against a text with `*` (any run) and `?` (one character), in time
 * proportional to the product of their lengths at worst: only the last `*` is ever reconsidered.
 */
export function matchesSegment(pattern: string, segment: string): boolean {
  let at = 0;
  let patternAt = 0;
  let starAt = -1;
  let resumeAt = 0;
  while (at < segment.length) {
    const expected = pattern[patternAt];
    if (expected === "*") {
      starAt = patternAt++;
      resumeAt = at;
    } else if (expected === "?" || (expected !== undefined && expected === segment[at])) {
      patternAt++;
      at++;
    } else if (starAt >= 0) {
      patternAt = starAt + 1;
      at = ++resumeAt;
    } else {
      return false;
    }
  }
  while (pattern[patternAt] === "*") patternAt++;
  return patternAt === pattern.length;
}
