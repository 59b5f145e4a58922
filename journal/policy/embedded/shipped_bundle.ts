import { gunzipSync } from "node:zlib";
import type { PolicyBundle } from "../../../common/rego/mod.ts";
import { SHIPPED_POLICY } from "./shipped_policy.ts";

/** The rules of `policies/pact`, for sites that have none of their own. */
export function shippedBundle(): PolicyBundle {
  const wasm = gunzipSync(Uint8Array.fromBase64(SHIPPED_POLICY));
  return { wasm: new Uint8Array(wasm), data: {} };
}
