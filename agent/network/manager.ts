/**
 * Keeps the interfaces it was given at their specification. It owns a netlink listener and a lease
 * keeper for each DHCP interface, and ends by `close`, which leaves the network as it is.
 */

import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import {
  type EventPump,
  type Files,
  isShimError,
  NETLINK_GROUP,
  type Network,
} from "../../ffi/mod.ts";
import { type InterfaceRole, type InterfaceSpec, textOfInterfaceSpec } from "../interfaces/mod.ts";
import { type Lease, type ResolvedSpec, withLease } from "./lease.ts";
import type { LeaseEvents, LeaseKeeper } from "./lease_keeper.ts";
import { createRtnetlink, type Link, type Rtnetlink } from "./netlink/mod.ts";
import {
  conditionOf,
  describeOperation,
  type InterfaceCondition,
  type NetworkOperation,
  planInterface,
} from "./plan.ts";
import { writeResolvConf } from "./resolv_conf.ts";
import { linkNamed, type NetworkSnapshot, takeSnapshot } from "./snapshot.ts";

/** Longest wait for the carrier, and for the checks of an address (NET-4). */
const UP_LIMIT_MS = 10_000;
/** The kernel's news say that something may have changed; this is for those that were missed. */
const LOOK_AGAIN_MS = 250;
const NEWS_COALESCE_MS = 50;
/** Removing an address may take others along; then it is made good. */
const PLAN_ROUNDS = 3;

/** What happened to an interface, for the record (NET-9, NET-10). */
export type NetworkEvent =
  | { readonly kind: "configured"; readonly name: string; readonly changes: readonly string[] }
  | { readonly kind: "failed"; readonly name: string; readonly reason: string }
  | { readonly kind: "linkLost" | "linkRestored"; readonly name: string }
  /** An interface that was waited for is there and as specified (NET-7). */
  | { readonly kind: "arrived"; readonly name: string };

/** An interface that cannot be brought to its specification. */
export class NetworkError extends Error {
  override readonly name = "NetworkError";
  constructor(readonly interfaceName: string, readonly reason: string) {
    super(`network configuration failed: ${interfaceName}: ${reason}`);
  }
}

/** What the manager works with. */
export interface NetworkManagerOptions {
  readonly network: Network;
  readonly files: Files;
  readonly events: EventPump;
  readonly clock: Clock;
  readonly log: Logger;
  readonly openLease: (link: Link, events: LeaseEvents) => LeaseKeeper;
  readonly onEvent: (event: NetworkEvent) => void;
  /** Links, addresses or what is managed may have changed. */
  readonly onReview?: (snapshot: NetworkSnapshot) => void;
}

/** Where one interface stands. */
export interface InterfaceStatus {
  readonly name: string;
  readonly role: string;
  readonly condition: InterfaceCondition;
}

interface Managed {
  /** Undefined for one that was found configured: watched, never changed. */
  readonly spec: InterfaceSpec | undefined;
  resolved: ResolvedSpec | undefined;
  keeper: LeaseKeeper | undefined;
  /** The newest one. */
  lease: Lease | undefined;
  /** Lost: it was there before, and its loss was told. */
  carrier: "unknown" | "there" | "lost";
  /** The link that was met last; another one of this name is brought to the specification as well. */
  linkIndex: number | undefined;
}

/** Opens a manager of no interface; loopback is brought up (NET-11). Throws ShimError. */
export function openNetworkManager(options: NetworkManagerOptions): NetworkManager {
  return new NetworkManager(options);
}

export class NetworkManager {
  readonly rtnetlink: Rtnetlink;
  readonly #managed = new Map<string, Managed>();
  /** Interfaces that are being configured, and when that is over; one after the other each. */
  readonly #turns = new Map<string, Promise<void>>();
  readonly #arriving = new Set<string>();
  readonly #listener: { close(): void };
  #reviewTimer: TimerHandle | undefined;
  readonly #onNews = new Set<() => void>();
  #isClosed = false;

