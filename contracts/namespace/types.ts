/** What lattice asks for and gets (section 4.1), with JSON forms. */
import { checkAllocationId, isAllocationId } from "../identifiers.ts";
import type { JsonObject, JsonValue } from "../json.ts";
import { JsonReader } from "../json_reader.ts";
import { NamespaceError } from "./error.ts";

export const NAMESPACE_TYPES = ["Pid", "Net", "Mount"] as const;

export type NamespaceType = (typeof NAMESPACE_TYPES)[number];

export interface NamespaceRequest {
  readonly allocationId: string;
  /** Not empty, no duplicates; descriptors come back in this order. */
  readonly namespaces: readonly NamespaceType[];
  /** Image to mount inside the mount namespace, e.g. `pytorch-2.5.sqfs`. */
  readonly uenvImage: string | null;
  /** Allocation scope to watch; `null` is the scope of CG-40. */
  readonly cgroupPath: string | null;
}

export interface NamespaceResponse {
  readonly allocationId: string;
  /** What the attached descriptors are, in the order requested. */
  readonly fdTypes: readonly NamespaceType[];
  /** e.g. `/run/pact/uenv/pytorch-2.5`. */
  readonly uenvMountPath: string | null;
}

/** Either side says that an allocation is over. */
export interface AllocationEnded {
  readonly allocationId: string;
}

/**
 * Refuses a request no namespace could be made for (section 4.1, NC-8).
 *
 * @throws {NamespaceError} `CreationFailed`, naming what is wrong
 */
export function assertNamespaceRequest(request: NamespaceRequest): void {
  if (!isAllocationId(request.allocationId)) {
    throw creationFailed(`invalid allocation id: ${JSON.stringify(request.allocationId)}`);
  }
  if (request.namespaces.length === 0) throw creationFailed("no namespaces requested");
  if (new Set(request.namespaces).size !== request.namespaces.length) {
    throw creationFailed(`duplicate namespaces (${request.namespaces.join(", ")})`);
  }
  if (request.uenvImage !== null && !request.namespaces.includes("Mount")) {
    throw creationFailed("uenv image without a Mount namespace");
  }
}

/** NS-16: whether a repeated request asks for what the first one did. */
export function isSameRequest(a: NamespaceRequest, b: NamespaceRequest): boolean {
  return a.allocationId === b.allocationId && a.uenvImage === b.uenvImage &&
    a.cgroupPath === b.cgroupPath && a.namespaces.join() === b.namespaces.join();
}

/** NS-16: the answer to a repeated request with different content. */
export function alreadyHasNamespaces(live: NamespaceRequest): NamespaceError {
  return creationFailed(`allocation ID already has namespaces (${live.namespaces.join(", ")})`);
}

const IMAGE_SUFFIX = /\.(?:sqfs|squashfs)$/;

/**
 * NS-19: refuses an image outside the configured roots or without a squashfs suffix. That it is
 * a regular file is for the caller to see.
 *
 * @param requested as it stood in the request, for the message
 * @param realPath after all links were resolved
 * @throws {NamespaceError} `CreationFailed` with reason `image not allowed: X`
 */
export function assertImageAllowed(
  requested: string,
  realPath: string,
  imageRoots: readonly string[],
): void {
  const plain = realPath.startsWith("/") && !realPath.includes("\0") &&
    !realPath.split("/").includes("..");
  const inside = imageRoots.some((root) => realPath.startsWith(root.replace(/\/*$/, "/")));
  if (!plain || !inside || !IMAGE_SUFFIX.test(realPath)) {
    throw creationFailed(`image not allowed: ${requested}`);
  }
}

/** The JSON form, as `namespaceRequestFromJson` reads it. */
export function namespaceRequestToJson(request: NamespaceRequest): JsonObject {
  return {
    allocation_id: request.allocationId,
    namespaces: request.namespaces,
    uenv_image: request.uenvImage,
    cgroup_path: request.cgroupPath,
  };
}

/** @throws {JsonError} when a member is missing or has the wrong type */
export function namespaceRequestFromJson(value: JsonValue): NamespaceRequest {
  const reader = new JsonReader(value, "request");
  return {
    allocationId: reader.text("allocation_id"),
    namespaces: reader.variants("namespaces", NAMESPACE_TYPES),
    uenvImage: reader.textOrNull("uenv_image"),
    cgroupPath: reader.textOrNull("cgroup_path"),
  };
}

/** The JSON form, as `namespaceResponseFromJson` reads it. */
export function namespaceResponseToJson(response: NamespaceResponse): JsonObject {
  return {
    allocation_id: response.allocationId,
    fd_types: response.fdTypes,
    uenv_mount_path: response.uenvMountPath,
  };
}

/** @throws {JsonError} when a member is missing or has the wrong type */
export function namespaceResponseFromJson(value: JsonValue): NamespaceResponse {
  const reader = new JsonReader(value, "response");
  return {
    allocationId: reader.text("allocation_id"),
    fdTypes: reader.variants("fd_types", NAMESPACE_TYPES),
    uenvMountPath: reader.textOrNull("uenv_mount_path"),
  };
}

/** The JSON form, as `allocationEndedFromJson` reads it. */
export function allocationEndedToJson(ended: AllocationEnded): JsonObject {
  return { allocation_id: checkAllocationId(ended.allocationId) };
}

/** @throws {JsonError} when the id is missing @throws {IdentifierError} outside its grammar */
export function allocationEndedFromJson(value: JsonValue): AllocationEnded {
  return { allocationId: checkAllocationId(new JsonReader(value, "ended").text("allocation_id")) };
}

function creationFailed(reason: string): NamespaceError {
  return new NamespaceError({ kind: "CreationFailed", reason });
}
