import assert from "node:assert/strict";
import { UMOUNT } from "../../../../ffi/mod.ts";
import { needing, needingSysAdmin, waitFor } from "../../../support/mod.ts";
import {
  CGROUP_ROOT,
  handoffRig,
  type Rig,
  type RigTuning,
} from "../../../unit/agent/namespaces/handoff_rig.ts";

/** The kernel's names of the types of the contract. */
const KERNEL_NAMES: Readonly<Record<string, string>> = { Pid: "pid", Net: "net", Mount: "mnt" };

function handoffTest(name: string, test: (rig: Rig) => Promise<void>, tuning: RigTuning = {}) {
  Deno.test({ ...needingSysAdmin(name), fn: () => handoffRig(test, tuning) });
}

handoffTest(
  "ACC-N4, NS-10: descriptors arrive in the requested order and can be joined",
  async ({ connect }) => {
    await using consumer = await connect();
    for (const order of [["Pid", "Net", "Mount"], ["Mount", "Pid"], ["Net"]]) {
      const answer = await consumer.namespaces(`alloc-${order.join("-")}`, order);
      assert.equal(answer.kind, "namespaces");
      assert.deepEqual(answer.body.value("fd_types"), order);
      const kinds = answer.descriptors.map((link) => link.split(":")[0]);
      assert.deepEqual(kinds, order.map((type) => KERNEL_NAMES[type]));
      await consumer.say("enter /");
      const seen = await consumer.line();
      if (order.includes("Pid")) assert.match(seen, /^pid 2 /, "the first child in it");
      if (order.includes("Net")) assert.match(seen, / lo up /);
    }
  },
);

handoffTest(
  "NS-16: an equal request gets the same namespaces, another one is refused",
  async ({ connect }) => {
    await using first = await connect();
    await using second = await connect();
    const once = await first.namespaces("a1", ["Net", "Mount"]);
    const again = await second.namespaces("a1", ["Net", "Mount"]);
    assert.deepEqual(again.descriptors, once.descriptors);
    const other = await second.namespaces("a1", ["Net"]);
    assert.equal(other.kind, "error");
    assert.equal(
      other.body.text("message"),
      "namespace creation failed: allocation ID already has namespaces (Net, Mount)",
    );
    const state = await second.ask("list", {});
    assert.deepEqual(state.body.value("allocations"), [
      { allocation_id: "a1", namespaces: ["Net", "Mount"] },
    ]);
  },
);

handoffTest(
  "NS-17: when the image cannot be mounted nothing of the request stays",
  async ({ connect, pinned, audited, life }) => {
    await using consumer = await connect();
    const failed = await consumer.namespaces("a1", ["Mount"], { uenv_image: "broken.sqfs" });
    assert.equal(failed.kind, "error");
    assert.equal(failed.body.text("kind"), "CreationFailed");
    assert.deepEqual(pinned(), []);
    assert.deepEqual(life.provider.list(), []);
    assert.deepEqual(audited, [{
      action: "namespace.handoff_failed",
      allocationId: "a1",
      outcome: "Failure",
    }]);
  },
);

for (
  const [what, body, reason] of [
    ["no namespaces", { namespaces: [] }, "no namespaces requested"],
    ["one twice", { namespaces: ["Net", "Net"] }, "duplicate namespaces (Net, Net)"],
    ["an id that climbs", { allocation_id: "../x" }, 'invalid allocation id: "../x"'],
    [
      "a scope that is pact's",
      { cgroup_path: "pact.slice/infra.slice" },
      "not a scope below workload.slice: pact.slice/infra.slice",
    ],
  ] as const
) {
  handoffTest(
    `NC-8, NS-3: a request with ${what} is refused with its reason`,
    async ({ connect }) => {
      await using consumer = await connect();
      const request = { allocation_id: "a1", namespaces: ["Net"], ...body };
      const answer = await consumer.ask("request_namespaces", request);
      assert.equal(answer.kind, "error");
      assert.equal(answer.body.text("message"), `namespace creation failed: ${reason}`);
    },
  );
}

handoffTest(
  "NS-14: requests before readiness wait in order and hear of it, and are answered when it comes",
  async ({ connect, life }) => {
    await using consumer = await connect();
    const ids = [
      await consumer.send("request_namespaces", { allocation_id: "a1", namespaces: ["Net"] }),
      await consumer.send("request_namespaces", { allocation_id: "a2", namespaces: ["Net"] }),
    ];
    const positions = new Map<number, number>();
    while (positions.size < 2) {
      const frame = await consumer.receive();
      assert.equal(frame?.kind, "queued");
      positions.set(frame.id, frame.body.whole("position"));
    }
    assert.deepEqual([...positions], [[ids[0], 1], [ids[1], 2]]);
    const state = await consumer.ask("list", {});
    assert.deepEqual(state.body.value("allocations"), []);
    life.server.setGate({ name: "Open" });
    const kinds = [(await consumer.receive())?.kind, (await consumer.receive())?.kind];
    assert.deepEqual(kinds, ["namespaces", "namespaces"]);
  },
  { isReady: false },
);

