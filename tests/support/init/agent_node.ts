/**
 * A real agent under a real PID 1, with a network of its own: what of a node needs no machine. Its
 * files are where an installation has them, on layers above this machine's that vanish with it.
 */
import { stringify } from "smol-toml";
import { buildShim, buildTestInit } from "../../../ffi/build/mod.ts";
import type { Namespaces } from "../quorum/mod.ts";
import type { Site } from "../site/mod.ts";
import { repositoryRoot } from "../spawn_deno.ts";
import { NamespaceNode } from "./namespace_node.ts";

/** What the node of a site is made with. */
export interface AgentNodeOptions {
  readonly site: Site;
  /** Its network is that of the first host. */
  readonly network: Namespaces;
  readonly nodeId: string;
  readonly hasWatchdog?: boolean;
  /** Its configuration cannot be used; the right one is beside it, as `right.toml`. */
  readonly isMisconfigured?: boolean;
}

const PREPARE = `
for dir in /etc /usr/lib /var/lib /tmp; do
  mkdir -p /run/layers$dir/upper /run/layers$dir/work
  layers=upperdir=/run/layers$dir/upper,workdir=/run/layers$dir/work
  mount -t overlay -o lowerdir=$dir,$layers overlay $dir
done
if [ -d /usr/lib/modules ]; then mount -t tmpfs none /usr/lib/modules; fi
mkdir -p /usr/lib/pact /etc/pact
mkdir -p -m 0700 /var/lib/pact
cp /run/t/libpact_shim.so /usr/lib/pact/
cp -p /run/t/etc/* /etc/pact/
`;

/** Starts the node; its agent listens at `address` once it is ready. */
export async function startAgentNode(
  { site, network, nodeId, hasWatchdog = false, isMisconfigured = false }: AgentNodeOptions,
): Promise<{ readonly node: NamespaceNode; readonly address: string }> {
  const { address, through } = network.host(1);
  const listen = `${address}:9445`;
  const { path: init } = await buildTestInit({ sanitized: false });
  const { path: shim } = await buildShim();
  const node = await NamespaceNode.start({
    init,
    through,
    hasWatchdog,
    agent: agentScript(),
    prepare: PREPARE,
    fill: async (directory) => {
      await Deno.mkdir(`${directory}/etc`);
      await Deno.copyFile(site.caCert, `${directory}/etc/ca.crt`);
      await site.copySecret(`${directory}/etc`);
      await Deno.copyFile(shim, `${directory}/libpact_shim.so`);
      await Deno.writeTextFile(`${directory}/etc/agent.env`, `PACT_AGENT_NODE_ID=${nodeId}\n`);
      if (isMisconfigured) await Deno.writeTextFile(`${directory}/etc/agent.toml`, "[agent\n");
      await Deno.writeTextFile(
        `${directory}/etc/${isMisconfigured ? "right" : "agent"}.toml`,
        stringify({
          agent: {
            enforcement_mode: "enforce",
            journal: { endpoints: [site.journalEndpoint], tls_ca: "/etc/pact/ca.crt" },
            enrollment: { hardware_ids: [site.hardwareId(nodeId)], retry_seconds: 1 },
            console: {
              command: ["/bin/sh", "-c", "echo $$ >> /run/t/logins; exec sleep 86400"],
            },
            shell: { listen, auth: { hmac_secret_file: "/etc/pact/token_secret" } },
          },
        }),
      );
    },
  });
  await site.addAgent(nodeId, listen);
  return { node, address: listen };
}

/** The agent from its sources, with the cache of the runtime that runs the tests. */
function agentScript(): string {
  const cache = Deno.env.get("DENO_DIR") ?? `${Deno.env.get("HOME")}/.cache/deno`;
  return `#!/bin/sh
export DENO_DIR="${cache}"
exec env --block-signal=USR1 "${Deno.execPath()}" run --quiet --no-prompt -P=agent \\
  --unstable-worker-options --config="${repositoryRoot}deno.json" "${repositoryRoot}agent/main.ts" \\
  2>>/run/t/agent.log
`;
}
