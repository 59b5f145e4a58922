/**
 * A member's network as a process of its own: `peer_process.ts ID PORT CERTIFICATES PEERS`, the
 * certificates as written by issue-member, the peers as a JSON list of addresses. It says when it
 * is ready, repeats what it receives, and ends with status 1 when it is a duplicate.
 */
import { systemClock } from "../../../../common/clock/mod.ts";
import { silentLogger } from "../../../../common/log/mod.ts";
import { SecretPem } from "../../../../common/secret/mod.ts";
import { openPeerNetwork } from "../../../../journal/peers/mod.ts";
import { raftMessage } from "./fixture.ts";

const [id, port, certificates, peers] = Deno.args;
const self = Number(id);
const network = await openPeerNetwork({
  self: { id: self, instanceId: crypto.randomUUID() },
  clusterId: () => "c1",
  onClusterId: () => {},
  listen: { hostname: "127.0.0.1", port: Number(port) },
  tls: {
    certPem: Deno.readTextFileSync(`${certificates}/node.crt`),
    keyPem: new SecretPem(Deno.readTextFileSync(`${certificates}/node.key`)),
    caPem: Deno.readTextFileSync(`${certificates}/ca.crt`),
  },
  handler: {
    onMessages: (from, messages) => {
      network.send(from, messages.map(({ commit }) => raftMessage(self, from, { commit })));
    },
    onUnreachable: () => {},
    onDuplicate: (_peer, text) => {
      console.error(text);
      Deno.exit(1);
    },
    onSnapshotReported: () => {},
    incomingSnapshotPath: () => "",
    onSnapshot: () => {},
    onCall: (_from, _kind, data) => Promise.resolve(data),
  },
  clock: systemClock,
  random: Math.random,
  log: silentLogger,
});
network.setMembers(JSON.parse(peers ?? "[]"));
console.log("ready");
