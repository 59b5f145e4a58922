import { parse, stringify } from "smol-toml";
import { buildShim } from "../../../ffi/build/mod.ts";
import { agentProgram } from "../site/mod.ts";
import { agentToml } from "../site/settings.ts";
import { spawnDeno, type SpawnedDeno } from "../spawn_deno.ts";
import type { QuorumSite } from "./quorum_site.ts";

/** How an agent of a quorum differs from the default. */
export interface QuorumAgentOptions {
  /** The members that it knows, in the order it tries them; those that run by default. */
  readonly members?: readonly number[];
  readonly shellListen?: string;
}

/** Starts the agent of `node-1` below `root`, which takes the tokens of the site's people. */
export async function startQuorumAgent(
  site: QuorumSite,
  root: string,
  { members = site.runningIds, shellListen = "127.0.0.1:0" }: QuorumAgentOptions = {},
): Promise<SpawnedDeno> {
  await buildShim();
  const etc = `${root}/etc/pact`;
  await Deno.mkdir(etc, { recursive: true });
  await Deno.writeTextFile(`${etc}/ca.crt`, site.caPem);
  await Deno.writeTextFile(`${etc}/secret`, site.tokenSecret, { mode: 0o600 });
  const base = parse(agentToml({
    nodeId: "node-1",
    hardwareId: "mac:02:00:00:00:00:01",
    journalEndpoint: "",
    caCert: `${etc}/ca.crt`,
    secretFile: `${etc}/secret`,
    shellListen,
  }));
  const endpoints = members.map((id) => `https://${site.place(id).api}`);
  const agent = base["agent"] as Record<string, Record<string, unknown>>;
  await Deno.writeTextFile(
    `${etc}/agent.toml`,
    stringify({ agent: { ...agent, journal: { ...agent["journal"], endpoints } } }),
  );
  return spawnDeno(agentProgram(root));
}
