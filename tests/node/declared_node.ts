import type { GuestNode, Lab, NodeOptions } from "./harness/mod.ts";

/** Longest until a node is as declared, from the start of its machine on. */
export const AS_DECLARED_LIMIT_MS = 120_000;

/** One file, and one service that runs through everything. */
export const DECLARED = `
[vcluster.demo.policy]
enforcement_mode = "enforce"
[vcluster.demo.files]
"/etc/motd" = { content = "declared\\n", mode = "0644" }
[vcluster.demo.services.keeper]
binary = "/usr/bin/sleep"
args = ["86400"]
restart_delay_seconds = 1
`;

/** A node that is as {@link DECLARED} says. */
export async function declaredNode(lab: Lab, options: NodeOptions = {}): Promise<GuestNode> {
  const node = await lab.startNode("node-1", options);
  await lab.apply(DECLARED);
  await lab.enrol(node);
  await isAsDeclared(lab);
  return node;
}

/** Waits until the journal shows node-1 as declared, with all of its services. */
export async function isAsDeclared(lab: Lab, services = 1): Promise<void> {
  const wanted = new RegExp(`node-1 .*COMMITTED .*${services}/${services}`);
  await lab.until(["status"], wanted, AS_DECLARED_LIMIT_MS);
}
