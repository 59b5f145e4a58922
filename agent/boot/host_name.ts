import { valuesOf } from "./kernel_command_line.ts";

/** What a node can be called after, in the order of INI-3. */
export interface HostNameSources {
  /** What the kernel has now. */
  readonly current: string;
  readonly commandLine: readonly string[];
  readonly nodeId: string;
}

/** Names that say that nobody has given one. */
const UNNAMED = ["", "localhost", "localhost.localdomain", "(none)"];
const HOST_NAME = /^(?=.{1,64}$)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9-]+)*$/;

/** The name to set; undefined where the present one stays (INI-3). */
export function hostNameToSet(
  { current, commandLine, nodeId }: HostNameSources,
): string | undefined {
  if (!UNNAMED.includes(current)) return undefined;
  const candidates = ["hostname", "pact.hostname", "pact.node_id", "pact.nodeid"]
    .flatMap((name) => valuesOf(commandLine, name));
  return [...candidates, nodeId].find((name) => HOST_NAME.test(name) && !UNNAMED.includes(name));
}
