import { emptyTables } from "../state/mod.ts";
import type { StateStore } from "../store/mod.ts";

/**
 * Makes a restored state the beginning of a new cluster: it forgets which cluster it was, who voted
 * and where the members were. The member that is started on it to found one gives it a new identity
 * and membership; the state's position in the former log stays, and the new log begins behind it.
 */
export function prepareNewCluster(store: StateStore): void {
  const changes = emptyTables();
  for (const [key] of store.list("quorum")) changes.quorum.set(key, undefined);
  for (const [key] of store.list("members")) changes.members.set(key, undefined);
  store.batch(() => store.write([], changes, []));
}
