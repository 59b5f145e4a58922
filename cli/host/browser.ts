/** What tells whether a person with a browser sits here. */
export interface BrowserFacts {
  readonly os: string;
  /** Whether standard input is a terminal. */
  readonly isTerminal: boolean;
  readonly env: (name: string) => string | undefined;
}

/**
 * Whether a browser can be opened (CLI-25): somebody is at a terminal, and there is a display; on
 * macOS there is one unless the session came over the network.
 */
export function mayHaveBrowser({ os, isTerminal, env }: BrowserFacts): boolean {
  if (!isTerminal) return false;
  if (env("DISPLAY") !== undefined || env("WAYLAND_DISPLAY") !== undefined) return true;
  const isRemote = env("SSH_CONNECTION") !== undefined || env("SSH_TTY") !== undefined;
  return os === "darwin" && !isRemote;
}

/** The programs that open an address with whatever the person prefers; the permission set names them. */
const OPENERS: Readonly<Record<string, string>> = { darwin: "open", linux: "xdg-open" };

/** Opens `url`, and leaves the browser to itself. */
export function openBrowser(url: string): boolean {
  const opener = OPENERS[Deno.build.os];
  if (opener === undefined) return false;
  try {
    const child = new Deno.Command(opener, {
      args: [url],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    child.unref();
    return true;
  } catch {
    // There is none, or this pact may not run it; the address is printed in any case.
    return false;
  }
}
