import assert from "node:assert/strict";
import { PolicySettingsSchema } from "../../../../common/model/mod.ts";
import { AuditRetention } from "../../../../journal/retention/mod.ts";
import type { WaitSignal } from "../../../../journal/replica/mod.ts";
import type { AuditQuery } from "../../../../journal/store/mod.ts";
import { VirtualClock } from "../../../support/clock/mod.ts";
import { ANN, TestState } from "../../../support/journal/mod.ts";
import { waitFor } from "../../../support/mod.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** A state, and a member that looks after the retention of its records. */
class Member implements AsyncDisposable {
  readonly state = new TestState();
  readonly clock = new VirtualClock(this.state.nowMs);
  readonly errors: unknown[] = [];
  leads = true;
  /** There is no majority: whatever is submitted waits. */
  isStuck = false;
  waiting = 0;
  #looks = 0;
  readonly #retention = new AuditRetention({
    replica: {
      state: this.state.store,
      audit: (query) => this.#audit(query),
      submit: (command, { signal }) => {
        if (this.isStuck) {
          this.waiting++;
          return untilAborted(signal);
        }
        this.state.nowMs = this.clock.nowMs();
        return Promise.resolve(this.state.send(command));
      },
    },
    leads: () => {
      this.#looks++;
      return this.leads;
    },
    clock: this.clock,
    onError: (error) => this.errors.push(error),
  });

  keep(vcluster_id: string, audit_retention_days: number): void {
    const settings = PolicySettingsSchema.parse({ audit_retention_days });
    this.state.send({ type: "SetPolicy", vcluster_id, settings });
  }

  record(vcluster: string): void {
    this.state.send({
      type: "RecordOperation",
      operation: {
        actor: ANN,
        operation_type: "Exec",
        scope: { VCluster: vcluster },
        outcome: "Success",
        detail: "",
        source: "cli",
        metadata: {},
      },
    });
  }

  /** Lets `ms` pass and waits for a look at the end of it. */
  async pass(ms: number): Promise<void> {
    await this.clock.advanceAsync(ms - HOUR_MS);
    const before = this.#looks;
    await waitFor(async () => {
      if (this.#looks === before) await this.clock.advanceAsync(HOUR_MS);
      return this.#looks > before;
    }, { what: "a look" });
    await this.clock.advanceAsync(0);
  }

  /** Details of the records of a type, oldest first, the archive's included. */
  records(operationType: string) {
    return [...this.state.store.auditPages({ archived: true, operationTypes: [operationType] })]
      .flat();
  }

  async *#audit(query: AuditQuery = {}) {
    for (const page of this.state.store.auditPages(query)) yield* await Promise.resolve(page);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#retention.close();
    this.state[Symbol.dispose]();
  }
}

function untilAborted(signal: WaitSignal | undefined): Promise<never> {
  return new Promise((_, refuse) => signal?.addEventListener("abort", () => refuse(signal.reason)));
}

const scopes = (member: Member) =>
  member.records("Exec").map(({ scope }) =>
    scope !== "Global" && "VCluster" in scope && scope.VCluster
  );

Deno.test("AUD-4: the leader lets the oldest records go as far as all of them are past retention", async () => {
  await using member = new Member();
  member.keep("short", 10);
  member.keep("long", 20);
  for (const vcluster of ["short", "long", "short"]) member.record(vcluster);
  await member.pass(10 * DAY_MS - 2 * HOUR_MS);
  assert.deepEqual(scopes(member), ["short", "long", "short"]);
  await member.pass(3 * HOUR_MS);
  // The next one has to stay, and keeps what came after it.
  assert.deepEqual(scopes(member), ["long", "short"]);
  await member.pass(10 * DAY_MS);
  assert.deepEqual(scopes(member), []);
  assert.deepEqual(member.errors, []);
});

Deno.test("AUD-4: a member that does not lead lets nothing go", async () => {
  await using member = new Member();
  member.leads = false;
  member.keep("ml", 1);
  member.record("ml");
  await member.pass(2 * DAY_MS);
  assert.deepEqual(scopes(member), ["ml"]);
});

Deno.test("AUD-4: thousands of old records go in one look, a thousand with each command", async () => {
  await using member = new Member();
  member.keep("ml", 1);
  for (let count = 0; count < 2500; count++) member.record("ml");
  await member.pass(DAY_MS + 2 * HOUR_MS);
  await waitFor(() => scopes(member).length === 0, { what: "all of them to go" });
  assert.deepEqual(
    member.records("AuditPurge").map(({ detail }) => /op-\d+/.exec(detail)?.[0]),
    ["op-999", "op-1999", "op-2499"],
  );
});

Deno.test("JRN-62: a look that waits for a majority holds up no end, and is no error", async () => {
  let errors: unknown[];
  {
    await using member = new Member();
    errors = member.errors;
    member.isStuck = true;
    member.keep("ml", 1);
    member.record("ml");
    await waitFor(async () => {
      await member.clock.advanceAsync(HOUR_MS);
      return member.waiting === 1;
    }, { what: "the look that waits" });
  }
  assert.deepEqual(errors, []);
});
