/** The messages of the handoff socket and their JSON envelope (NS-10, NS-11). */
import type { JsonObject, JsonValue } from "../json.ts";
import { JsonReader } from "../json_reader.ts";
import { type MountHandle, mountHandleFromJson, mountHandleToJson } from "../mount/mod.ts";
import { CONTRACT_VERSION } from "../version.ts";
import { ProtocolError } from "./error.ts";
import {
  type AllocationEnded,
  allocationEndedFromJson,
  allocationEndedToJson,
  NAMESPACE_TYPES,
  type NamespaceRequest,
  namespaceRequestFromJson,
  namespaceRequestToJson,
  type NamespaceResponse,
  namespaceResponseFromJson,
  namespaceResponseToJson,
  type NamespaceType,
} from "./types.ts";

/** A reference to a shared mount, as lattice names it. */
export interface MountReference {
  readonly allocationId: string;
  readonly imagePath: string;
}

/** The answer to `list`. */
export interface HandoffState {
  readonly allocations: readonly {
    readonly allocationId: string;
    readonly namespaces: readonly NamespaceType[];
  }[];
  readonly mounts: readonly (MountHandle & { readonly count: number })[];
}

/** Sent every 5 s while a request waits for readiness. */
export interface Queued {
  readonly reason: string;
  /** Place in the queue, from 1. */
  readonly position: number;
}

/** A contract error as it travels: the kind to match on, the message to show. */
export interface WireError {
  readonly kind: string;
  readonly message: string;
}

type Empty = Readonly<Record<never, never>>;

/** The body of each message kind (NS-11). */
export interface HandoffBodies {
  /** lattice to pact; answered by `namespaces` or `error`. */
  readonly request_namespaces: NamespaceRequest;
  /** pact to lattice, with the descriptors. */
  readonly namespaces: NamespaceResponse;
  /** Both ways; answered by `ack`. */
  readonly allocation_ended: AllocationEnded;
  /** lattice to pact; answered by `ack` or `error`. */
  readonly release_namespaces: AllocationEnded;
  /** lattice to pact; answered by `mount` or `error`. */
  readonly acquire_mount: MountReference;
  /** pact to lattice. */
  readonly mount: MountHandle;
  /** lattice to pact; answered by `ack` or `error`. */
  readonly release_mount: MountReference;
  /** lattice to pact; answered by `state`. */
  readonly list: Empty;
  /** pact to lattice. */
  readonly state: HandoffState;
  /** pact to lattice; the answer is still to come. */
  readonly queued: Queued;
  /** Both ways. */
  readonly ack: Empty;
  /** pact to lattice. */
  readonly error: WireError;
}

export type HandoffKind = keyof HandoffBodies;

/** One message; `id` is the requester's choice and comes back in every answer. */
export type HandoffMessage = {
  readonly [Kind in HandoffKind]: {
    readonly id: number;
    readonly kind: Kind;
    readonly body: HandoffBodies[Kind];
  };
}[HandoffKind];

/** Allocations or mounts a `state` answer may list. */
const MAX_STATE_ITEMS = 1024;

/** The envelope of a message. */
export function handoffMessageToJson(message: HandoffMessage): JsonObject {
  return { v: CONTRACT_VERSION, id: message.id, kind: message.kind, body: bodyToJson(message) };
}

/**
 * Reads an envelope.
 *
 * @throws {ProtocolError} for another version or an unknown kind
 * @throws {JsonError} when a member is missing or has the wrong type
 */
export function handoffMessageFromJson(value: JsonValue): HandoffMessage {
  const envelope = new JsonReader(value, "envelope");
  const version = envelope.whole("v");
  if (version !== CONTRACT_VERSION) throw new ProtocolError(`unsupported version ${version}`);
  return bodyFromJson(envelope.whole("id"), envelope.text("kind"), envelope.value("body"));
}

function bodyToJson(message: HandoffMessage): JsonObject {
  switch (message.kind) {
    case "request_namespaces":
      return namespaceRequestToJson(message.body);
    case "namespaces":
      return namespaceResponseToJson(message.body);
    case "allocation_ended":
    case "release_namespaces":
      return allocationEndedToJson(message.body);
    case "acquire_mount":
    case "release_mount":
      return { allocation_id: message.body.allocationId, image_path: message.body.imagePath };
    case "mount":
      return mountHandleToJson(message.body);
    case "state":
      return stateToJson(message.body);
    case "queued":
      return { reason: message.body.reason, position: message.body.position };
    case "error":
      return { kind: message.body.kind, message: message.body.message };
    case "list":
    case "ack":
      return {};
  }
}

function bodyFromJson(id: number, kind: string, body: JsonValue): HandoffMessage {
  switch (kind) {
    case "request_namespaces":
      return { id, kind, body: namespaceRequestFromJson(body) };
    case "namespaces":
      return { id, kind, body: namespaceResponseFromJson(body) };
    case "allocation_ended":
    case "release_namespaces":
      return { id, kind, body: allocationEndedFromJson(body) };
    case "acquire_mount":
    case "release_mount":
      return { id, kind, body: mountReferenceFromJson(body) };
    case "mount":
      return { id, kind, body: mountHandleFromJson(body) };
    case "state":
      return { id, kind, body: stateFromJson(body) };
    case "queued": {
      const reader = new JsonReader(body, "queued");
      return {
        id,
        kind,
        body: { reason: reader.text("reason"), position: reader.whole("position") },
      };
    }
    case "error": {
      const reader = new JsonReader(body, "error");
      return { id, kind, body: { kind: reader.text("kind"), message: reader.text("message") } };
    }
    case "list":
    case "ack":
      return { id, kind, body: {} };
    default:
      throw new ProtocolError(`unknown kind ${JSON.stringify(kind.slice(0, 64))}`);
  }
}

function mountReferenceFromJson(value: JsonValue): MountReference {
  const reader = new JsonReader(value, "mount reference");
  const { allocationId } = allocationEndedFromJson(value);
  return { allocationId, imagePath: reader.text("image_path") };
}

function stateToJson(state: HandoffState): JsonObject {
  return {
    allocations: state.allocations.map(({ allocationId, namespaces }) => ({
      allocation_id: allocationId,
      namespaces,
    })),
    mounts: state.mounts.map((mount) => ({ ...mountHandleToJson(mount), count: mount.count })),
  };
}

function stateFromJson(value: JsonValue): HandoffState {
  const reader = new JsonReader(value, "state");
  return {
    allocations: reader.list("allocations", MAX_STATE_ITEMS).map((item) => {
      const allocation = new JsonReader(item, "state.allocations");
      return {
        allocationId: allocation.text("allocation_id"),
        namespaces: allocation.variants("namespaces", NAMESPACE_TYPES),
      };
    }),
    mounts: reader.list("mounts", MAX_STATE_ITEMS).map((item) => ({
      ...mountHandleFromJson(item),
      count: new JsonReader(item, "state.mounts").whole("count"),
    })),
  };
}