  constructor(private readonly options: NetworkManagerOptions) {
    this.rtnetlink = createRtnetlink(options.network);
    const { link, ipv4Address, ipv6Address } = NETLINK_GROUP;
    this.#listener = options.network.listen(
      options.events,
      "route",
      link | ipv4Address | ipv6Address,
      () => this.#news(),
    );
    const loopback = this.rtnetlink.links().find(({ isLoopback }) => isLoopback);
    if (loopback?.isUp === false) this.rtnetlink.changeLink(loopback, { isUp: true });
  }

  snapshot(): NetworkSnapshot {
    return takeSnapshot(this.rtnetlink);
  }

  /** The specification an interface is kept at; undefined for one that is not managed or was adopted. */
  specOf(name: string): InterfaceSpec | undefined {
    return this.#managed.get(name)?.spec;
  }

  /** The lease that an interface has now. */
  leaseOf(name: string): Lease | undefined {
    return this.#managed.get(name)?.lease;
  }

  /** Managed interfaces by name, and whether each is there and as specified. */
  readiness(): ReadonlyMap<string, boolean> {
    return new Map(this.status().map(({ name, condition }) => [name, condition.state === "Up"]));
  }

  /** An interface has come and is being brought to its specification (NET-7). */
  isArriving(name: string): boolean {
    return this.#arriving.has(name);
  }

  /** Watches an interface that firmware or kernel configured, and changes nothing (NET-2). */
  adopt(name: string): void {
    this.#managed.get(name)?.keeper?.close();
    const hasCarrier = linkNamed(this.snapshot(), name)?.hasCarrier === true;
    this.#managed.set(name, unmet(undefined, hasCarrier ? "there" : "unknown"));
    this.#news();
  }

  /** Keeps a specification for an interface that is not there: it has it when it comes (NET-7). */
  expect(spec: InterfaceSpec): void {
    this.#managedAs(spec);
    // It may have come since somebody looked.
    this.#news();
  }

  /**
   * Brings an interface to its specification and keeps it there. What is right already is not touched,
   * so that doing it twice does nothing (BTS-13).
   *
   * @throws {NetworkError} with the reason; what was done so far stays.
   */
  configure(
    spec: InterfaceSpec,
    { linkWaitMs = 0 }: { readonly linkWaitMs?: number } = {},
  ): Promise<void> {
    return this.#inTurn(spec.name, () => this.#configure(spec, linkWaitMs));
  }

  /** Expects an interface no more. One that is there stays as it is, and is kept so. */
  expectNot(name: string): void {
    if (linkNamed(this.snapshot(), name) === undefined) this.#managed.delete(name);
  }

  /** Roles by interface, as declared; one that was adopted has none. */
  roles(): ReadonlyMap<string, InterfaceRole> {
    return new Map([...this.#managed].map(([name, { spec }]) => [name, spec?.role ?? "other"]));
  }

  status(): InterfaceStatus[] {
    const snapshot = this.snapshot();
    return [...this.#managed].map(([name, managed]) => ({
      name,
      role: managed.spec?.role ?? "management",
      condition: conditionIn(snapshot, name, managed),
    }));
  }

  close(): void {
    this.#isClosed = true;
    this.#listener.close();
    if (this.#reviewTimer !== undefined) this.options.clock.clearTimer(this.#reviewTimer);
    for (const { keeper } of this.#managed.values()) keeper?.close();
    this.#wakeWaiting();
  }

  #managedAs(spec: InterfaceSpec): Managed {
    const before = this.#managed.get(spec.name);
    const isSame = before?.spec !== undefined &&
      textOfInterfaceSpec(before.spec) === textOfInterfaceSpec(spec);
    if (isSame) return before;
    before?.keeper?.close();
    const managed = unmet(spec, before?.carrier ?? "unknown");
    this.#managed.set(spec.name, managed);
    return managed;
  }

  async #configure(spec: InterfaceSpec, linkWaitMs: number): Promise<void> {
    const { name } = spec;
    const managed = this.#managedAs(spec);
    try {
      if (linkWaitMs > 0) {
        await this.#waitFor(
          name,
          "interface of this name",
          linkWaitMs,
          (snapshot) => linkNamed(snapshot, name) === undefined ? "wait" : "done",
        );
      }
      const changes = await this.#bringAbout(spec, managed);
      if (spec.state === "up") this.#noteCarrier(name, managed, true);
      else managed.carrier = "unknown";
      if (changes.length > 0) this.options.onEvent({ kind: "configured", name, changes });
    } catch (error) {
      // The next attempt asks anew.
      managed.keeper?.close();
      managed.keeper = undefined;
      managed.lease = undefined;
      const failure = error instanceof NetworkError
        ? error
        : new NetworkError(name, error instanceof Error ? error.message : String(error));
      this.options.onEvent({ kind: "failed", name, reason: failure.reason });
      throw failure;
    }
  }

  async #bringAbout(spec: InterfaceSpec, managed: Managed): Promise<string[]> {
    const { name } = spec;
    const changes: string[] = [];
    const link = linkNamed(this.snapshot(), name);
    if (link === undefined) throw new NetworkError(name, "no such interface");
    if (managed.linkIndex !== link.index) meet(managed, link);
    if (spec.addresses === "dhcp" && spec.state === "up") {
      if (!link.isUp) this.#run(link, { kind: "link", change: { isUp: true } }, changes);
      await this.#waitFor(
        name,
        "carrier",
        UP_LIMIT_MS,
        (snapshot) => linkNamed(snapshot, name)?.hasCarrier === true ? "done" : "wait",
      );
      managed.keeper ??= this.#openLease(name, link, managed);
      managed.lease ??= await managed.keeper.first;
      managed.resolved = withLease(spec, managed.lease);
    } else {
      const addresses = spec.addresses === "dhcp" ? [] : spec.addresses;
      managed.resolved = { ...spec, addresses };
    }
    this.#settle(managed.resolved, link, changes);
    if (spec.state === "down") return changes;
    const { resolved } = managed;
    await this.#waitFor(name, undefined, UP_LIMIT_MS, (snapshot) => {
      const condition = conditionOf(resolved, linkNamed(snapshot, name), snapshot);
      if (condition.state === "Up") return "done";
      if (condition.state === "Down") throw new NetworkError(name, condition.reason);
      return "wait";
    });
    this.#writeResolvConf();
    return changes;
  }

  /** Plans and carries out until nothing is left to do. */
  #settle(resolved: ResolvedSpec, link: Link, changes: string[]): void {
    for (let round = 0; round < PLAN_ROUNDS; round++) {
      const snapshot = this.snapshot();
      const current = linkNamed(snapshot, link.name) ?? link;
      const plan = planInterface(resolved, current, snapshot);
      if (plan.length === 0) return;
      if (plan.some(({ kind }) => kind === "removeAddress")) this.#keepSecondaries(link.name);
      for (const operation of plan) this.#run(current, operation, changes);
    }
  }

  #run(link: Link, operation: NetworkOperation, changes: string[]): void {
    changes.push(describeOperation(operation));
    switch (operation.kind) {
      case "link":
        return this.rtnetlink.changeLink(link, operation.change);
      case "addAddress":
        return this.rtnetlink.addAddress(link.index, operation.cidr);
      case "removeAddress":
        return this.rtnetlink.removeAddress(link.index, operation.cidr);
      case "addRoute":
        return this.rtnetlink.addRoute(operation.route, { replace: operation.replace });
      case "removeRoute":
        return this.rtnetlink.removeRoute(operation.route);
    }
  }

  /** Without it the kernel takes every other address of a network away with its first. */
  #keepSecondaries(name: string): void {
    try {
      this.options.files.writeExisting(`/proc/sys/net/ipv4/conf/${name}/promote_secondaries`, "1");
    } catch (error) {
      if (!isShimError(error)) throw error;
      this.options.log.debug("addresses of one network may go together", { reason: error.message });
    }
  }

  #openLease(name: string, link: Link, managed: Managed): LeaseKeeper {
    return this.options.openLease(link, {
      onLease: (lease) => this.#onLease(name, managed, lease),
      onLost: (reason) => this.#onLeaseLost(name, managed, reason),
    });
  }

  #onLease(name: string, managed: Managed, lease: Lease): void {
    if (managed.spec === undefined || this.#managed.get(name) !== managed) return;
    managed.lease = lease;
    managed.resolved = withLease(managed.spec, lease);
    this.#makeGood(name, managed);
  }

  /** The address belongs to somebody else from now on: it must go. */
  #onLeaseLost(name: string, managed: Managed, reason: string): void {
    if (managed.spec === undefined || this.#managed.get(name) !== managed) return;
    const { gateway: _, dns: __, ...rest } = managed.spec;
    managed.lease = undefined;
    managed.resolved = { ...rest, routes: [], addresses: [] };
    this.options.onEvent({ kind: "failed", name, reason });
    this.#makeGood(name, managed);
  }

  #makeGood(name: string, managed: Managed): void {
    const { resolved } = managed;
    const link = linkNamed(this.snapshot(), name);
    if (resolved === undefined || link === undefined || !link.isUp) return;
    const changes: string[] = [];
    try {
      this.#settle(resolved, link, changes);
      this.#writeResolvConf();
    } catch (error) {
      if (!isShimError(error)) throw error;
      this.options.onEvent({ kind: "failed", name, reason: error.message });
    }
    if (changes.length > 0) this.options.onEvent({ kind: "configured", name, changes });
  }

  /** Name resolution is worth a warning, not the network. */
  #writeResolvConf(): void {
    const dns = [...this.#managed.values()].flatMap(({ resolved }) => resolved?.dns ?? []);
    if (dns.length === 0) return;
    try {
      writeResolvConf(this.options.files, dns);
    } catch (error) {
      if (!isShimError(error)) throw error;
      this.options.log.warn("resolv.conf not written", { reason: error.message });
    }
  }

  /** Waits for a state of the network; news of the kernel make it look again. */
  async #waitFor(
    name: string,
    what: string | undefined,
    limitMs: number,
    look: (snapshot: NetworkSnapshot) => "done" | "wait",
  ): Promise<void> {
    const { clock } = this.options;
    const endMs = clock.monotonicMs() + limitMs;
    while (look(this.snapshot()) !== "done") {
      if (this.#isClosed) throw new NetworkError(name, "the agent is stopping");
      if (clock.monotonicMs() >= endMs) {
        const missing = what ?? this.#waitedFor(name);
        throw new NetworkError(name, `no ${missing} within ${limitMs / 1000} s`);
      }
      await this.#newsOr(LOOK_AGAIN_MS);
    }
  }

  #waitedFor(name: string): string {
    const managed = this.#managed.get(name);
    if (managed === undefined) return "interface";
    const condition = conditionIn(this.snapshot(), name, managed);
    return condition.state === "Configuring" ? condition.waitingFor : "carrier";
  }

  #newsOr(limitMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { clock } = this.options;
    const end = () => {
      clock.clearTimer(timer);
      this.#onNews.delete(end);
      resolve();
    };
    const timer = clock.setTimer(limitMs, end);
    this.#onNews.add(end);
    return promise;
  }

  #wakeWaiting(): void {
    for (const wake of [...this.#onNews]) wake();
  }

  #news(): void {
    this.#wakeWaiting();
    if (this.#isClosed) return;
    this.#reviewTimer ??= this.options.clock.setTimer(NEWS_COALESCE_MS, () => {
      this.#reviewTimer = undefined;
      if (!this.#isClosed) this.#review();
    });
  }

  /** Tells of carriers lost and found, verifies what is found again (NET-10), and brings what has come
   * to its specification (NET-7). */
  #review(): void {
    const snapshot = this.snapshot();
    for (const [name, managed] of this.#managed) {
      if (this.#turns.has(name)) continue;
      const link = linkNamed(snapshot, name);
      const { spec } = managed;
      if (spec !== undefined && link !== undefined && managed.linkIndex !== link.index) {
        this.#arrived(spec);
        continue;
      }
      if (spec?.state === "down") continue;
      const hasCarrier = link !== undefined && link.isUp && link.hasCarrier;
      if (!this.#noteCarrier(name, managed, hasCarrier) || !hasCarrier) continue;
      if (spec !== undefined && managed.resolved === undefined) this.#arrived(spec);
      else this.#makeGood(name, managed);
    }
    this.options.onReview?.(snapshot);
  }

  /** True when it is another than before. */
  #noteCarrier(name: string, managed: Managed, hasCarrier: boolean): boolean {
    const before = managed.carrier;
    if (hasCarrier === (before === "there")) return false;
    if (!hasCarrier && before === "unknown") return false;
    managed.carrier = hasCarrier ? "there" : "lost";
    if (!hasCarrier) this.options.onEvent({ kind: "linkLost", name });
    else if (before === "lost") this.options.onEvent({ kind: "linkRestored", name });
    return true;
  }

  #arrived(spec: InterfaceSpec): void {
    this.#arriving.add(spec.name);
    this.configure(spec).finally(() => this.#arriving.delete(spec.name)).then(
      () => this.options.onEvent({ kind: "arrived", name: spec.name }),
      // Told by the attempt itself; whoever declared the interface tries again.
      () => {},
    );
  }

  #inTurn(name: string, task: () => Promise<void>): Promise<void> {
    const turn = (this.#turns.get(name) ?? Promise.resolve()).then(task);
    const over = turn.catch(() => {}).then(() => {
      if (this.#turns.get(name) === over) this.#turns.delete(name);
      // What happened meanwhile was not looked at.
      this.#news();
    });
    this.#turns.set(name, over);
    return turn;
  }
}

function unmet(spec: InterfaceSpec | undefined, carrier: Managed["carrier"]): Managed {
  return {
    spec,
    resolved: undefined,
    keeper: undefined,
    lease: undefined,
    carrier,
    linkIndex: undefined,
  };
}

/** What was got over another link of this name went with it. */
function meet(managed: Managed, link: Link): void {
  managed.keeper?.close();
  managed.keeper = undefined;
  managed.lease = undefined;
  managed.linkIndex = link.index;
}

function conditionIn(
  snapshot: NetworkSnapshot,
  name: string,
  { spec, resolved }: Managed,
): InterfaceCondition {
  const link = linkNamed(snapshot, name);
  if (resolved !== undefined) return conditionOf(resolved, link, snapshot);
  if (link === undefined) return { state: "Down", reason: "no such interface" };
  if (spec !== undefined) return { state: "Configuring", waitingFor: "a lease" };
  if (!link.isUp || !link.hasCarrier) return { state: "Down", reason: "no carrier" };
  return { state: "Up" };
}
