/** Finds where a path leads, links followed; the path itself as far as nothing is there. */
export type PathResolver = (path: string) => string;

/** What no command may read, whatever the role (EXE-4). */
const SENSITIVE: readonly RegExp[] = [
  /^\/etc\/(?:g?shadow|master\.passwd)-?$/,
  /^\/root(?:\/|$)/,
  /\/\.ssh(?:\/|$)/,
  /^\/etc\/ssl\/private(?:\/|$)/,
  /^\/etc\/pact\/ca(?:\/|$)/,
  /^\/etc\/pact\/certs\/[^/]*\.key$/,
  /^\/etc\/pact\/agent\.key$/,
  /^\/run\/pact\/(?:ca|state)(?:\/|$)/,
  /^\/run\/spire(?:\/|$)/,
  /^\/proc\/[^/]+\/(?:task\/[^/]+\/)?(?:environ|mem)$/,
  /^\/proc\/kcore$/,
  /^\/dev\/mem$/,
  /\/\.config\/pact(?:\/|$)/,
];

/**
 * The first argument that names a sensitive path, by itself or through a link; null when none does.
 * This is the quick check: it cannot see what a program finds by itself, as `grep -r` would.
 *
 * @param root prefix under which a development agent keeps its own paths; empty on a node
 */
export function sensitiveArgument(
  args: readonly string[],
  resolve: PathResolver,
  root = "",
): string | null {
  return args.find((arg) =>
    candidates(arg).some((path) => isSensitive(path, root) || isSensitive(resolve(path), root))
  ) ?? null;
}

function isSensitive(path: string, root: string): boolean {
  const onNode = root !== "" && path.startsWith(`${root}/`) ? path.slice(root.length) : path;
  return SENSITIVE.some((pattern) => pattern.test(path) || pattern.test(onNode));
}

/** The paths an argument may mean: itself, an option's value, what stands behind a short option. */
function candidates(arg: string): readonly string[] {
  const value = arg.includes("=") ? [arg.slice(arg.indexOf("=") + 1)] : [];
  const attached = arg.startsWith("-") && arg.includes("/") ? [arg.slice(arg.indexOf("/"))] : [];
  return [arg, ...value, ...attached].filter((text) => text !== "" && text.length <= 4096)
    .map(normalise);
}

/** Relative to /, where commands are run. */
function normalise(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}
