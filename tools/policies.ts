/**
 * Task `policies`: compiles `policies/pact` to WebAssembly with the pinned opa, for journals without
 * a bundle of their site. With `--check` it only says whether what is there is current.
 */
import { compileShippedPolicy, isShippedPolicyCurrent, SHIPPED_FILE } from "./policies/mod.ts";

const isCheck = Deno.args.includes("--check");
const wasm = await compileShippedPolicy();
if (isCheck) {
  if (!isShippedPolicyCurrent(wasm.bytes)) {
    console.error(`${SHIPPED_FILE} is not what policies/pact compiles to: run deno task policies`);
    Deno.exit(1);
  }
  console.log(`${SHIPPED_FILE} is current`);
} else {
  await wasm.write();
  console.log(`${SHIPPED_FILE}: ${wasm.bytes.byteLength} bytes of WebAssembly`);
}
