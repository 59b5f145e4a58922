/**
 * Access to device nodes beyond what they have by default (CLD-3). It owns nothing; what it changed
 * stays when the agent ends.
 */

import type { agentport } from "../../api/mod.ts";
import { type Files, isShimError, type Users } from "../../ffi/mod.ts";
import { modeOfNode } from "./device_nodes.ts";
import { matchesGlob } from "./glob.ts";

/** What access is set with. */
export interface DeviceAccess {
  readonly files: Pick<Files, "list" | "lstatIfPresent" | "chmod" | "chown">;
  readonly users: Users;
}

/** A rule whose names were looked up. */
interface ResolvedRule {
  readonly glob: string;
  readonly mode: number | undefined;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
}

/** What a node had before a rule. */
interface Access {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** File systems of their own below /dev, where nothing is a driver's. */
const FOREIGN = new Set(["pts", "shm", "mqueue", "hugepages"]);
const MAX_DEPTH = 4;
const MAX_NODES = 20_000;

export class DeviceRules {
  #rules: readonly ResolvedRule[] = [];
  readonly #former = new Map<string, Access>();

  constructor(private readonly access: DeviceAccess, private readonly devices = "/dev") {}

  /**
   * Puts other rules in force, for the nodes that are there and those that come. Of several that
   * match, the longest glob decides, for mode, owner and group each. A node that no rule names any
   * more has what it had before. Answers what went wrong.
   */
  async set(rules: readonly agentport.DeviceRule[]): Promise<string[]> {
    const problems: string[] = [];
    const resolved: ResolvedRule[] = [];
    for (const { glob, mode, owner, group } of rules) {
      const uid = await idOf(owner, async (name) => (await this.access.users.user(name))?.uid);
      const gid = await idOf(group, (name) => this.access.users.group(name));
      if (uid === null) problems.push(`${glob}: unknown user ${owner}`);
      if (gid === null) problems.push(`${glob}: unknown group ${group}`);
      resolved.push({ glob, mode, uid: uid ?? undefined, gid: gid ?? undefined });
    }
    this.#rules = resolved.sort((a, b) =>
      a.glob.length - b.glob.length || (a.glob < b.glob ? -1 : 1)
    );
    return [...problems, ...this.applyAll()];
  }

  /** Sets the access of every node; answers what went wrong. Repeatable. */
  applyAll(): string[] {
    if (this.#rules.length === 0 && this.#former.size === 0) return [];
    return this.#nodes().flatMap((name) => {
      try {
        this.applyTo(name);
        return [];
      } catch (error) {
        if (!isShimError(error)) throw error;
        return [`${name}: ${error.message}`];
      }
    });
  }

  /** Whether a rule says the mode of a node: what others have it be by default counts for nothing then. */
  saysMode(name: string): boolean {
    return this.#rules.some(({ glob, mode }) => mode !== undefined && matchesGlob(glob, name));
  }

  /** Sets the access of one node, by its name below /dev. Throws ShimError. */
  applyTo(name: string): void {
    const rules = this.#rules.filter(({ glob }) => matchesGlob(glob, name));
    const former = this.#former.get(name);
    if (rules.length === 0 && former === undefined) return;
    const path = `${this.devices}/${name}`;
    const found = this.access.files.lstatIfPresent(path);
    if (found === null || (found.type !== "character" && found.type !== "block")) {
      this.#former.delete(name);
      return;
    }
    const { mode, uid, gid } = found;
    // The default of a node with a rule was not set, or not by this agent.
    const ownMode = this.saysMode(name) ? modeOfNode(name) ?? mode : mode;
    const before = former ?? { mode: ownMode, uid, gid };
    const wanted = {
      mode: rules.findLast((rule) => rule.mode !== undefined)?.mode ?? before.mode,
      uid: rules.findLast((rule) => rule.uid !== undefined)?.uid ?? before.uid,
      gid: rules.findLast((rule) => rule.gid !== undefined)?.gid ?? before.gid,
    };
    // Another owner first: with the new mode the former one might get more than either.
    if (wanted.uid !== uid || wanted.gid !== gid) {
      this.access.files.chown(path, { uid: wanted.uid, gid: wanted.gid });
    }
    if (wanted.mode !== mode) this.access.files.chmod(path, wanted.mode);
    if (rules.length === 0) this.#former.delete(name);
    else this.#former.set(name, before);
  }

  /** A node came anew: what one of this name had before is no matter. */
  appeared(name: string): void {
    this.#former.delete(name);
    this.applyTo(name);
  }

  /** Character and block devices by their names below /dev. */
  #nodes(): string[] {
    const found: string[] = [];
    const look = (folder: string, depth: number) => {
      for (const { name, type } of this.#list(folder)) {
        const path = folder === "" ? name : `${folder}/${name}`;
        if (found.length >= MAX_NODES) return;
        if (type === "character" || type === "block") found.push(path);
        else if (type === "directory" && depth < MAX_DEPTH && !FOREIGN.has(path)) {
          look(path, depth + 1);
        }
      }
    };
    look("", 1);
    return found;
  }

  #list(folder: string) {
    try {
      return this.access.files.list(`${this.devices}/${folder}`);
    } catch (error) {
      // It went away meanwhile.
      if (isShimError(error, "ENOENT", "ENOTDIR")) return [];
      throw error;
    }
  }
}

/** Undefined for none that is wanted, null for one that nobody knows. */
async function idOf(
  text: string,
  byName: (name: string) => Promise<number | null | undefined>,
): Promise<number | null | undefined> {
  if (text === "") return undefined;
  if (/^[0-9]{1,9}$/.test(text)) return Number(text);
  try {
    return await byName(text) ?? null;
  } catch (error) {
    // A name service that cannot answer knows nobody.
    if (!isShimError(error)) throw error;
    return null;
  }
}
