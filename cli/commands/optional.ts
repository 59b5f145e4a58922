import { Failure } from "../failure/mod.ts";

const NOT_FOR_US: readonly string[] = ["PERMISSION_DENIED", "UNIMPLEMENTED", "NOT_FOUND"];

/**
 * What `ask` resolves to, or nothing where this caller may not see it or an older journal does not
 * know it: extras of an answer are left out rather than failing the whole.
 */
export async function optionalExtra<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof Failure && NOT_FOR_US.includes(error.code)) return undefined;
    throw error;
  }
}