handoffTest(
  "NS-14: beyond 64 waiting requests are refused, and all are when the boot has failed for good",
  async ({ connect, life }) => {
    await using consumer = await connect();
    for (let index = 0; index < 65; index++) {
      const body = { allocation_id: `a${index}`, namespaces: ["Net"] };
      await consumer.send("request_namespaces", body, 1000 + index);
    }
    let frame = await consumer.receive();
    while (frame?.kind === "queued") frame = await consumer.receive();
    assert.deepEqual(
      [frame?.id, frame?.body.text("message")],
      [1064, "namespace creation failed: handoff queue full"],
    );
    life.server.setGate({ name: "Failed", reason: "no overlay" });
    const refused = new Set<number>();
    while (refused.size < 64) {
      const answer = await consumer.receive();
      if (answer?.kind === "queued") continue;
      assert.equal(
        answer?.body.text("message"),
        "namespace creation failed: boot failed: no overlay",
      );
      refused.add(answer.id);
    }
  },
  { isReady: false },
);

handoffTest(
  "NS-13: what is no frame is answered with Protocol, and only that connection closed",
  async ({ connect }) => {
    await using good = await connect();
    for (
      const broken of [
        "length 65537",
        "length 0",
        "send nonsense",
        'send {"v":2,"id":1,"kind":"list","body":{}}',
        'send {"v":1,"id":1,"kind":"conquer","body":{}}',
      ]
    ) {
      await using bad = await connect();
      await bad.say(broken);
      const answer = await bad.receive();
      assert.equal(answer?.kind, "error", broken);
      assert.equal(answer?.body.text("kind"), "Protocol", broken);
      assert.equal(await bad.receive(), null, broken);
    }
    assert.equal((await good.ask("list", {})).kind, "state");
  },
);

handoffTest(
  "ACC-N4: consumers that are killed in the middle of a frame or of a wait leave nothing behind",
  async ({ connect, life, pinned }) => {
    await using cut = await connect();
    await cut.say(`cut ${JSON.stringify({ v: 1, id: 1, kind: "list", body: {} })}`);
    await using waiting = await connect();
    await waiting.send("request_namespaces", { allocation_id: "gone", namespaces: ["Net"] });
    assert.equal((await waiting.receive())?.kind, "queued");
    waiting.kill();
    await using other = await connect();
    const id = await other.send("request_namespaces", { allocation_id: "a1", namespaces: ["Net"] });
    const frame = await waitFor(async () => {
      const next = await other.receive();
      return next?.kind === "queued" && next.body.whole("position") === 1 && next;
    }, { what: "the first place in the line", timeoutMs: 8_000 });
    assert.equal(frame.id, id);
    life.server.setGate({ name: "Open" });
    assert.equal((await other.receive())?.kind, "namespaces");
    assert.deepEqual(pinned(), ["a1/Net"]);
  },
  { isReady: false },
);

handoffTest(
  "ACC-N4: a hundred requests at once are all answered",
  async ({ connect, pinned }) => {
    const consumers = await Promise.all(Array.from({ length: 10 }, () => connect()));
    await Promise.all(consumers.map(async (consumer, place) => {
      for (let index = 0; index < 10; index++) {
        const body = { allocation_id: `c${place}-${index}`, namespaces: ["Net"] };
        await consumer.send("request_namespaces", body);
      }
      for (let index = 0; index < 10; index++) {
        const answer = await consumer.receive();
        assert.equal(
          answer?.kind,
          "namespaces",
          answer?.kind === "error" ? answer.body.text("message") : "",
        );
        assert.equal(answer?.descriptors.length, 1);
      }
    }));
    assert.equal(pinned().length, 100);
    for (const consumer of consumers) await consumer[Symbol.asyncDispose]();
  },
);

