/**
 * A program that supervises one service until it is killed, for tests of what comes after that.
 * Arguments: the directory for its files.
 */
import { create } from "@bufbuild/protobuf";
import { openIsolation } from "../../../../agent/isolation/mod.ts";
import { loadStateFile, Supervisor } from "../../../../agent/supervisor/mod.ts";
import { agentport } from "../../../../api/mod.ts";
import { systemClock } from "../../../../common/clock/mod.ts";
import { silentLogger } from "../../../../common/log/mod.ts";
import { openTestShim } from "../../../support/mod.ts";

const [directory = ""] = Deno.args;
const shim = await openTestShim();
const stateFile = `${directory}/supervisor.json`;
const supervisor = new Supervisor({
  shim,
  events: shim.startEvents(),
  clock: systemClock,
  isolation: await openIsolation({ shim, clock: systemClock, cgroupRoot: `${directory}/cgroup` }),
  log: silentLogger,
  logsDirectory: `${directory}/logs`,
  stateFile,
  place: () => ({ nodeId: "node-7", vclusterId: "" }),
  newUuid: () => crypto.randomUUID(),
  audit: { emit: () => {}, flush: () => Promise.resolve() },
});
supervisor.onNotice((notice) => {
  if (notice.kind === "changed") console.log(`${notice.status.state} ${notice.status.pid}`);
});
const former = loadStateFile(stateFile);
if (former !== null) supervisor.adopt(former);
supervisor.declare([
  create(agentport.ServiceSpecSchema, {
    name: "ticker",
    binary: "/bin/sh",
    args: ["-c", "n=0; while :; do n=$((n+1)); echo tick $n; sleep 0.02; done"],
  }),
]);
console.log(`declared ${supervisor.statusOf("ticker").pid}`);
Deno.addSignalListener("SIGTERM", async () => {
  await supervisor.stopAll();
  Deno.exit(0);
});
