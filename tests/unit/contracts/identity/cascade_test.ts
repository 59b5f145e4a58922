import assert from "node:assert/strict";
import {
  type CascadeEnvironment,
  IdentityCascade,
  IdentityError,
  type IdentityProvider,
  type IdentitySource,
  PrivateKey,
  withoutBootstrap,
  type WorkloadIdentity,
} from "../../../../contracts/mod.ts";

const SOURCES = ["Spire", "SelfSigned", "Bootstrap"] as const;

/** Time that passes only when everything else has come to rest. */
class VirtualTime {
  nowMs = 0;
  readonly #sleepers = new Set<{ readonly untilMs: number; readonly wake: () => void }>();

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const sleeper = { untilMs: this.nowMs + delayMs, wake: resolve };
      this.#sleepers.add(sleeper);
      signal?.addEventListener("abort", () => {
        this.#sleepers.delete(sleeper);
        resolve();
      });
    });
  }

  /** Lets time pass until `work` is done, then until the last sleeper has woken. */
  async run<T>(work: Promise<T>): Promise<T> {
    let isDone = false;
    const settled = work.finally(() => isDone = true);
    settled.catch(() => {});
    for (let step = 0; step < 100 && (!isDone || this.#sleepers.size > 0); step++) {
      await new Promise((resolve) => setImmediate(resolve));
      const [next] = [...this.#sleepers].sort((a, b) => a.untilMs - b.untilMs);
      if (next === undefined) continue;
      this.#sleepers.delete(next);
      this.nowMs = Math.max(this.nowMs, next.untilMs);
      next.wake();
    }
    return await settled;
  }
}

function identity(
  source: IdentitySource,
  change: Partial<WorkloadIdentity> = {},
): WorkloadIdentity {
  return {
    certChainPem: new Uint8Array(),
    privateKey: new PrivateKey(new Uint8Array([1, 2, 3])),
    trustBundlePem: new Uint8Array(),
    notBeforeMs: 0,
    expiresAtMs: 3_600_000,
    source,
    ...change,
  };
}

/** How a provider behaves: not available, failing, or what it takes how long to give. */
type Behaviour =
  | "absent"
  | "failing"
  | { readonly gives: WorkloadIdentity; readonly afterMs?: number };

class Scene {
  readonly time = new VirtualTime();
  readonly warnings: string[] = [];
  readonly asked: IdentitySource[] = [];
  readonly objections = new Map<WorkloadIdentity, string>();
  readonly environment: CascadeEnvironment = {
    nowMs: () => this.time.nowMs,
    sleep: (delayMs, signal) => this.time.sleep(delayMs, signal),
    inspect: (found) => Promise.resolve(this.objections.get(found) ?? null),
    warn: (source, error) => this.warnings.push(`${source}: ${error.message}`),
  };

  provider(sourceType: IdentitySource, behaviour: Behaviour): IdentityProvider {
    return {
      sourceType,
      isAvailable: () => Promise.resolve(behaviour !== "absent"),
      getIdentity: async () => {
        this.asked.push(sourceType);
        if (behaviour === "absent" || behaviour === "failing") {
          throw new Error(`${sourceType} is down`);
        }
        if (behaviour.afterMs !== undefined) await this.time.sleep(behaviour.afterMs);
        return behaviour.gives;
      },
    };
  }

  cascade(behaviours: readonly Behaviour[]): IdentityCascade {
    const providers = SOURCES.slice(0, behaviours.length)
      .map((source, i) => this.provider(source, behaviours[i] ?? "absent"));
    return new IdentityCascade(providers, this.environment);
  }

  /** The source of the identity obtained, or the error's message. */
  async outcome(cascade: IdentityCascade): Promise<string> {
    try {
      return (await this.time.run(cascade.getIdentity())).source;
    } catch (error) {
      assert.ok(error instanceof IdentityError);
      return error.message;
    }
  }
}

Deno.test("IDN-7: a limit of one's own counts in place of the contract's", async () => {
  const scene = new Scene();
  const slow = { gives: identity("Spire"), afterMs: 9_000 };
  const quick = { gives: identity("SelfSigned"), afterMs: 9_000 };
  const providers = [scene.provider("Spire", slow), scene.provider("SelfSigned", quick)];
  const cascade = new IdentityCascade(providers, {
    ...scene.environment,
    timeoutMs: { Spire: 5_000 },
  });
  assert.equal(await scene.outcome(cascade), "SelfSigned");
  assert.match(scene.warnings.join(), /Spire: .*timed out after 5 s/);
});

const DOWN: Readonly<Record<IdentitySource, string>> = {
  Spire: "SPIRE agent unavailable: Spire is down",
  SelfSigned: "CSR signing failed: SelfSigned is down",
  Bootstrap: "identity I/O error: Bootstrap is down",
};

/** IDN-3 in one sentence: the first that works, else the last failure, else nobody was there. */
function expected(states: readonly string[]): string {
  const works = states.indexOf("working");
  const fails = states.lastIndexOf("failing");
  const source = SOURCES[works >= 0 ? works : fails];
  if (source === undefined) return "no identity provider available";
  return works >= 0 ? source : DOWN[source];
}

const STATES = ["absent", "failing", "working"] as const;
for (const a of STATES) {
  for (const b of STATES) {
    for (const c of STATES) {
      const states = [a, b, c];
      const result = expected(states);
      Deno.test(`ACC-N6, IDN-3: ${states.join(", ")} gives "${result}"`, async () => {
        const scene = new Scene();
        const behaviours = states.map((state, i): Behaviour =>
          state === "working"
            ? { gives: identity(SOURCES[i] ?? "Spire") }
            : state === "failing"
            ? "failing"
            : "absent"
        );
        assert.equal(await scene.outcome(scene.cascade(behaviours)), result);
        const works = states.indexOf("working");
        const reached = SOURCES.filter((_, i) => works < 0 || i <= works);
        const withState = (state: string) =>
          reached.filter((source) => states[SOURCES.indexOf(source)] === state);
        assert.deepEqual(scene.asked, [...withState("failing"), ...withState("working")]);
        assert.deepEqual(
          scene.warnings,
          withState("failing").map((source) => `${source}: ${DOWN[source]}`),
        );
      });
    }
  }
}

Deno.test("IDN-3: an empty cascade has no provider", async () => {
  const scene = new Scene();
  const cascade = scene.cascade([]);
  assert.equal(cascade.providerCount, 0);
  assert.equal(await scene.outcome(cascade), "no identity provider available");
});

Deno.test("IDN-3: the count is of all configured providers, available or not", () => {
  assert.equal(new Scene().cascade(["absent", "failing", "absent"]).providerCount, 3);
});

Deno.test("IDN-7: a provider that takes too long fails with its own error, the next is asked", async () => {
  const scene = new Scene();
  const slow = { gives: identity("Spire"), afterMs: 60_000 };
  const cascade = scene.cascade([slow, { gives: identity("SelfSigned") }]);
  assert.equal(await scene.outcome(cascade), "SelfSigned");
  assert.deepEqual(scene.warnings, ["Spire: SPIRE agent unavailable: timed out after 30 s"]);
});

Deno.test("IDN-7: bootstrap files get two seconds", async () => {
  const scene = new Scene();
  const slow = { gives: identity("Bootstrap"), afterMs: 2_001 };
  assert.equal(
    await scene.outcome(scene.cascade(["absent", "absent", slow])),
    "identity I/O error: timed out after 2 s",
  );
  assert.equal(scene.time.nowMs, 2_001);
});

Deno.test("IDN-7: a result that comes too late is discarded and its key wiped", async () => {
  const scene = new Scene();
  const late = identity("Spire");
  await scene.outcome(scene.cascade([{ gives: late, afterMs: 31_000 }]));
  assert.deepEqual([...late.privateKey.reveal()], [0, 0, 0]);
});

Deno.test("IDN-2: a provider that does not say within 200 ms whether it is there, is not", async () => {
  const scene = new Scene();
  const mute: IdentityProvider = {
    ...scene.provider("Spire", { gives: identity("Spire") }),
    isAvailable: () => new Promise<boolean>(() => {}),
  };
  const next = scene.provider("SelfSigned", { gives: identity("SelfSigned") });
  const cascade = new IdentityCascade([mute, next], scene.environment);
  assert.equal(await scene.outcome(cascade), "SelfSigned");
  assert.equal(scene.time.nowMs, 200);
});

Deno.test("IDN-2: a provider whose check fails counts as not available", async () => {
  const scene = new Scene();
  const broken: IdentityProvider = {
    ...scene.provider("Spire", { gives: identity("Spire") }),
    isAvailable: () => Promise.reject(new Error("no socket")),
  };
  const cascade = new IdentityCascade([broken], scene.environment);
  assert.equal(await scene.outcome(cascade), "no identity provider available");
});

const UNUSABLE: readonly [what: string, Partial<WorkloadIdentity>, error: string][] = [
  ["expired", { expiresAtMs: 0 }, "identity expired"],
  [
    "not valid for another two minutes",
    { notBeforeMs: 120_000 },
    "SPIRE agent unavailable: identity not yet valid",
  ],
];

for (const [what, change, error] of UNUSABLE) {
  Deno.test(`IDN-6: an identity that is ${what} is a failure, and its key is wiped`, async () => {
    const scene = new Scene();
    const useless = identity("Spire", change);
    assert.equal(await scene.outcome(scene.cascade([{ gives: useless }])), error);
    assert.deepEqual([...useless.privateKey.reveal()], [0, 0, 0]);
  });
}

Deno.test("IDN-6: an identity whose key does not match is a failure, and the next is asked", async () => {
  const scene = new Scene();
  const odd = identity("Spire");
  scene.objections.set(odd, "key does not match the certificate");
  const cascade = scene.cascade([{ gives: odd }, { gives: identity("SelfSigned") }]);
  assert.equal(await scene.outcome(cascade), "SelfSigned");
  assert.deepEqual(scene.warnings, [
    "Spire: SPIRE agent unavailable: key does not match the certificate",
  ]);
});

Deno.test("IDN-3: a provider's own typed error is passed on as it is", async () => {
  const scene = new Scene();
  const missing: IdentityProvider = {
    ...scene.provider("Bootstrap", "failing"),
    getIdentity: () => Promise.reject(new IdentityError({ kind: "BootstrapNotFound", path: "/b" })),
  };
  const cascade = new IdentityCascade([missing], scene.environment);
  assert.equal(await scene.outcome(cascade), "bootstrap identity not found: /b");
});

Deno.test("IDN-10: once SPIRE is active the bootstrap provider is gone", () => {
  const scene = new Scene();
  const providers = SOURCES.map((source) => scene.provider(source, "failing"));
  assert.deepEqual(withoutBootstrap(providers).map(({ sourceType }) => sourceType), [
    "Spire",
    "SelfSigned",
  ]);
});
