import { gzipSync } from "node:zlib";
import { readBundle, shippedBundle } from "../../journal/policy/embedded/mod.ts";
import { buildPeer } from "../peers/mod.ts";

const root = new URL("../../", import.meta.url).pathname;

/** The module that carries the compiled rules. */
export const SHIPPED_FILE = "journal/policy/embedded/shipped_policy.ts";

/** Rules as the pinned opa compiles them. */
export interface CompiledWasm {
  readonly bytes: Uint8Array;
  /** Writes the module that carries them. */
  write(): Promise<void>;
}

/**
 * Compiles `policies/pact`; builds the pinned opa where it is not there yet.
 *
 * @throws {Error} with what opa said.
 */
export async function compileShippedPolicy(): Promise<CompiledWasm> {
  const { folder } = await buildPeer("opa");
  const target = await Deno.makeTempFile({ suffix: ".tar.gz" });
  try {
    const { success, stderr } = await new Deno.Command(`${folder}/opa`, {
      args: [
        "build",
        "--target=wasm",
        "--entrypoint=pact/authz",
        "--ignore=*_test.rego",
        `--output=${target}`,
        "policies/pact",
      ],
      cwd: root,
      stdout: "null",
      stderr: "piped",
    }).output();
    if (!success) throw new Error(`opa build failed: ${new TextDecoder().decode(stderr)}`);
    const { wasm } = await readBundle(target);
    return {
      bytes: wasm,
      write: () => Deno.writeTextFile(`${root}${SHIPPED_FILE}`, moduleOf(wasm)),
    };
  } finally {
    await Deno.remove(target);
  }
}

/** Whether the module that is checked in carries these rules. */
export function isShippedPolicyCurrent(wasm: Uint8Array): boolean {
  const shipped = shippedBundle().wasm;
  return shipped.byteLength === wasm.byteLength && shipped.every((byte, at) => byte === wasm[at]);
}

function moduleOf(wasm: Uint8Array): string {
  const text = gzipSync(wasm, { level: 9 }).toBase64();
  return `/** Made by \`deno task policies\`: the rules of policies/pact as WebAssembly, gzip, base64. */
export const SHIPPED_POLICY =
  "${text}";
`;
}
