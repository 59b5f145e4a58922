import { type LoadedPolicy, loadPolicy } from "@open-policy-agent/opa-wasm";
import { packageOf, type RegoDocuments, type RegoQuestion } from "../rego/mod.ts";
import type { PolicyInput } from "../rego/mod.ts";
import { TIME_BUILTINS } from "./time_builtins.ts";

/** Memory of a policy in pages of 64 KiB: at the beginning, and at most (64 MiB). */
const MEMORY = { initial: 32, maximum: 1024 };

/** Functions of Rego that compiled policies leave to the package that runs them. */
const PACKAGE_BUILTINS: readonly string[] = [
  "sprintf",
  "json.is_valid",
  "regex.split",
  "yaml.is_valid",
  "yaml.marshal",
  "yaml.unmarshal",
];

const AUTHZ = "pact/authz";
const VCLUSTERS = "pact/vcluster";

/** A compiled policy that can be asked. */
export class CompiledPolicy {
  private constructor(
    private readonly policy: LoadedPolicy,
    private readonly entrypoints: ReadonlySet<string>,
  ) {}

  /**
   * Loads `wasm`.
   *
   * @throws {Error} when it cannot be run here, saying why.
   */
  static async load(wasm: Uint8Array<ArrayBuffer>): Promise<CompiledPolicy> {
    const policy = await loadPolicy(wasm, { ...MEMORY }, TIME_BUILTINS);
    const known = new Set([...PACKAGE_BUILTINS, ...Object.keys(TIME_BUILTINS)]);
    const missing = neededBuiltins(policy).filter((name) => !known.has(name));
    if (missing.length > 0) {
      throw new Error(
        `its rules call what is not there without an OPA server: ${missing.join(", ")}`,
      );
    }
    const entrypoints = new Set(Object.keys(policy.entrypoints));
    if (!entrypoints.has(AUTHZ)) {
      throw new Error(
        `it has no entry point ${AUTHZ}: build it with \`opa build -t wasm -e ${AUTHZ}\``,
      );
    }
    return new CompiledPolicy(policy, entrypoints);
  }

  setData(data: object): void {
    this.policy.setData(data);
  }

  /** Packages of vClusters that the policy has rules for, by their last part. */
  vclusters(): string[] {
    const prefix = `${VCLUSTERS}/`;
    const named = [...this.entrypoints].flatMap((name) =>
      name.startsWith(prefix) ? [name.slice(prefix.length).split("/")[0] ?? ""] : []
    );
    const all = this.entrypoints.has(VCLUSTERS) ? this.#evaluate({}, VCLUSTERS) : {};
    return [...new Set([...named, ...Object.keys(recordOf(all))])];
  }

  /** The documents of one question. */
  ask({ input, coarseInput }: RegoQuestion): RegoDocuments {
    const authz = recordOf(this.#evaluate(input, AUTHZ));
    const { allow, deny_reason: denyReason } = authz;
    const name = input.vcluster === null ? undefined : packageOf(input.vcluster);
    const isOpen = allow === true && name !== undefined;
    return {
      allow,
      denyReason,
      vcluster: isOpen ? this.#vcluster(name, input) : undefined,
      coarseVcluster: isOpen && coarseInput !== undefined
        ? this.#vcluster(name, coarseInput)
        : undefined,
    };
  }

  #vcluster(name: string, input: PolicyInput): unknown {
    const own = `${VCLUSTERS}/${name}`;
    if (this.entrypoints.has(own)) return this.#evaluate(input, own);
    if (!this.entrypoints.has(VCLUSTERS)) return undefined;
    const all = recordOf(this.#evaluate(input, VCLUSTERS));
    return Object.hasOwn(all, name) ? all[name] : undefined;
  }

  #evaluate(input: object, entrypoint: string): unknown {
    const results: unknown = this.policy.evaluate(input, entrypoint);
    if (!Array.isArray(results)) throw new Error("the policy gave no result set");
    return recordOf(results[0])["result"];
  }
}

/** Functions that the policy expects from outside, by their names in Rego. */
function neededBuiltins({ wasmInstance, mem }: LoadedPolicy): string[] {
  const { exports } = "instance" in wasmInstance ? wasmInstance.instance : wasmInstance;
  const { builtins, opa_json_dump: dump } = exports;
  if (typeof builtins !== "function" || typeof dump !== "function") {
    throw new Error("it is no policy that OPA has compiled");
  }
  const address: unknown = dump(builtins());
  if (typeof address !== "number") throw new Error("it is no policy that OPA has compiled");
  const bytes = new Uint8Array(mem.buffer, address);
  const text = new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
  return Object.keys(recordOf(JSON.parse(text)));
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
}
