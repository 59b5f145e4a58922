import type { ProcessIds, System, Users } from "../../ffi/mod.ts";
import type { Unavailable } from "../isolation/mod.ts";

/** Who a service is to be, or why it cannot be. */
export type IdentityOutcome =
  | { readonly kind: "known"; readonly identity: ServiceIdentity }
  /** Nobody of that name yet; the identity map may bring one (SUP-25). */
  | { readonly kind: "unknown" }
  | { readonly kind: "impossible"; readonly reason: string };

export interface ServiceIdentity {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  readonly home: string;
  readonly shell: string;
  /** The ids differ from the agent's and must be taken on. */
  readonly switches: boolean;
}

/**
 * Finds the ids for the `user` of a declaration. Without root only the agent's own user can be had.
 *
 * @param user a name, `UID`, `UID:GID`, or empty for the agent's own
 */
export async function resolveIdentity(
  user: string,
  shim: { readonly users: Users; readonly system: Pick<System, "ids"> },
): Promise<IdentityOutcome> {
  const own = shim.system.ids();
  if (user === "") {
    return known({ uid: own.effectiveUid, gid: own.effectiveGid, name: `${own.effectiveUid}` });
  }
  const [uidText = "", gidText] = user.split(":");
  const numeric = /^[0-9]+$/.test(uidText);
  const found = numeric ? null : await shim.users.user(user);
  if (!numeric && found === null) return { kind: "unknown" };

  const uid = found?.uid ?? Number(uidText);
  if (own.effectiveUid === 0) {
    const gid = found?.gid ?? Number(gidText ?? uidText);
    return known({ uid, gid, name: user, ...found, switches: uid !== 0 || gid !== 0 });
  }
  if (uid === own.effectiveUid) {
    return known({ uid, gid: own.effectiveGid, name: user, ...found, switches: false });
  }
  return {
    kind: "impossible",
    reason: `cannot become user ${user} (uid ${uid}): the agent runs as uid ${own.effectiveUid}`,
  };
}

/** What an agent that is not root cannot give to services (CTX-3). */
export function rootlessLimits({ effectiveUid }: ProcessIds): readonly Unavailable[] {
  if (effectiveUid === 0) return [];
  const reason = `the agent runs as uid ${effectiveUid}`;
  return ["services as other users", "protection from OOM", "open file limits"]
    .map((what) => ({ what, reason }));
}

function known(
  part: Partial<ServiceIdentity> & Pick<ServiceIdentity, "name" | "uid" | "gid">,
): IdentityOutcome {
  const fallback = { groups: [part.gid], home: "/", shell: "/bin/sh", switches: false };
  const root = part.uid === 0 ? { name: "root", home: "/root" } : {};
  return { kind: "known", identity: { ...fallback, ...part, ...root } };
}
