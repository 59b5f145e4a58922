import type { Clock } from "../../common/clock/mod.ts";
import type { Files } from "../../ffi/mod.ts";
import {
  InterfacePoll,
  interfacesUp,
  type ServiceDeclaration,
  type ServiceStatus,
} from "../supervisor/mod.ts";
import { type Hold, holdOf } from "./start_gate.ts";
import type { UnitHealth } from "./unit_health.ts";
import type { UnitStatus } from "./unit_status.ts";

/*
 * Shell: the services that systemd has not been given yet, because they wait for something that it knows
 * nothing of. Owns the look at the network's interfaces while one of them waits for it. Ends by `close`.
 */

export interface HeldStartsOptions {
  readonly clock: Clock;
  readonly files: Files;
  readonly health: UnitHealth;
  readonly declarations: () => readonly ServiceDeclaration[];
  readonly units: () => ReadonlyMap<string, UnitStatus>;
  /** One of them need not wait any more: the units are to be planned anew. */
  readonly onRelease: () => Promise<void>;
}

/** Nobody wants it to run for now. */
const UNWANTED: Hold = { what: "to be asked for", forInterface: false, isLate: false };

export class HeldStarts {
  readonly #options: HeldStartsOptions;
  readonly #interfaces: InterfacePoll;
  #held: ReadonlyMap<string, Hold> = new Map();
  readonly #unwanted = new Set<string>();
  #isReleasing = false;
  #isClosed = false;

  constructor(options: HeldStartsOptions) {
    this.#options = options;
    const { clock, files } = options;
    // Beside systemd somebody else configures the network: the kernel says what is up.
    this.#interfaces = new InterfacePoll(clock, files, undefined, () => this.reconsider());
  }

  has(service: string): boolean {
    return this.#held.has(service);
  }

  /** These are they, by a new plan. */
  set(held: ReadonlyMap<string, Hold>): void {
    this.#held = held;
  }

  /** Somebody wants one of them to run, or not to. */
  want(service: string, isWanted: boolean): void {
    if (isWanted) this.#unwanted.delete(service);
    else this.#unwanted.add(service);
    this.reconsider();
  }

  /** What has been asked for does not count any more: there is a new declaration. */
  forgetWishes(): void {
    this.#unwanted.clear();
  }

  /** What keeps a service from being started, given those that are held or get a new process. */
  holdOf(
    service: string,
    held: ReadonlySet<string>,
    changing: ReadonlySet<string>,
  ): Hold | null {
    const { health, files, declarations, units } = this.#options;
    const declared = new Map(declarations().map((each) => [each.name, each]));
    const declaration = declared.get(service);
    if (declaration === undefined) return null;
    if (this.#unwanted.has(service)) return UNWANTED;
    return holdOf(declaration, {
      declared,
      units: units(),
      held,
      changing,
      hasPassed: (name) => health.hasPassed(name),
      isLate: (name) => health.isLate(name),
      interfacesUp: () => interfacesUp(files),
    });
  }

  /** Looks whether one of them may start now; after everything that may have changed that. */
  reconsider(): void {
    if (this.#isClosed || this.#held.size === 0) return;
    const names = new Set(this.#held.keys());
    const still = new Map<string, Hold>();
    for (const name of names) {
      const hold = this.holdOf(name, names, new Set());
      if (hold !== null) still.set(name, hold);
    }
    if ([...still.values()].some(({ forInterface }) => forInterface)) this.#interfaces.look();
    if (still.size === names.size) this.#held = still;
    else this.#release();
  }

  /** How a service that is held is published; undefined for all others. */
  statusOf(service: string): Pick<ServiceStatus, "state" | "reason"> | undefined {
    const hold = this.#held.get(service);
    if (hold === undefined) return undefined;
    if (this.#unwanted.has(service)) return { state: "Stopped", reason: "" };
    return hold.isLate
      ? { state: "Failed", reason: hold.what }
      : { state: "Starting", reason: `waiting: ${hold.what}` };
  }

  close(): void {
    this.#isClosed = true;
    this.#interfaces.close();
  }

  /** Once at a time; the new plan looks at all of them. */
  #release(): void {
    if (this.#isReleasing) return;
    this.#isReleasing = true;
    this.#options.onRelease().finally(() => this.#isReleasing = false);
  }
}
