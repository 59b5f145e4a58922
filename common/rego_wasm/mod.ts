/** Rules compiled to WebAssembly, evaluated in this isolate. */
export { CompiledPolicy } from "./compiled_policy.ts";
