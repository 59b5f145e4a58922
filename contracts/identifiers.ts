/**
 * Names that pact and lattice share (NC-8). Each is checked against its grammar before it can
 * become part of a path, so no identifier can climb out of the directory it names.
 */
import { ContractError } from "./error.ts";

export type IdentifierKind = "allocation id" | "service or scope name" | "node id";

export type IdentifierFault = {
  readonly kind: "InvalidIdentifier";
  readonly what: IdentifierKind;
  readonly value: string;
};

/** A value outside the grammar of the identifier it was given as. */
export class IdentifierError extends ContractError<IdentifierFault> {
  constructor(what: IdentifierKind, value: string) {
    super("IdentifierError", `invalid ${what}: ${quote(value)}`, {
      kind: "InvalidIdentifier",
      what,
      value,
    });
  }
}

const ALLOCATION_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const UNIT_NAME = /^[A-Za-z0-9][A-Za-z0-9_.@:-]{0,127}$/;
const NODE_ID = /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/;

/** Holds for ids that the workload manager gives its allocations. */
export function isAllocationId(value: string): boolean {
  return ALLOCATION_ID.test(value);
}

/** Holds for service names and scope names. */
export function isUnitName(value: string): boolean {
  return UNIT_NAME.test(value) && !value.includes("..");
}

/** Holds for node ids: names of hosts, with or without a domain. */
export function isNodeId(value: string): boolean {
  return NODE_ID.test(value);
}

/** Returns `value`. @throws {IdentifierError} when it is no allocation id */
export function checkAllocationId(value: string): string {
  if (!isAllocationId(value)) throw new IdentifierError("allocation id", value);
  return value;
}

/** Returns `value`. @throws {IdentifierError} when it is no service or scope name */
export function checkUnitName(value: string): string {
  if (!isUnitName(value)) throw new IdentifierError("service or scope name", value);
  return value;
}

/** Returns `value`. @throws {IdentifierError} when it is no node id */
export function checkNodeId(value: string): string {
  if (!isNodeId(value)) throw new IdentifierError("node id", value);
  return value;
}

/** JSON quoting keeps control characters out of terminals; the cut keeps messages short. */
function quote(value: string): string {
  return JSON.stringify(value.length > 160 ? `${value.slice(0, 160)}...` : value);
}
