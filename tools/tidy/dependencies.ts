/** Dependencies are few, pinned, explained, and kept out of where they may not be. */
import { edgesOf } from "./imports.ts";
import { type Finding, type Tree } from "./tree.ts";

/** The document that says of each dependency why it is there. */
export const DEPENDENCIES_DOCUMENT = "docs/dependencies.md";

export function checkDependencies(tree: Tree): Finding[] {
  const config = tree.get("deno.json");
  if (config === undefined) return [];
  const imports = importMapOf(config);
  const explained = new Set(
    [...(tree.get(DEPENDENCIES_DOCUMENT) ?? "").matchAll(/^\| `([^`]+)`/gm)].map(([, name]) =>
      name
    ),
  );
  const finding = (path: string, message: string): Finding => ({
    path,
    line: 0,
    rule: "dependency",
    message,
  });
  const present = Object.entries(imports).flatMap(([name, target]) => [
    ...explained.has(name) ? [] : [finding(DEPENDENCIES_DOCUMENT, `${name} has no line here`)],
    ...isMentioned(tree, name) ? [] : [finding("deno.json", `nothing uses ${name}`)],
    ...isPinned(target) ? [] : [finding("deno.json", `${name} is not pinned exactly: ${target}`)],
  ]);
  const gone = [...explained].filter((name) => name !== undefined && !(name in imports));
  return [
    ...present,
    ...gone.map((name) => finding(DEPENDENCIES_DOCUMENT, `${name} is not in deno.json`)),
  ];
}

/** A package is used by an import, or by its name in what a tool is given. */
function isMentioned(tree: Tree, name: string): boolean {
  return [...tree].some(([path, text]) =>
    path !== "deno.json" && !path.endsWith(".md") && text.includes(name)
  );
}

/** Packages are imported by their names in deno.json, so that each version stands there alone. */
export function checkSpecifiers(tree: Tree): Finding[] {
  return edgesOf(tree)
    .filter(({ kind, to }) => kind === "package" && /^(?:npm|jsr|https?|data):/.test(to))
    .map(({ from, line, to }) => ({
      path: from,
      line,
      rule: "dependency",
      message: `imports ${to}: name it in deno.json`,
    }));
}

function isPinned(target: string): boolean {
  return /^npm:(?:@[^/@]+\/)?[^/@]+@\d+\.\d+\.\d+(?:-[\w.]+)?(?:\/.*)?$/.test(target);
}

function importMapOf(config: string): Record<string, string> {
  const parsed: unknown = JSON.parse(config);
  if (typeof parsed !== "object" || parsed === null || !("imports" in parsed)) return {};
  const { imports } = parsed;
  if (typeof imports !== "object" || imports === null) return {};
  return Object.fromEntries(
    Object.entries(imports).filter((entry): entry is [string, string] =>
      typeof entry[1] === "string"
    ),
  );
}

/** Folders and programs, by path prefix, and the only packages that may be reached from them. */
export const PACKAGE_LIMITS: Readonly<Record<string, readonly string[]>> = {
  "contracts/": [],
  "common/authz/": [],
  "ffi/": [],
  "agent/main.ts": ["@bufbuild/protobuf"],
  "agent/process/": ["@bufbuild/protobuf"],
  // Everything here is loaded in every boot of a node: the X.509 library would double it.
  "agent/worker": [
    "@bufbuild/protobuf",
    "@connectrpc/connect",
    "@connectrpc/connect-node",
    "jose",
    "smol-toml",
    "zod",
  ],
};

/** Follows imports from each limited place; the way there is part of the message. */
export function checkPackageLimits(tree: Tree): Finding[] {
  return Object.entries(PACKAGE_LIMITS).flatMap(([prefix, allowed]) => {
    const starts = [...tree.keys()].filter((path) => path.startsWith(prefix));
    const via = new Map(starts.map((path) => [path, path]));
    const findings: Finding[] = [];
    // A map hands out what is added while it is walked, and holds each path once.
    for (const [path, way] of via) {
      for (const { line, to, kind } of edgesFrom(tree, path)) {
        if (kind === "import" && !via.has(to)) via.set(to, `${way} -> ${to}`);
        if (kind !== "package" || to.startsWith("node:")) continue;
        if (allowed.some((name) => to === name || to.startsWith(`${name}/`))) continue;
        const message = `${prefix} must not reach ${to} (${way})`;
        findings.push({ path, line, rule: "package", message });
      }
    }
    return findings;
  });
}

function edgesFrom(tree: Tree, path: string) {
  return edgesOf(tree).filter(({ from }) => from === path);
}