handoffTest(
  "NS-12: a consumer that is no service of pact's is closed and put on the record",
  async ({ connect, refused }) => {
    await using stranger = await connect();
    assert.equal(await stranger.receive(), null);
    assert.match(refused[0] ?? "", /^process [0-9]+ is no service of pact's$/);
  },
  { isServiceOnly: true },
);

handoffTest(
  "NS-22: an allocation whose end is announced is taken down at once when nothing runs in it",
  async ({ connect, pinned, audited }) => {
    await using consumer = await connect();
    await using other = await connect();
    await consumer.namespaces("a1", ["Pid", "Net"]);
    assert.equal((await consumer.ask("allocation_ended", { allocation_id: "a1" })).kind, "ack");
    assert.equal((await other.receive())?.kind, "allocation_ended");
    assert.deepEqual(pinned(), []);
    assert.deepEqual(audited.map(({ action }) => action), [
      "namespace.handoff",
      "namespace.cleanup",
    ]);
    const unknown = await other.ask("release_namespaces", { allocation_id: "a1" });
    assert.equal(unknown.body.text("message"), "allocation not found: a1");
  },
);

handoffTest(
  "WLI-3: the death of the holder ends the allocation and is told",
  async ({ connect, shim, paths, pinned, audited }) => {
    await using consumer = await connect();
    await consumer.namespaces("a1", ["Pid"]);
    const table = JSON.parse(await Deno.readTextFile(`${paths.state}/handoff.json`));
    shim.processes.kill(table.allocations[0].holder.pid, "SIGKILL");
    const told = await consumer.receive();
    assert.equal(told?.kind, "allocation_ended");
    assert.equal(told?.body.text("allocation_id"), "a1");
    await waitFor(() => pinned().length === 0, { what: "the cleanup" });
    assert.ok(
      audited.some(({ action, outcome }) =>
        action === "namespace.handoff_failed" && outcome === "Failure"
      ),
    );
  },
);

handoffTest(
  "WLI-6, NS-21: another agent finds the namespaces, and takes down what has no record",
  async ({ connect, restart, paths, shim, pinned, audited }) => {
    let before: readonly string[] = [];
    {
      await using consumer = await connect();
      before = (await consumer.namespaces("kept", ["Pid", "Net"])).descriptors;
      await consumer.namespaces("leaked", ["Net"]);
    }
    const path = `${paths.state}/handoff.json`;
    const table = JSON.parse(await Deno.readTextFile(path));
    table.allocations = table.allocations.filter((row: { request: { allocation_id: string } }) =>
      row.request.allocation_id === "kept"
    );
    shim.files.writeAtomicSync(path, JSON.stringify(table), { mode: 0o600 });
    await restart();
    assert.deepEqual(pinned(), ["kept/Pid", "kept/Net"]);
    assert.ok(
      audited.some(({ action, allocationId }) =>
        action === "namespace.leak_detected" && allocationId === "leaked"
      ),
    );
    await using consumer = await connect();
    const again = await consumer.namespaces("kept", ["Pid", "Net"]);
    assert.deepEqual(again.descriptors, before);
  },
);

handoffTest(
  "WLI-5, F35: pins that nobody owns are taken down, and an allocation without its pins is over",
  async ({ connect, life, shim, paths, pinned, audited }) => {
    await using consumer = await connect();
    await consumer.namespaces("whole", ["Net"]);
    await consumer.namespaces("robbed", ["Net"]);
    const stray = `${paths.namespacePins}/stray`;
    await Deno.mkdir(stray);
    await Deno.writeTextFile(`${stray}/net`, "");
    await shim.mounts.unmount(`${paths.namespacePins}/robbed/net`, UMOUNT.detach);
    await life.provider.reconcile();
    assert.equal((await consumer.receive())?.body.text("allocation_id"), "robbed");
    assert.deepEqual(pinned(), ["whole/Net"]);
    const leaks = audited.filter(({ action }) => action === "namespace.leak_detected");
    assert.deepEqual(leaks.map(({ allocationId }) => allocationId).sort(), ["robbed", "stray"]);
  },
);

Deno.test({
  ...needing(
    CGROUP_ROOT !== undefined,
    "root with a cgroup2 hierarchy it may write to",
    "NS-22, WI5: namespaces live while processes are in the scope, and go when it is empty",
  ),
  fn: () =>
    handoffRig(async ({ connect, paths, shim, pinned, audited }) => {
      await using consumer = await connect();
      await consumer.namespaces("a1", ["Pid", "Net"]);
      const scope = `${paths.cgroupRoot}/workload.slice/alloc-a1.scope`;
      await Deno.mkdir(scope);
      await consumer.say("run");
      const pid = Number(/^pid ([0-9]+)$/.exec(await consumer.line())?.[1]);
      await consumer.say(`move ${pid} ${scope}/cgroup.procs`);
      assert.equal(await consumer.line(), "moved");
      await waitFor(() => audited.some(({ action }) => action === "workload.allocation_start"), {
        what: "the first process to be noticed",
      });
      assert.equal((await consumer.ask("release_namespaces", { allocation_id: "a1" })).kind, "ack");
      assert.deepEqual(pinned(), ["a1/Pid", "a1/Net"], "deferred: a process runs");
      shim.processes.kill(pid, "SIGKILL");
      const told = await consumer.receive();
      assert.equal(told?.kind, "allocation_ended");
      assert.deepEqual(pinned(), []);
      assert.deepEqual(audited.map(({ action }) => action), [
        "namespace.handoff",
        "workload.allocation_start",
        "namespace.cleanup",
        "workload.allocation_end",
      ]);
      await Deno.remove(scope);
    }),
});
