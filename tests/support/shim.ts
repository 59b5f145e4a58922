import { buildShim } from "../../ffi/build/mod.ts";
import { openShim, type Shim } from "../../ffi/mod.ts";

/** The real native library for a test: built where needed, loaded as in development. */
export async function openTestShim(): Promise<Shim> {
  const { path } = await buildShim();
  return openShim({ path, mode: "development" });
}

/** Runs a test with a shim that is closed after it. */
export async function withShim(test: (shim: Shim) => void | Promise<void>): Promise<void> {
  const shim = await openTestShim();
  try {
    await test(shim);
  } finally {
    shim.close();
  }
}
