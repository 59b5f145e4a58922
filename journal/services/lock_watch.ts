import { lockText } from "../../common/authz/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import type { Scope } from "../../common/model/mod.ts";
import type { Caller } from "../access/mod.ts";
import type { ServiceContext } from "./context.ts";

/** What tells a stream that one of the scopes it is about was locked; ends with `cancel`. */
export interface LockWatch {
  readonly signal: AbortSignal;
  cancel(): void;
}

/** Aborts, with the error as its reason, when a scope of a stream is closed to the caller by a lock. */
export function watchLocks(
  { locks, gatekeeper }: Pick<ServiceContext, "locks" | "gatekeeper">,
  { principal }: Caller,
  scopes: readonly Scope[],
): LockWatch {
  const closed = new AbortController();
  const look = () => {
    for (const scope of scopes) {
      const nodeId = scope !== "Global" && "Node" in scope ? scope.Node : undefined;
      const lock = locks.onScope(principal, { nodeId, vclusterId: gatekeeper.vclusterOf(scope) });
      if (lock !== undefined) closed.abort(new PactError("LOCKED", lockText(lock)));
    }
  };
  return { signal: closed.signal, cancel: locks.onChange(look) };
}
