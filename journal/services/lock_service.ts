import { create } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { lock } from "../../api/mod.ts";
import { isLockKind, lockKey, type LockKind } from "../../common/authz/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import type { Scope } from "../../common/model/mod.ts";
import { readRequestId } from "../../common/rpc/mod.ts";
import { instantToWire, present } from "../../common/wire/mod.ts";
import { identityOf } from "../access/mod.ts";
import { vclusterExists } from "../overlay/mod.ts";
import { isLockOver, type LockDocument } from "../state/mod.ts";
import { auditNote } from "./audit_note.ts";
import { callerOf, type ServiceContext, waitSignalOf } from "./context.ts";
import { nodeIdFromWire, vclusterIdFromWire } from "./identifiers.ts";

/** Longest time of a lock; longer ones are released by somebody. */
const MAX_TTL_SECONDS = 31_536_000n;
const MAX_REASON_CHARS = 256;
const MAX_NAME_CHARS = 1_024;

/** Who and what is kept out; for platform admins, and to be read by nodes. */
export function lockService(context: ServiceContext): ServiceImpl<typeof lock.LockService> {
  return {
    setLock: (request, call) => setLock(context, request, call),
    releaseLock: (request, call) => releaseLock(context, request, call),
    listLocks: async (_request, call) => {
      const caller = callerOf(call);
      // Nodes enforce them; of people only those who set them may read them all.
      if (caller.principal.nodeId === undefined) {
        await context.gatekeeper.require({ caller, action: "lock", scope: "Global" });
      }
      return lockList(context);
    },
  };
}

/** Every lock in force. */
export function lockList(
  { replica, clock }: Pick<ServiceContext, "replica" | "clock">,
): lock.ListLocksResponse {
  const locks = [...replica.state.list("locks")]
    .filter(([, document]) => !isLockOver(document, clock.nowMs()))
    .map(([, document]) => toWire(document));
  return create(lock.ListLocksResponseSchema, { locks });
}

async function setLock(
  context: ServiceContext,
  request: lock.SetLockRequest,
  call: HandlerContext,
): Promise<lock.Lock> {
  const target = targetOf(request);
  const reason = reasonOf(request.reason);
  if (reason === undefined) throw new PactError("INVALID_ARGUMENT", "reason required");
  if (request.ttlSeconds > MAX_TTL_SECONDS) {
    throw new PactError("TTL_OUT_OF_BOUNDS", `a lock lasts at most ${MAX_TTL_SECONDS} seconds`);
  }
  const ttl_seconds = request.ttlSeconds === 0n ? undefined : Number(request.ttlSeconds);
  const caller = callerOf(call);
  const { key, kind, name } = target;
  if (kind === "role" && caller.principal.roles.includes(name)) {
    throw new PactError("PRECONDITION", `PRECONDITION: you hold ${name}: it would lock you out`);
  }
  if (kind === "vcluster" && !vclusterExists(context.replica.state, name)) {
    throw new PactError("NOT_FOUND", `NOT_FOUND: there is no vCluster ${name}`);
  }
  const detail = `${kind} ${name} locked: ${reason}`;
  const command = {
    type: "SetLock" as const,
    kind,
    name,
    reason,
    ...present("ttl_seconds", ttl_seconds),
  };
  await submit(context, call, { target, detail, command });
  const document = context.replica.state.get("locks", key);
  if (document === undefined) {
    throw new PactError("CONFLICT", "CONFLICT: it was released meanwhile");
  }
  return toWire(document);
}

async function releaseLock(
  context: ServiceContext,
  request: lock.ReleaseLockRequest,
  call: HandlerContext,
): Promise<lock.ReleaseLockResponse> {
  const target = targetOf(request);
  const { key, kind, name } = target;
  const former = context.replica.state.get("locks", key);
  const reason = reasonOf(request.reason);
  const detail = `${kind} ${name} released${reason === undefined ? "" : `: ${reason}`}`;
  const command = { type: "ReleaseLock" as const, kind, name, ...present("reason", reason) };
  await submit(context, call, { target, detail, command });
  return create(lock.ReleaseLockResponseSchema, present("lock", former && toWire(former)));
}

/** What a change of locks is. */
interface LockChange {
  readonly target: LockTarget;
  readonly detail: string;
  readonly command: Parameters<ServiceContext["replica"]["submit"]>[0];
}

async function submit(
  { replica, gatekeeper }: ServiceContext,
  call: HandlerContext,
  { target, detail, command }: LockChange,
): Promise<void> {
  const caller = callerOf(call);
  const access = { action: "lock", scope: target.scope };
  const { role, policyRef } = await gatekeeper.require({ caller, ...access });
  await replica.submit(command, {
    actor: identityOf(caller, role),
    signal: waitSignalOf(call),
    audit: auditNote(call, caller, { ...access, policyRef, detail }),
    ...present("requestId", readRequestId(call.requestHeader)),
  });
}

/** What a request is about. */
interface LockTarget {
  readonly kind: LockKind;
  readonly name: string;
  readonly key: string;
  readonly scope: Scope;
}

function targetOf({ kind, name }: Pick<lock.Lock, "kind" | "name">): LockTarget {
  if (!isLockKind(kind)) {
    throw new PactError("INVALID_ARGUMENT", `unknown kind '${kind}': user, role, node or vcluster`);
  }
  if (!isPlainText(name, MAX_NAME_CHARS)) {
    throw new PactError("INVALID_ARGUMENT", `name of a ${kind} required`);
  }
  const key = lockKey(kind, name);
  if (kind === "node") return { kind, key, name, scope: { Node: nodeIdFromWire(name) } };
  if (kind === "vcluster") {
    return { kind, key, name, scope: { VCluster: vclusterIdFromWire(name) } };
  }
  return { kind, key, name, scope: "Global" };
}

function reasonOf(text: string): string | undefined {
  if (text.trim() === "") return undefined;
  if (isPlainText(text, MAX_REASON_CHARS)) return text.trim();
  throw new PactError(
    "INVALID_ARGUMENT",
    `a reason is one line of at most ${MAX_REASON_CHARS} characters`,
  );
}

function isPlainText(text: string, maxChars: number): boolean {
  // Control characters would forge lines of logs and terminals.
  return text.trim() !== "" && text.length <= maxChars && !/\p{Cc}/u.test(text);
}

function toWire(document: LockDocument): lock.Lock {
  const { kind, name, reason, locked_by, locked_at, expires_at } = document;
  return create(lock.LockSchema, {
    kind,
    name,
    reason,
    lockedBy: locked_by.principal,
    lockedAt: instantToWire(locked_at),
    ...(expires_at === undefined ? {} : { expiresAt: instantToWire(expires_at) }),
  });
}
